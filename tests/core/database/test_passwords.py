"""Passwords and names of accounts with special characters: they work in each command, and no output shows them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import core.__main__
from core.database import hosts, migrate
from core.database.startup import Database, bring_up_to_date
from core.foundation.addresses import database_url
from core.foundation.errors import SetupError
from tests.support.builders import Shop
from tests.support.servers import Server, administer

PASSWORD = "correct%20horse%2B%3F%40s3cret"


@pytest.fixture
def with_spaces(embedded: Server, embedded_shop: Shop) -> Iterator[str]:
    """The URL of an account with a space in its name, which may migrate and back up."""
    role = f"ann smith {uuid.uuid4().hex[:8]}"
    administer(embedded, f"create role \"{role}\" superuser login password 'correct horse+?@s3cret'")
    account = f"{role.replace(' ', '%20')}:{PASSWORD}@"
    options = embedded_shop.owner_url.partition("@")[2]
    yield f"postgresql://{account}{options}"
    administer(embedded, f'drop role "{role}"')


def run(*words: str) -> int:
    return core.__main__.main([*words]) or 0


def test_a_shop_is_run_by_an_account_whose_name_and_password_have_spaces(
    with_spaces: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", with_spaces)
    monkeypatch.delenv("STOCKROOM_OWNER_URL", raising=False)
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path))
    assert run("migrate") == 0
    assert run("user", "list") == 0
    assert run("backup") == 0
    said = "".join(capsys.readouterr())
    assert "horse" not in said
    assert "s3cret" not in said


def test_the_apps_own_account_may_have_a_space_in_its_password(embedded_shop: Shop) -> None:
    app_url = embedded_shop.app_url.replace("stockroom_app@", f"stockroom_app:{PASSWORD}@")
    given = database_url("DATABASE_URL", app_url)
    bring_up_to_date(Database(app_url=given, owner_url=embedded_shop.owner_url, embedded=False))


@pytest.mark.parametrize("url", ["postgresql://mia:my s3cret@h/shop", "postgresql://mia:s3cret%00@h/shop"])
def test_an_address_that_the_driver_cannot_read_is_refused_without_its_password(url: str) -> None:
    for attempt in (migrate.migrate, hosts.connect):
        with pytest.raises(SetupError, match="percent-encoded") as refusal:
            attempt(url)
        assert "s3cret" not in str(refusal.value)
        assert refusal.value.__cause__ is None
