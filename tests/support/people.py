"""People for tests of sign-in: added, signed in and looked up in the same way as by the dashboard."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from core.foundation.model import Actor, Role
from core.people import accounts
from core.people import administration as people
from core.people.accounts import NewSession, ProvenPassword, SignedIn, TooManyTries
from core.people.factors.half import HalfSession
from tests.support.builders import Shop

PASSWORD = "correct horse battery"


@pytest.fixture
def email(shop: Shop) -> str:
    """The email address of a new warehouse worker with a password."""
    return new_person(shop)


def new_person(shop: Shop, role: Role = Role.WAREHOUSE, password: str | None = PASSWORD) -> str:
    email = f"p{uuid.uuid4().hex[:12]}@shop.example"
    shop.run(people.add_person, email=email, name="New Person", role=role, password=password)
    return email


def reads_german(shop: Shop, name: str) -> None:
    """Let one of `PEOPLE` read in German."""
    user = shop.person(name)
    shop.sql("update stockroom.users set language = 'de' where id = :id", id=user.user_id)


def id_of(shop: Shop, email: str) -> int:
    return int(shop.sql("select id from stockroom.users where email = :email", email=email))


Entered = NewSession | HalfSession | TooManyTries | None


def sign_in(shop: Shop, email: str, password: str = PASSWORD, **values: Any) -> Entered:
    # A new address each time, so that failed attempts of one test do not count in another.
    values = {"address": str(uuid.uuid4()), "user_agent": "Test", "previous": None} | values
    return accounts.sign_in(shop.engine, email=email, password=password, **values)


def token_of(session: Entered) -> str:
    assert isinstance(session, NewSession)
    return session.token


def who(shop: Shop, token: str) -> SignedIn | None:
    return accounts.at_the_door(shop.engine, accounts.find_session, token=token)


def actor_of(shop: Shop, token: str) -> Actor:
    found = who(shop, token)
    assert found is not None
    return found.actor


def use_link(shop: Shop, link: str) -> NewSession | HalfSession | None:
    return accounts.at_the_door(shop.engine, accounts.use_link, link=link, user_agent=None, previous=None)


def prove(shop: Shop, email: str, password: str = PASSWORD) -> ProvenPassword:
    proof = accounts.prove_password(shop.engine, email=email, password=password, address=str(uuid.uuid4()))
    assert isinstance(proof, ProvenPassword)
    return proof
