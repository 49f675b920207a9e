"""Sessions: how they begin, what they allow, and everything that ends them."""

from __future__ import annotations

import pytest

from core.foundation.errors import Forbidden, InvalidInput, SignInRequired
from core.foundation.model import Line, Role
from core.ledger import changes as ledger
from core.people import accounts, guessing, passwords
from core.people import administration as people
from core.people.accounts import NewSession
from tests.support.builders import Shop, key
from tests.support.people import (
    PASSWORD,
    actor_of,
    email,
    id_of,
    new_person,
    prove,
    sign_in,
    token_of,
    use_link,
    who,
)

__all__ = ["email"]


@pytest.mark.parametrize("junk", ["", "x", "0" * 43, "0" * 44, "é" * 43, "\0" * 43, "a" * 10_000, "'; select 1; --"])
def test_an_unknown_token_has_no_session(shop: Shop, junk: str) -> None:
    assert who(shop, junk) is None


def test_signing_out_ends_the_session_and_may_be_repeated(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    for _ in range(2):
        accounts.at_the_door(shop.engine, accounts.sign_out, token=token)
        assert who(shop, token) is None


def test_an_expired_session_is_not_found(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    session_id = actor_of(shop, token).session_id
    shop.sql("update stockroom.sessions set expires_at = now() where id = :id", id=session_id)
    assert who(shop, token) is None


def test_signing_in_begins_a_new_session_and_ends_the_one_this_browser_had(shop: Shop, email: str) -> None:
    first = token_of(sign_in(shop, email))
    second = token_of(sign_in(shop, email, previous=first))
    assert first != second
    assert who(shop, first) is None
    assert who(shop, second) is not None


def test_a_token_chosen_by_an_attacker_is_never_used(shop: Shop, email: str) -> None:
    planted = passwords.new_token()
    assert token_of(sign_in(shop, email, previous=planted)) != planted
    assert who(shop, planted) is None


def test_signing_out_everywhere_ends_every_browser_and_every_open_link(shop: Shop, email: str) -> None:
    tokens = [token_of(sign_in(shop, email)) for _ in range(3)]
    link = shop.run(people.make_link, user_id=id_of(shop, email))
    assert shop.run(accounts.end_sessions, actor_of(shop, tokens[0])) == 3
    assert [who(shop, token) for token in tokens] == [None] * 3
    assert use_link(shop, link) is None


def test_a_person_sees_the_browsers_they_are_signed_in_with(shop: Shop, email: str) -> None:
    sign_in(shop, email, user_agent="Phone")
    token = token_of(sign_in(shop, email, user_agent="Desk" + "x" * 1000))
    browsers = shop.run(accounts.own_sessions, actor_of(shop, token))
    assert [(row.user_agent[:5], row.is_this_one) for row in browsers] == [("Deskx", True), ("Phone", False)]


def test_a_session_revoked_in_the_middle_refuses_the_next_operation_and_changes_nothing(shop: Shop, email: str) -> None:
    variant = shop.variant(5)
    token = token_of(sign_in(shop, email))
    actor = actor_of(shop, token)
    shop.adjust(variant, 1, actor)
    accounts.at_the_door(shop.engine, accounts.sign_out, token=token)
    with pytest.raises(SignInRequired):
        shop.adjust(variant, 1, actor)
    assert shop.on_hand(variant) == 6


def test_a_new_role_holds_from_the_next_operation_on(shop: Shop, email: str) -> None:
    variant = shop.variant(5)
    actor = actor_of(shop, token_of(sign_in(shop, email)))
    shop.run(people.set_role, user_id=actor.user_id, role=Role.SUPPORT)
    with pytest.raises(Forbidden):
        shop.adjust(variant, 1, actor)
    shop.run(people.set_role, user_id=actor.user_id, role=Role.MANAGER)
    shop.adjust(variant, 1, actor)
    assert shop.on_hand(variant) == 6


def test_carl_who_is_deactivated_has_no_rights(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    actor = actor_of(shop, token)
    link = shop.run(people.make_link, user_id=actor.user_id)
    shop.run(people.set_active, user_id=actor.user_id, active=False)
    assert who(shop, token) is None
    assert sign_in(shop, email) is None
    assert use_link(shop, link) is None
    variant = shop.variant(1)
    with pytest.raises(SignInRequired):
        shop.run(ledger.receive, actor, lines=[Line(variant_id=variant, quantity=1)], key=key())
    with pytest.raises(InvalidInput, match="not active"):
        shop.run(people.make_link, user_id=actor.user_id)
    shop.run(people.set_active, user_id=actor.user_id, active=True)
    assert who(shop, token) is None, "the old session stays ended"
    assert isinstance(sign_in(shop, email), NewSession)


def test_changing_the_password_signs_out_every_other_browser(shop: Shop, email: str) -> None:
    other, mine = token_of(sign_in(shop, email)), token_of(sign_in(shop, email))
    actor = actor_of(shop, mine)
    shop.run(accounts.set_own_password, actor, password="another good one", proof=prove(shop, email))
    assert who(shop, other) is None
    assert who(shop, mine) is not None
    assert sign_in(shop, email) is None
    assert isinstance(sign_in(shop, email, "another good one"), NewSession)


def test_a_password_is_not_changed_without_the_current_one(shop: Shop, email: str) -> None:
    actor = actor_of(shop, token_of(sign_in(shop, email)))
    with pytest.raises(InvalidInput, match="changed in the meantime"):
        shop.run(accounts.set_own_password, actor, password="another good one", proof=None)
    assert isinstance(sign_in(shop, email), NewSession)


def test_only_a_first_admin_sets_their_own_name(shop: Shop) -> None:
    email = new_person(shop, password=None)
    actor = actor_of(shop, token_of(use_link(shop, shop.run(people.make_link, user_id=id_of(shop, email)))))
    shop.run(accounts.set_own_password, actor, password=PASSWORD, proof=None, name="Mia", email="mia.too@shop.example")
    assert shop.sql("select name from stockroom.users where email = :email", email=email) == "New Person"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 10"),
        ("", "at least 10"),
        ("x" * 201, "at most 200"),
        ("aaaaaaaaaaaaaa", "different characters"),
        ("p-of-person@shop.example", "not be the email"),
        ("password12", "easy to guess"),
        ("qwertyuiop", "easy to guess"),
        ("letmein123!", "easy to guess"),
        ("warehouse1", "easy to guess"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        passwords.clean_password(password, "p-of-person@shop.example")


@pytest.mark.parametrize("password", ["Wanda-Weber-1990", "wanda.weber!2", "Schuhladen2024", "wandaweber1"])
def test_the_names_of_a_person_and_of_the_shop_are_words_that_strangers_try(password: str) -> None:
    with pytest.raises(InvalidInput, match=r"easy to guess.*are better"):
        passwords.clean_password(password, "wanda.weber@shop.example", "Wanda Weber", "Schuhladen")


def test_a_new_password_may_not_be_the_shops_name_and_an_old_one_still_signs_in(shop: Shop, email: str) -> None:
    shop.sql("update stockroom.users set password_hash = :old where email = :email", email=email,
             old=passwords.hash_password("password12"))  # fmt: skip
    actor = actor_of(shop, token_of(sign_in(shop, email, "password12")))
    name = shop.sql("select name from stockroom.shop")
    proof = prove(shop, email, "password12")
    with pytest.raises(InvalidInput, match="easy to guess"):
        shop.run(accounts.set_own_password, actor, password=f"{name.replace(' ', '')}2026", proof=proof)


def test_only_the_beginning_of_a_long_password_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def estimate(text: str, **_: object) -> dict[str, int]:
        looked.append(len(text))
        return {"score": 4}

    monkeypatch.setattr(guessing, "zxcvbn", estimate)
    passwords.clean_password("abcd" * 50, "wanda@shop.example")
    assert looked == [72]
