"""A person's own second factors: setting up an app, fresh recovery codes, and removing a factor.

Each takes the token of the person's session; setting up also that of a half session whose role needs a factor.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import call
from core.foundation.errors import invalid
from core.people import passwords
from core.people.accounts import NewSession, scalar
from core.people.browsers import hash_of, printable
from core.people.factors import recovery, totp
from core.people.factors.steps import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A factor that counts from now on: the recovery codes if it is the first, and the session of a half session."""

    codes: tuple[str, ...]
    session: NewSession | None


@database.one_statement
def begin_app(connection: Connection, *, token: str, proof: Proof | None = None) -> str:
    """Return the secret of an app that is being set up. A person who has another factor gives a proof first.

    Raises InvalidInput if there is an app already, or without the proof, SignInRequired.
    """
    return str(scalar(connection, _BEGIN_APP, **_proven(token, proof), secret=totp.new_secret()))


@database.one_statement
def confirm_app(
    connection: Connection, *, token: str, secret: str, code: str, user_agent: str | None, previous: str | None
) -> Begun:
    """Take an app into use. Raises InvalidInput if the code is wrong or the page is old, SignInRequired."""
    step = totp.step_of(secret, code)
    if step is None:
        raise invalid("code", "is not the one that the app shows now")
    codes, new = recovery.new_codes(), passwords.new_token()
    values = {
        "token": hash_of(token), "secret": secret, "at_step": step, "codes": recovery.hashes(codes),
        "new": passwords.token_hash(new), "user_agent": printable(user_agent), "previous": hash_of(previous),
    }  # fmt: skip
    [(is_first, expires_at)] = call(connection, _CONFIRM_APP, values)
    session = NewSession(token=new, expires_at=expires_at) if expires_at else None
    return Begun(codes=codes if is_first else (), session=session)


@database.one_statement
def remove(connection: Connection, *, token: str, proof: Proof, passkey: int | None = None) -> None:
    """Remove the person's app, or one of their passkeys. Raises InvalidInput, also for the last that a role needs."""
    call(connection, _REMOVE, _proven(token, proof) | {"passkey": passkey})


@database.one_statement
def renew_codes(connection: Connection, *, token: str, proof: Proof) -> tuple[str, ...]:
    """Replace the person's recovery codes and return them, the only time they can be read. Raises InvalidInput."""
    codes = recovery.new_codes()
    call(connection, _RENEW, _proven(token, proof) | {"codes": recovery.hashes(codes)})
    return codes


def _proven(token: str, proof: Proof | None) -> dict[str, object]:
    return {
        "token": hash_of(token),
        "attempt": proof.attempt_id if proof else None,
        "known": proof.password_hash if proof else None,
        "at_step": proof.at_step if proof else None,
        "code_hash": proof.code_hash if proof else None,
    }


_BEGIN_APP = """select stockroom_api.begin_app(%(token)s, %(secret)s, %(attempt)s, %(known)s, %(at_step)s,
                       %(code_hash)s)"""
_CONFIRM_APP = """select is_first, expires_at
                    from stockroom_api.confirm_app(%(token)s, %(secret)s, %(at_step)s, cast(%(codes)s as bytea[]),
                         %(new)s, %(user_agent)s, %(previous)s)"""
_REMOVE = """select stockroom_api.remove_own_factor(%(token)s, %(attempt)s, %(known)s, %(at_step)s, %(code_hash)s,
                    %(passkey)s)"""
_RENEW = """select stockroom_api.renew_codes(%(token)s, %(attempt)s, %(known)s, %(at_step)s, %(code_hash)s,
                   cast(%(codes)s as bytea[]))"""
