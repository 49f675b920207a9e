"""One-time links, and the accounts that admins manage."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from core.foundation.errors import Forbidden, InvalidInput, SignInRequired
from core.foundation.model import COMMAND_LINE, Role
from core.people import accounts
from core.people import administration as people
from core.people.accounts import NewSession
from core.people.factors.half import HalfSession
from tests.support.builders import Shop
from tests.support.people import PASSWORD, actor_of, email, id_of, new_person, sign_in, token_of, use_link

__all__ = ["email"]


def test_a_link_signs_its_person_in_once(shop: Shop) -> None:
    email = new_person(shop, password=None)
    link = shop.run(people.make_link, user_id=id_of(shop, email))
    session = use_link(shop, link)
    assert actor_of(shop, token_of(session)).email == email
    assert use_link(shop, link) is None


def test_looking_at_a_link_does_not_use_it_up(shop: Shop, email: str) -> None:
    link = shop.run(people.make_link, user_id=id_of(shop, email))
    for _ in range(3):
        assert accounts.at_the_door(shop.engine, accounts.find_link, link=link) == "New Person"
    assert use_link(shop, link) is not None
    assert accounts.at_the_door(shop.engine, accounts.find_link, link=link) is None


def test_of_two_who_use_a_link_at_once_one_gets_a_session(shop: Shop, email: str) -> None:
    link = shop.run(people.make_link, user_id=id_of(shop, email))
    start = threading.Barrier(6)

    def press(_: int) -> NewSession | HalfSession | None:
        start.wait()
        return use_link(shop, link)

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(press, range(6)))
    assert sum(answer is not None for answer in answers) == 1


def test_an_expired_link_signs_nobody_in(shop: Shop, email: str) -> None:
    link = shop.run(people.make_link, user_id=id_of(shop, email), life=timedelta(seconds=-1))
    assert accounts.at_the_door(shop.engine, accounts.find_link, link=link) is None
    assert use_link(shop, link) is None


def test_a_newer_link_replaces_the_one_before(shop: Shop, email: str) -> None:
    older, newer = (shop.run(people.make_link, user_id=id_of(shop, email)) for _ in range(2))
    assert use_link(shop, older) is None
    assert use_link(shop, newer) is not None


@pytest.mark.parametrize("junk", ["", "0" * 43, "\0", "x" * 5_000])
def test_an_unknown_link_signs_nobody_in(shop: Shop, junk: str) -> None:
    assert use_link(shop, junk) is None


def test_the_first_start_of_a_shop_gives_a_link_to_its_admin_until_one_has_a_password(fresh_shop: Shop) -> None:
    links = [fresh_shop.run(people.first_link) for _ in range(2)]
    admin = actor_of(fresh_shop, token_of(use_link(fresh_shop, links[1])))
    assert (admin.role, admin.name) == (Role.ADMIN, "Admin")
    assert fresh_shop.sql("select count(*) from stockroom.users") == 1
    fresh_shop.run(
        accounts.set_own_password, admin, password=PASSWORD, proof=None, name="Ada", email="Ada@Shop.example"
    )
    assert fresh_shop.run(people.first_link) is None
    assert isinstance(sign_in(fresh_shop, "ada@shop.example"), NewSession)


def test_each_process_prints_a_first_link_and_the_one_that_is_used_ends_the_others(fresh_shop: Shop) -> None:
    links = [fresh_shop.run(people.first_link) for _ in range(6)]
    assert use_link(fresh_shop, links[0]) is None, "of many starts the newest five links stay"
    with ThreadPoolExecutor(2) as threads:
        used = list(threads.map(lambda link: use_link(fresh_shop, link), links[1:3]))
    assert [each is None for each in used].count(True) == 1
    assert use_link(fresh_shop, links[5]) is None


def test_two_servers_that_start_at_once_make_one_admin(fresh_shop: Shop) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: fresh_shop.run(people.first_link), range(4)))
    assert fresh_shop.sql("select count(*) from stockroom.users") == 1


def test_only_an_admin_manages_accounts(shop: Shop, email: str) -> None:
    user_id = id_of(shop, email)
    operations = [
        people.list_people,
        partial(people.add_person, email="x@shop.example", name="X", role=Role.ADMIN),
        partial(people.make_link, user_id=user_id),
        partial(people.set_role, user_id=user_id, role=Role.ADMIN),
        partial(people.set_active, user_id=user_id, active=False),
        partial(accounts.end_sessions, user_id=user_id),
    ]
    for name in ("Wanda", "Sam", "Mia"):
        for operation in operations:
            with pytest.raises(Forbidden):
                shop.run(operation, name)
    with pytest.raises(SignInRequired):
        shop.run(people.list_people, "Carl")
    assert email in {person.email for person in shop.run(people.list_people, "Ada")}


def test_an_email_address_has_only_one_account(shop: Shop, email: str) -> None:
    with pytest.raises(InvalidInput, match="Email already belongs to another account"):
        shop.run(people.add_person, "Ada", email=f" {email.upper()} ", name="Twin", role=Role.SUPPORT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no at sign"),
        ("email", "a@b c"),
        ("email", "\0@x.example"),
        ("email", "x" * 250 + "@shop.example"),
        ("name", "  "),
        ("name", "x" * 81),
        ("name", "Mia\u202e"),
        ("name", "\0"),
        ("role", "owner"),
        ("role", "'; drop table stockroom.users; --"),
    ],
)
def test_an_invalid_person_is_refused_with_the_field(shop: Shop, field: str, value: str) -> None:
    values = {"email": f"{uuid.uuid4().hex}@shop.example", "name": "Mia", "role": Role.SUPPORT} | {field: value}
    with pytest.raises(InvalidInput) as refused:
        shop.run(people.add_person, "Ada", **values)
    assert refused.value.field == field


def test_the_last_active_admin_stays_one(fresh_shop: Shop) -> None:
    ada = fresh_shop.person("Ada")
    for operation in (
        partial(people.set_role, user_id=id_of(fresh_shop, "ada@shop.example"), role=Role.MANAGER),
        partial(people.set_active, user_id=id_of(fresh_shop, "ada@shop.example"), active=False),
    ):
        with pytest.raises(InvalidInput, match="last active admin"):
            fresh_shop.run(operation, ada)


def test_of_two_admins_who_demote_each_other_at_once_one_remains(fresh_shop: Shop) -> None:
    ada = fresh_shop.person("Ada")
    fresh_shop.run(people.add_person, email="bea@shop.example", name="Bea", role=Role.ADMIN)
    bea_id = id_of(fresh_shop, "bea@shop.example")
    start = threading.Barrier(2)

    def demote(user_id: int | None) -> bool:
        start.wait()
        try:
            fresh_shop.run(people.set_role, COMMAND_LINE, user_id=user_id, role=Role.SUPPORT)
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(demote, [ada.user_id, bea_id]))
    assert sorted(answers) == [False, True]


def test_the_apps_own_role_reads_no_account_table(shop: Shop) -> None:
    for table in ("users", "sessions", "sign_in_links", "sign_in_attempts", "known_browsers"):
        with pytest.raises(Exception, match="permission denied"), shop.engine.begin() as connection:
            connection.exec_driver_sql(f"select * from stockroom.{table}")
