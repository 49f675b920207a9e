"""The record of changes: who changed which account or setting, the values before and after, append-only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.database.engine import sqlstate, translate
from core.foundation.errors import AuditIsAppendOnly, Forbidden, InvalidInput, SignInRequired
from core.foundation.model import Role
from core.people import accounts, audit
from core.people import administration as people
from core.people.audit import Change, What
from core.sample.removal import remove_sample
from core.shop.profile import change_shop
from tests.support.backing_up import backed_up
from tests.support.builders import Shop
from tests.support.people import PASSWORD, actor_of, id_of, new_person, sign_in, token_of, use_link

SQL = "\n".join(path.read_text(encoding="utf-8") for path in (Path(audit.__file__).parents[1] / "sql").glob("*/*.sql"))
TRIGGERS = (Path(audit.__file__).parents[1] / "migrations/versions/0018_doors.sql").read_text(encoding="utf-8")
NOTED = re.compile(
    r"note_change\(\s*\w+,\s*(?:_performed_by|_who|'Command line'),\s*(?:case when [^']*)?'(\w+)'"
    r"(?: when [^']*'(\w+)')?(?: else '(\w+)')?"
)


def changes(shop: Shop) -> tuple[Change, ...]:
    """Return the recorded changes, newest first."""
    found: tuple[Change, ...] = shop.run(audit.recent_changes, limit=100)
    return found


def latest(shop: Shop) -> tuple[Any, ...]:
    change = changes(shop)[0]
    return (change.performed_by, change.what, change.subject, change.before, change.after)


def test_changes_of_accounts_are_recorded_with_the_values_before_and_after(fresh_shop: Shop) -> None:
    ada = fresh_shop.person("Ada")
    email = "noor@shop.example"
    noor = fresh_shop.run(people.add_person, ada, email=email, name="Noor", role=Role.SUPPORT)
    who = ("Ada", f"Noor ({email})")
    assert latest(fresh_shop) == ("Ada", What.PERSON_ADDED, who[1], {}, {"role": "support"})
    fresh_shop.run(people.set_role, ada, user_id=noor, role=Role.MANAGER)
    assert latest(fresh_shop) == ("Ada", What.ROLE_CHANGED, who[1], {"role": "support"}, {"role": "manager"})
    fresh_shop.run(people.set_active, ada, user_id=noor, active=False)
    assert latest(fresh_shop)[1:] == (What.PERSON_DEACTIVATED, who[1], {"is_active": True}, {"is_active": False})
    fresh_shop.run(people.set_active, ada, user_id=noor, active=True)
    assert latest(fresh_shop)[1:3] == (What.PERSON_ACTIVATED, who[1])
    use_link(fresh_shop, fresh_shop.run(people.make_link, ada, user_id=noor))
    assert latest(fresh_shop)[1:4] == (What.LINK_MADE, who[1], {})
    fresh_shop.run(accounts.end_sessions, ada, user_id=noor)
    assert latest(fresh_shop) == ("Ada", What.SIGNED_OUT, who[1], {"browsers": 1}, {"browsers": 0})
    assert fresh_shop.sql("select count(distinct user_id) from stockroom.audit") == 1


def test_the_first_admin_and_their_own_name_are_recorded(fresh_shop: Shop) -> None:
    admin = actor_of(fresh_shop, token_of(use_link(fresh_shop, fresh_shop.run(people.first_link))))
    own = {"name": "Ada", "email": "ada@shop.example"}
    fresh_shop.run(accounts.set_own_password, admin, password=PASSWORD, proof=None, **own)
    password, named, link, added = changes(fresh_shop)
    assert (added.what, added.performed_by, added.subject) == (
        What.PERSON_ADDED,
        "Command line",
        "Admin (admin@localhost)",
    )
    assert (link.what, link.performed_by) == (What.LINK_MADE, "Command line")
    assert (named.what, named.performed_by, named.after) == (What.PERSON_NAMED, "Admin", own)
    assert (password.what, password.before, password.after) == (What.PASSWORD_SET, {}, {})


def test_what_changed_nothing_or_was_refused_is_not_recorded(fresh_shop: Shop) -> None:
    ada = fresh_shop.person("Ada")
    before = changes(fresh_shop)
    fresh_shop.run(people.set_role, ada, user_id=ada.user_id, role=Role.ADMIN)
    fresh_shop.run(people.set_active, ada, user_id=ada.user_id, active=True)
    with pytest.raises(InvalidInput, match="last active admin"):
        fresh_shop.run(people.set_role, ada, user_id=ada.user_id, role=Role.SUPPORT)
    with pytest.raises(InvalidInput, match="has no account here"):
        fresh_shop.run(people.set_role, ada, user_id=0, role=Role.SUPPORT)
    with pytest.raises(InvalidInput):
        fresh_shop.run(people.add_person, ada, email="ada@shop.example", name="Twin", role=Role.ADMIN)
    assert changes(fresh_shop) == before


def test_nothing_secret_is_ever_recorded(fresh_shop: Shop) -> None:
    email = new_person(fresh_shop, role=Role.ADMIN)
    token = token_of(sign_in(fresh_shop, email))
    link = fresh_shop.run(people.make_link, user_id=id_of(fresh_shop, email))
    recorded = fresh_shop.sql("select string_agg(to_jsonb(a)::text, ' ') from stockroom.audit a")
    for secret in (PASSWORD, token, link, "argon2"):
        assert secret not in recorded
    for hashed in (
        "select encode(token_hash, 'hex') from stockroom.sign_in_links",
        "select password_hash from stockroom.users",
    ):
        assert fresh_shop.sql(hashed) not in recorded


@pytest.mark.parametrize("role", ["stockroom_owner", "postgres"])
@pytest.mark.parametrize("change", ["update {} set subject = 'x'", "delete from {}", "truncate {}"])
def test_even_the_owner_cannot_edit_or_empty_the_record(shop: Shop, role: str, change: str) -> None:
    new_person(shop)
    with shop.owner.connect() as connection:
        connection.execute(text(f"set local role {role}"))
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text(change.format("stockroom.audit")))
        connection.rollback()
    assert isinstance(translate(refused.value), AuditIsAppendOnly)


def test_the_dashboard_can_neither_write_the_record_itself_nor_read_it_past_the_check(shop: Shop) -> None:
    for statement in (
        "select stockroom_api.note_change(null, 'Ada', 'role_changed', 'x')",
        "insert into stockroom.audit (performed_by, change, subject) values ('Ada', 'role_changed', 'x')",
        "select * from stockroom.audit",
    ):
        with shop.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement))
        assert sqlstate(refused.value) == "42501", statement


def test_only_an_admin_reads_the_record(shop: Shop) -> None:
    for name in ("Wanda", "Sam", "Mia"):
        with pytest.raises(Forbidden):
            shop.run(audit.recent_changes, name)
    with pytest.raises(SignInRequired):
        shop.run(audit.recent_changes, "Carl")
    assert isinstance(shop.run(audit.recent_changes, "Ada"), tuple)


def test_only_the_latest_changes_are_shown_newest_first(fresh_shop: Shop) -> None:
    for _ in range(25):
        new_person(fresh_shop, password=None)
    found = fresh_shop.run(audit.recent_changes)
    assert len(found) == 20
    assert [change.change_id for change in found] == list(range(25, 5, -1))


def test_the_record_is_kept_when_the_sample_shop_is_replaced(fresh_shop: Shop) -> None:
    new_person(fresh_shop, password=None)
    before = changes(fresh_shop)
    fresh_shop.sql("update stockroom.shop set is_sample = true")
    remove_sample(backed_up(fresh_shop).owner_url, name="My shop")
    fresh_shop.run(change_shop, name="Halde Boots")
    named, removed, *kept = changes(fresh_shop)
    assert tuple(kept) == before
    assert (removed.what, removed.performed_by) == (What.SAMPLE_REMOVED, "Command line")
    assert (named.what, named.after) == (What.SHOP_CHANGED, {"name": "Halde Boots"})


def test_each_word_of_the_record_is_one_that_python_knows() -> None:
    written = {word for match in NOTED.finditer(SQL) for word in match.groups() if word}
    by_trigger = {"catalogue_added", "catalogue_changed"}  # direct changes of the catalogue
    assert by_trigger <= set(re.findall(r"'(catalogue_\w+)'", TRIGGERS))
    assert written | by_trigger == {what.value for what in What}
    assert len(NOTED.findall(SQL)) == SQL.count("perform stockroom_api.note_change(")
