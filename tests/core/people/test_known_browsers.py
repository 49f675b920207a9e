"""A browser that has signed in before keeps its own count of wrong passwords, so that a stranger cannot lock it out."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from core.foundation.model import Role
from core.people import accounts, browsers
from core.people import administration as people
from core.people.accounts import NewSession, TooManyTries
from tests.support.builders import Shop
from tests.support.people import actor_of, email, id_of, new_person, sign_in, token_of

__all__ = ["email"]


def known(shop: Shop, email: str, shown: str | None = None) -> str:
    """Sign a person in and return the token of their browser."""
    session = token_of(sign_in(shop, email, browser=shown))
    return accounts.at_the_door(shop.engine, browsers.know, session=session, shown=shown)


def fill(shop: Shop, address: str) -> None:
    for number in range(30):
        assert sign_in(shop, f"guess{number}@shop.example", "wrong", address=address) is None


def test_a_stranger_behind_the_same_address_locks_out_nobody_who_has_signed_in_before(shop: Shop) -> None:
    wanda, sam, address = new_person(shop), new_person(shop, Role.SUPPORT), str(uuid.uuid4())
    tokens = {wanda: known(shop, wanda), sam: known(shop, sam)}
    start = threading.Barrier(8)

    def attack(number: int) -> None:
        start.wait()
        for turn in range(8):
            sign_in(shop, (wanda, sam)[turn % 2] if number else f"x{turn}@shop.example", "wrong", address=address)

    def enter(person: str) -> list[object]:
        start.wait()
        return [sign_in(shop, person, address=address, browser=tokens[person]) for _ in range(4)]

    with ThreadPoolExecutor(8) as threads:
        attacks = [threads.submit(attack, number) for number in range(6)]
        entered = list(threads.map(enter, (wanda, sam)))
        assert [attacker.result() for attacker in attacks] == [None] * 6
    assert all(isinstance(session, NewSession) for sessions in entered for session in sessions)
    assert isinstance(sign_in(shop, wanda), TooManyTries)  # a browser that nobody knows still waits
    assert isinstance(sign_in(shop, wanda, browser=tokens[sam]), TooManyTries)  # and so does one of another person


def test_a_full_address_still_refuses_browsers_that_nobody_knows(shop: Shop, email: str) -> None:
    address = str(uuid.uuid4())
    fill(shop, address)
    for shown in (None, "x", "A" * 43):
        assert isinstance(sign_in(shop, email, address=address, browser=shown), TooManyTries)


def test_a_stolen_token_allows_five_guesses_and_then_counts_as_a_strangers(shop: Shop, email: str) -> None:
    token = known(shop, email)
    start = threading.Barrier(12)

    def guess(_: int) -> object:
        start.wait()
        return sign_in(shop, email, "wrong", browser=token)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(guess, range(12)))
    assert answers.count(None) == 10  # five of the browser, five of the account
    assert isinstance(sign_in(shop, email, browser=token), TooManyTries)


def test_a_browser_that_two_people_share_is_known_to_both(shop: Shop, email: str) -> None:
    other, address = new_person(shop), str(uuid.uuid4())
    token = known(shop, email)
    assert known(shop, other, token) == token
    fill(shop, address)
    for person in (email, other):
        assert isinstance(sign_in(shop, person, address=address, browser=token), NewSession)


def test_a_token_that_the_shop_did_not_give_is_replaced(shop: Shop, email: str) -> None:
    assert known(shop, email, "A" * 43) != "A" * 43


def test_signing_out_everywhere_forgets_the_browsers(shop: Shop, email: str) -> None:
    token, address = known(shop, email), str(uuid.uuid4())
    actor = actor_of(shop, token_of(sign_in(shop, email)))
    shop.run(accounts.end_sessions, actor)
    fill(shop, address)
    assert isinstance(sign_in(shop, email, address=address, browser=token), TooManyTries)


def test_a_deactivated_person_stays_out_of_a_known_browser(shop: Shop, email: str) -> None:
    token = known(shop, email)
    shop.run(people.set_active, user_id=id_of(shop, email), active=False)
    assert sign_in(shop, email, browser=token) is None
