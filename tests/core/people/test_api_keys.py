"""API keys: shown once, stored as a hash, valid for their scopes until they are revoked."""

from __future__ import annotations

import pytest

from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.model import Actor
from core.people import api_keys
from core.people.api_keys import Scope
from tests.support.builders import Shop

NOBODY = Actor(name="Storefront")


def make(shop: Shop, *scopes: Scope, who: str = "Ada", rate: int = 60) -> str:
    made: str = shop.run(api_keys.make, who, name="Web shop", scopes=scopes or tuple(Scope), rate_per_minute=rate)
    return made


def test_a_key_gives_its_program_its_scopes(shop: Shop) -> None:
    made = make(shop, Scope.VALIDATE)
    found = shop.run(api_keys.caller, NOBODY, key=made)
    assert (found.name, found.scopes, found.rate_per_minute) == ("Web shop", {Scope.VALIDATE}, 60)


def test_the_key_itself_is_nowhere_in_the_database(shop: Shop) -> None:
    made = make(shop)
    rows = shop.rows("select to_jsonb(k)::text as said from stockroom.api_keys k")
    audited = shop.rows("select to_jsonb(a)::text as said from stockroom.audit a")
    assert not [row for row in [*rows, *audited] if made in row.said or made[12:] in row.said]
    (newest, *_) = shop.run(api_keys.keys, "Ada")
    assert made.startswith(newest.begins)
    assert len(newest.begins) == 10


@pytest.mark.parametrize("key", ["", "stk_", "stk_" + "x" * 43, "x" * 500, "stk_'; drop table products", "stk_ü"])
def test_any_other_text_is_not_a_key(shop: Shop, key: str) -> None:
    assert shop.run(api_keys.caller, NOBODY, key=key) is None


def test_a_revoked_key_is_invalid_at_once(shop: Shop) -> None:
    made = make(shop)
    (newest, *_) = shop.run(api_keys.keys, "Ada")
    for _ in range(2):
        shop.run(api_keys.revoke, "Ada", key_id=newest.key_id)
    assert shop.run(api_keys.caller, NOBODY, key=made) is None
    (newest, *_) = shop.run(api_keys.keys, "Ada")
    assert newest.revoked_by == "Ada"
    with pytest.raises(InvalidInput):
        shop.run(api_keys.revoke, "Ada", key_id=9_000_000_000)


def test_only_admins_make_see_and_revoke_keys(shop: Shop) -> None:
    wanted = {"name": "Mine", "scopes": [Scope.ORDERS]}
    for operation, values in ((api_keys.make, wanted), (api_keys.keys, {}), (api_keys.revoke, {"key_id": 1})):
        with pytest.raises(Forbidden):
            shop.run(operation, "Mia", **values)


def test_a_key_without_scope_or_with_an_impossible_rate_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="Scopes"):
        shop.run(api_keys.make, "Ada", name="X", scopes=[])
    with pytest.raises(InvalidInput, match="Rate"):
        make(shop, rate=0)


def test_a_use_is_noted(shop: Shop) -> None:
    made = make(shop)
    shop.run(api_keys.caller, NOBODY, key=made)
    (newest, *_) = shop.run(api_keys.keys, "Ada")
    assert newest.last_used_at is not None
