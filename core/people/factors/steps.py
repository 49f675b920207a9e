"""The second step of a sign-in: who has a half session, and the code that makes it a session.

The rules are in core/sql/10_people/9_factors.sql. A person is named by the token of their browser: of a session, or of
a half session, which no other operation knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from core.database import engine as database
from core.database.engine import call, rows_of
from core.people import passwords
from core.people.accounts import NewSession, ProvenPassword, TooManyTries, at_the_door, prove_password, scalar
from core.people.browsers import hash_of, printable
from core.people.factors import recovery, totp


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A person before or after the second step: `step` is `in`, or what their half session lacks, `code` or `enrol`."""

    email: str
    name: str
    step: str
    has_password: bool
    has_app: bool
    passkeys: int
    codes_left: int
    is_needed: bool

    @property
    def has_factor(self) -> bool:
        """Whether they have a second factor."""
        return self.has_app or self.passkeys > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a person has just proven, to be used up by the operation that needs it."""

    attempt_id: int
    password_hash: str | None = None
    at_step: int | None = None
    code_hash: bytes | None = None


@database.one_statement
def standing(connection: Connection, *, token: str) -> Standing | None:
    """Return where the person behind a token stands, or None when it has ended."""
    found = rows_of(Standing, call(connection, "select * from stockroom_api.second_step(%(token)s)", _of(token)))
    return found[0] if found else None


def prove_code(
    engine: Engine, *, token: str, code: str, address: str, browser: str | None = None
) -> Proof | TooManyTries | None:
    """Compare a code of the app, or a recovery code, with the person's, within the rate limit; None when it is wrong.

    Raises SignInRequired when the half session has ended, also after its fifth try.
    """
    values = {"token": hash_of(token), "address": address, "browser": hash_of(browser)}
    [(wait_seconds, attempt_id, secret)] = at_the_door(engine, _begin_code, **values)
    if wait_seconds:
        return TooManyTries(wait_seconds=wait_seconds)
    step = totp.step_of(secret, code) if secret else None
    hashed = recovery.code_hash(code) if step is None else None
    if step is None and hashed is None:
        return None
    return Proof(attempt_id=attempt_id, at_step=step, code_hash=hashed)


def prove(
    engine: Engine, *, token: str, email: str, typed: str, address: str, browser: str | None = None
) -> Proof | TooManyTries | None:
    """Compare what a signed-in person typed to prove themselves: a code, a recovery code or their password."""
    if totp.plain(typed):
        return prove_code(engine, token=token, code=typed, address=address, browser=browser)
    known = prove_password(engine, email=email, password=typed, address=address, browser=browser)
    if isinstance(known, ProvenPassword):
        return Proof(attempt_id=known.attempt_id, password_hash=known.password_hash)
    if known is None and recovery.code_hash(typed):
        return prove_code(engine, token=token, code=typed, address=address, browser=browser)
    return known


@database.one_statement
def finish_code(
    connection: Connection, *, token: str, proof: Proof, user_agent: str | None, previous: str | None
) -> NewSession | None:
    """Begin the session of a half session; None when the code was used before. Raises SignInRequired."""
    new = passwords.new_token()
    values = {
        "half": hash_of(token), "attempt": proof.attempt_id, "at_step": proof.at_step, "code_hash": proof.code_hash,
        "new": passwords.token_hash(new), "user_agent": printable(user_agent), "previous": hash_of(previous),
    }  # fmt: skip
    expires_at: datetime | None = scalar(connection, _FINISH_CODE, **values)
    return NewSession(token=new, expires_at=expires_at) if expires_at else None


def _of(token: str) -> dict[str, bytes | None]:
    return {"token": hash_of(token)}


@database.one_statement
def _begin_code(connection: Connection, /, **values: object) -> list[tuple[int, int, str | None]]:
    rows = call(connection, _BEGIN_CODE, values)
    return [(wait, attempt, secret) for wait, attempt, secret in rows]


_BEGIN_CODE = """select wait_seconds, attempt_id, secret
                   from stockroom_api.begin_code(%(token)s, %(address)s, %(browser)s)"""
_FINISH_CODE = """select stockroom_api.finish_code(%(half)s, %(attempt)s, %(at_step)s, %(code_hash)s, %(new)s,
                         %(user_agent)s, %(previous)s)"""
