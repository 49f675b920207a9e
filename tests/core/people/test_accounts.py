"""Signing in with a password: sessions, their length, and the rate limit."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type

from core.foundation.model import Role
from core.people import passwords
from core.people.accounts import NewSession, TooManyTries
from tests.support.builders import Shop
from tests.support.people import PASSWORD, email, sign_in, token_of, who
from tests.support.shared.hashing import STRONG

__all__ = ["email"]


def test_the_right_password_signs_a_person_in_for_twelve_hours(shop: Shop, email: str) -> None:
    session = sign_in(shop, email.upper())
    assert isinstance(session, NewSession)
    found = who(shop, session.token)
    assert found is not None
    assert (found.actor.email, found.actor.role, found.has_password) == (email, Role.WAREHOUSE, True)
    left = shop.sql("select expires_at - now() from stockroom.sessions where id = :id", id=found.actor.session_id)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 100_000, "\0", "\ud800"])
def test_a_wrong_password_signs_nobody_in(shop: Shop, email: str, password: str) -> None:
    assert sign_in(shop, email, password) is None


@pytest.mark.parametrize(
    "stranger", ["nobody@shop.example", "", "'; drop table stockroom.users; --", "\0@x", "é@x", "a" * 999]
)
def test_an_unknown_email_signs_nobody_in(shop: Shop, stranger: str) -> None:
    shop.sql("delete from stockroom.sign_in_attempts where email = '?'")
    assert sign_in(shop, stranger) is None


def test_an_unknown_email_costs_the_same_comparison_as_a_wrong_password(
    shop: Shop, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            compared.append(self._parameters_of(hash))
            return super().verify(hash, password)

        @staticmethod
        def _parameters_of(known: str | bytes) -> str:
            return str(known).rsplit("$", 2)[0]

    monkeypatch.setattr(passwords, "HASHER", Counting(time_cost=1, memory_cost=512, parallelism=1))
    assert sign_in(shop, email, "wrong") is None
    assert sign_in(shop, "nobody@shop.example", "wrong") is None
    assert len(compared) == 2
    assert compared[0] == compared[1]


def test_neither_the_password_nor_the_token_is_in_the_database(shop: Shop, email: str) -> None:
    token = token_of(sign_in(shop, email))
    kept = shop.rows("select u::text || s::text from stockroom.users u join stockroom.sessions s on s.user_id = u.id")
    assert "$argon2id$" in str(kept)
    assert PASSWORD not in str(kept)
    assert token not in str(kept)


def test_a_hash_costs_what_is_recommended_for_machines_with_little_memory() -> None:
    """RFC 9106, section 4: argon2id with 3 passes over 64 MiB in 4 lanes, a salt of 128 bits, a tag of 256."""
    assert STRONG.type is Type.ID
    costs = (STRONG.time_cost, STRONG.memory_cost, STRONG.parallelism, 8 * STRONG.salt_len, 8 * STRONG.hash_len)
    assert costs == (3, 64 * 1024, 4, 128, 256)
    assert STRONG.verify(STRONG.hash(PASSWORD), PASSWORD)


def test_a_hash_made_with_weaker_parameters_is_replaced_at_the_next_sign_in(shop: Shop, email: str) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD.encode())
    shop.sql("update stockroom.users set password_hash = :weak where email = :email", weak=weak, email=email)
    assert isinstance(sign_in(shop, email), NewSession)
    now = shop.sql("select password_hash from stockroom.users where email = :email", email=email)
    assert "m=512" in now
    assert isinstance(sign_in(shop, email), NewSession)


def test_a_password_changed_while_an_old_one_is_being_checked_lets_nobody_in(
    shop: Shop, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def matches(password: str, known: str | None) -> bool:
        shop.sql("update stockroom.users set password_hash = 'another' where email = :email", email=email)
        return True

    monkeypatch.setattr(passwords, "password_matches", matches)
    monkeypatch.setattr(passwords, "stronger_hash", lambda *_: None)
    assert sign_in(shop, email) is None


def test_after_five_wrong_passwords_even_the_right_one_must_wait(shop: Shop, email: str) -> None:
    for _ in range(5):
        assert sign_in(shop, email, "wrong") is None
    session = sign_in(shop, email)
    assert isinstance(session, TooManyTries)
    assert 0 < session.wait_seconds <= 15 * 60


def test_the_wait_is_over_fifteen_minutes_after_the_first_of_the_five(shop: Shop, email: str) -> None:
    for _ in range(5):
        sign_in(shop, email, "wrong")
    age(shop, email, "14 minutes 30 seconds")
    waiting = sign_in(shop, email)
    assert isinstance(waiting, TooManyTries)
    assert waiting.wait_seconds <= 30
    age(shop, email, "31 seconds")
    assert isinstance(sign_in(shop, email), NewSession)


def age(shop: Shop, email: str, by: str) -> None:
    shop.sql(
        "update stockroom.sign_in_attempts set at = at - cast(:by as interval) where email = :email", by=by, email=email
    )


def test_a_sign_in_resets_the_failed_attempts(shop: Shop, email: str) -> None:
    for _ in range(3):
        for _ in range(4):
            assert sign_in(shop, email, "wrong") is None
        assert isinstance(sign_in(shop, email), NewSession)


def test_an_unknown_account_must_wait_in_the_same_way(shop: Shop) -> None:
    stranger = f"{uuid.uuid4().hex}@nowhere.example"
    assert [sign_in(shop, stranger, "wrong") for _ in range(5)] == [None] * 5
    assert isinstance(sign_in(shop, stranger, "wrong"), TooManyTries)


def test_an_address_that_tries_many_accounts_must_wait(shop: Shop, email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "password_matches", lambda *_: False)
    address = str(uuid.uuid4())
    for n in range(30):
        assert sign_in(shop, f"{n}.{uuid.uuid4().hex}@nowhere.example", address=address) is None
    assert isinstance(sign_in(shop, email, address=address), TooManyTries)
    assert not isinstance(sign_in(shop, email), TooManyTries)


def test_twenty_guesses_at_once_count_as_twenty(shop: Shop, email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "password_matches", lambda *_: False)
    start = threading.Barrier(8)

    def guess(number: int) -> object:
        if number < 8:
            start.wait()
        return sign_in(shop, email, "wrong")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(guess, range(20)))
    assert answers.count(None) == 5
