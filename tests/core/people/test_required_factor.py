"""Roles that need a second factor, and factors that were lost: also while somebody else changes the same person."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from core.foundation.errors import Forbidden, InvalidInput, SignInRequired, StockError
from core.foundation.model import Role
from core.people import accounts, audit
from core.people import administration as people
from core.people.accounts import NewSession
from core.people.audit import What
from core.people.factors import own, rules
from core.people.factors.half import HalfSession
from tests.support.builders import Shop
from tests.support.people import PASSWORD, actor_of, id_of, new_person, sign_in, token_of, who
from tests.support.shared.second_steps import DEVICE, code, enrolled, give, half_of, proof_of


def need(shop: Shop, role: Role, is_needed: bool = True) -> None:
    shop.run(rules.set_factor_rule, role=role, is_needed=is_needed)


def at_once(*works: Callable[[], object]) -> list[object]:
    start = threading.Barrier(len(works))

    def go(work: Callable[[], object]) -> object:
        start.wait()
        try:
            return work()
        except StockError as refused:
            return type(refused)

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(go, works))


def lacks_factor_in_session(shop: Shop) -> int:
    """How many open sessions belong to people whose role needs a factor that they do not have."""
    return int(
        shop.sql("""select count(*) from stockroom.sessions s join stockroom.users u on u.id = s.user_id
                      join stockroom.factor_rules r on r.role = u.role
                     where r.is_needed and s.revoked_at is null and s.expires_at > now()
                       and not exists (select from stockroom.authenticators a where a.user_id = u.id
                                          and a.confirmed_at is not null)""")
    )


def test_a_person_of_the_role_sets_up_a_factor_before_anything_else(fresh_shop: Shop) -> None:
    email = new_person(fresh_shop)
    session = token_of(sign_in(fresh_shop, email))
    need(fresh_shop, Role.WAREHOUSE)
    assert who(fresh_shop, session) is None, "an open session ends, too"
    half = half_of(fresh_shop, email)
    assert half.must_enrol
    assert who(fresh_shop, half.token) is None
    with pytest.raises(SignInRequired):
        give(fresh_shop, half.token, "000000")
    secret, begun = enrolled(fresh_shop, half.token)
    assert begun.session is not None
    assert actor_of(fresh_shop, begun.session.token).email == email
    assert len(begun.codes) == 10
    assert isinstance(give(fresh_shop, half_of(fresh_shop, email).token, code(secret)), NewSession)


def test_people_of_other_roles_go_on_and_so_does_everybody_when_the_rule_ends(fresh_shop: Shop) -> None:
    sam, wanda = new_person(fresh_shop, Role.SUPPORT), new_person(fresh_shop)
    session = token_of(sign_in(fresh_shop, sam))
    need(fresh_shop, Role.WAREHOUSE)
    assert who(fresh_shop, session) is not None
    need(fresh_shop, Role.WAREHOUSE, False)
    assert isinstance(sign_in(fresh_shop, wanda), NewSession)


def test_a_new_role_that_needs_a_factor_signs_out_who_has_none(fresh_shop: Shop) -> None:
    email = new_person(fresh_shop)
    session = token_of(sign_in(fresh_shop, email))
    need(fresh_shop, Role.MANAGER)
    fresh_shop.run(people.set_role, user_id=id_of(fresh_shop, email), role=Role.MANAGER)
    assert who(fresh_shop, session) is None


def test_only_admins_set_the_rule_and_only_with_a_factor_of_their_own_for_admins(fresh_shop: Shop) -> None:
    for name in ("Wanda", "Sam", "Mia"):
        with pytest.raises(Forbidden):
            fresh_shop.run(rules.set_factor_rule, name, role=Role.WAREHOUSE, is_needed=True)
        with pytest.raises(Forbidden):
            fresh_shop.run(rules.factor_rules, name)
        with pytest.raises(Forbidden):
            fresh_shop.run(rules.remove_factors, name, user_id=1)
    token = token_of(sign_in(fresh_shop, new_person(fresh_shop, Role.ADMIN)))
    ada = actor_of(fresh_shop, token)
    with pytest.raises(InvalidInput):
        fresh_shop.run(rules.set_factor_rule, ada, role=Role.ADMIN, is_needed=True)
    enrolled(fresh_shop, token)
    fresh_shop.run(rules.set_factor_rule, ada, role=Role.ADMIN, is_needed=True)
    assert who(fresh_shop, token) is not None
    found = {rule.role: rule.is_needed for rule in fresh_shop.run(rules.factor_rules, ada)}
    assert found == {Role.WAREHOUSE: False, Role.SUPPORT: False, Role.MANAGER: False, Role.ADMIN: True}


def test_the_last_factor_stays_while_the_role_needs_one(fresh_shop: Shop) -> None:
    email = new_person(fresh_shop)
    token = token_of(sign_in(fresh_shop, email))
    enrolled(fresh_shop, token)  # their page is open while the rule is made
    need(fresh_shop, Role.WAREHOUSE)
    with pytest.raises(InvalidInput):
        accounts.at_the_door(
            fresh_shop.engine, own.remove, token=token, proof=proof_of(fresh_shop, token, email, PASSWORD)
        )
    assert isinstance(sign_in(fresh_shop, email), HalfSession)


def test_an_admin_removes_a_lost_factor_and_the_person_is_signed_out(fresh_shop: Shop) -> None:
    email = new_person(fresh_shop)
    token = token_of(sign_in(fresh_shop, email))
    secret, begun = enrolled(fresh_shop, token)
    half = half_of(fresh_shop, email)  # a page that waits for the code
    ada = fresh_shop.person("Ada")
    fresh_shop.run(rules.remove_factors, ada, user_id=id_of(fresh_shop, email), has_mail=True)
    [mail] = fresh_shop.rows("select recipient, title, body from stockroom.deliveries")
    assert (mail.recipient, mail.title) == (email, "My shop: your second factor was removed")
    assert mail.body.startswith("Ada removed the second factor of your account.")
    assert who(fresh_shop, token) is None
    for typed in (code(secret), begun.codes[0]):
        with pytest.raises(SignInRequired):
            give(fresh_shop, half.token, typed)
    assert isinstance(sign_in(fresh_shop, email), NewSession)
    [removed] = [change for change in fresh_shop.run(audit.recent_changes) if change.what == What.FACTOR_REMOVED]
    assert (removed.performed_by, removed.before) == ("Ada", {"factor": ["app"]})
    with pytest.raises(InvalidInput):  # another admin's page, opened before
        fresh_shop.run(rules.remove_factors, ada, user_id=id_of(fresh_shop, email), has_mail=True)
    assert fresh_shop.sql("select count(*) from stockroom.deliveries") == 1


def test_an_admin_does_not_remove_their_own_factor_without_a_proof(fresh_shop: Shop) -> None:
    token = token_of(sign_in(fresh_shop, new_person(fresh_shop, Role.ADMIN)))
    enrolled(fresh_shop, token)
    ada = actor_of(fresh_shop, token)
    with pytest.raises(InvalidInput):
        fresh_shop.run(rules.remove_factors, ada, user_id=ada.user_id)


def test_whatever_happens_at_once_nobody_without_a_factor_stays_in_a_role_that_needs_one(fresh_shop: Shop) -> None:
    for turn in range(8):
        email, admin = new_person(fresh_shop), fresh_shop.person("Ada")
        token = token_of(sign_in(fresh_shop, email))
        enrolled(fresh_shop, token)
        other = new_person(fresh_shop)
        proof = proof_of(fresh_shop, token, email, PASSWORD)
        wanted = (Role.MANAGER, Role.WAREHOUSE)[turn % 2]
        answers = at_once(
            partial(accounts.at_the_door, fresh_shop.engine, own.remove, token=token, proof=proof),
            partial(fresh_shop.run, rules.set_factor_rule, admin, role=wanted, is_needed=True),
            partial(sign_in, fresh_shop, other),
            partial(fresh_shop.run, people.set_role, admin, user_id=id_of(fresh_shop, other), role=Role.MANAGER),
        )
        assert set(map(str, answers)) <= set(map(str, [None, InvalidInput])) | {
            str(answer) for answer in answers if isinstance(answer, NewSession | HalfSession)
        }
        assert lacks_factor_in_session(fresh_shop) == 0
        need(fresh_shop, wanted, False)


def test_of_two_browsers_of_one_person_that_set_up_at_once_one_gets_in(fresh_shop: Shop) -> None:
    email = new_person(fresh_shop)
    need(fresh_shop, Role.WAREHOUSE)
    halves = [half_of(fresh_shop, email) for _ in range(2)]
    secret = accounts.at_the_door(fresh_shop.engine, own.begin_app, token=halves[0].token)
    answers = at_once(
        *[
            partial(
                accounts.at_the_door, fresh_shop.engine, own.confirm_app,
                token=half.token, secret=secret, code=code(secret), **DEVICE,
            )
            for half in halves
        ]
    )  # fmt: skip
    assert sorted(isinstance(answer, own.Begun) for answer in answers) == [False, True]
    assert any(answer in (SignInRequired, InvalidInput) for answer in answers)
