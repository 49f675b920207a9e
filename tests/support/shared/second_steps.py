"""People with an authenticator app, whose phone tells its code."""

from __future__ import annotations

import time
import uuid

import pyotp

from core.people import accounts
from core.people.accounts import NewSession, TooManyTries
from core.people.factors import own, steps
from core.people.factors.half import HalfSession
from core.people.factors.own import Begun
from core.people.factors.steps import Proof, Standing
from tests.support.builders import Shop
from tests.support.people import sign_in

DEVICE = {"user_agent": "Test", "previous": None}


def half_of(shop: Shop, email: str, **values: str) -> HalfSession:
    """Give the right password of a person who lacks a step."""
    found = sign_in(shop, email, **values)
    assert isinstance(found, HalfSession)
    return found


def enrolled(shop: Shop, token: str) -> tuple[str, Begun]:
    """Set up an app with a code of the past, so that the code of now is not used up. Return its secret."""
    secret = accounts.at_the_door(shop.engine, own.begin_app, token=token)
    return secret, accounts.at_the_door(
        shop.engine, own.confirm_app, token=token, secret=secret, code=code(secret, -1), **DEVICE
    )


def code(secret: str, steps_on: int = 0) -> str:
    """What the phone shows now, or some half minutes later."""
    return pyotp.TOTP(secret).at(int(time.time()), counter_offset=steps_on)


def give(shop: Shop, token: str, typed: str, browser: str | None = None) -> NewSession | TooManyTries | None:
    """Type a code in a half session."""
    address = str(uuid.uuid4())
    proof = steps.prove_code(shop.engine, token=token, code=typed, address=address, browser=browser)
    if not isinstance(proof, Proof):
        return proof
    return accounts.at_the_door(shop.engine, steps.finish_code, token=token, proof=proof, **DEVICE)


def proof_of(shop: Shop, token: str, email: str, typed: str) -> Proof:
    """Prove a signed-in person again."""
    found = steps.prove(shop.engine, token=token, email=email, typed=typed, address=str(uuid.uuid4()))
    assert isinstance(found, Proof)
    return found


def standing(shop: Shop, token: str) -> Standing | None:
    return accounts.at_the_door(shop.engine, steps.standing, token=token)
