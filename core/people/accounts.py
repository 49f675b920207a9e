"""Signing in and out, one-time links, one's own password. What admins do with accounts: `administration`.

Rules: core/sql/10_people/3_accounts.sql.

Two kinds of functions. What happens at the door, before anybody is known, takes no actor. What a known person does
takes `connection, actor` like every operation and checks session and role in its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, text

from core.database import engine as database
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE, Actor, Role
from core.people import passwords
from core.people.access import Permission, roles_for

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person in a browser, as the database knows them at this moment."""

    actor: Actor
    has_password: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session that has just begun; the only place where its token is readable."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyTries:
    """No password is looked at before `wait_seconds` have passed."""

    wait_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPassword:
    """An account whose password was just given correctly."""

    attempt_id: int
    user_id: int
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A browser in which a person is signed in."""

    user_agent: str | None
    created_at: datetime
    expires_at: datetime
    is_this_one: bool


# ---------------------------------------------------------------- at the door


def at_the_door(
    engine: Engine, operation: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    """Run an operation of somebody not yet known in a transaction of its own."""

    @wraps(operation)
    def of_nobody(connection: Connection, _: Actor) -> _T:
        return operation(connection, *args, **kwargs)

    return database.run(engine, of_nobody, COMMAND_LINE)


@database.one_statement
def find_session(connection: Connection, *, token: str) -> SignedIn | None:
    """Return who is signed in with `token`, or None when that session has ended."""
    if not passwords.is_token(token):
        return None
    rows = database.call(connection, _FIND_SESSION, {"token": passwords.token_hash(token)})
    if not rows:
        return None
    user_id, session_id, name, email, role, has_password, expires_at = rows[0]
    actor = Actor(name=name, role=Role(role), user_id=user_id, session_id=session_id, email=email)
    return SignedIn(actor=actor, has_password=has_password, expires_at=expires_at)


def sign_in(
    engine: Engine, *, email: str, password: str, address: str, user_agent: str | None, previous: str | None
) -> NewSession | TooManyTries | None:
    """Begin a session for the person with this email and password; None when they do not belong together.

    `previous` is the token this browser held before: that session ends. A wrong try is kept whatever happens next.
    """
    proof = prove_password(engine, email=email, password=password, address=address)
    if not isinstance(proof, ProvenPassword):
        return proof
    token = passwords.new_token()
    expires_at = at_the_door(
        engine,
        scalar,
        _FINISH_SIGN_IN,
        attempt=proof.attempt_id,
        user_id=proof.user_id,
        known=proof.password_hash,
        stronger=passwords.stronger_hash(password, proof.password_hash),
        token=passwords.token_hash(token),
        user_agent=_printable(user_agent),
        previous=_hash_of(previous),
    )
    return NewSession(token=token, expires_at=expires_at) if expires_at else None


def prove_password(engine: Engine, *, email: str, password: str, address: str) -> ProvenPassword | TooManyTries | None:
    """Compare a password with an account's, within the rate limit; None when it is wrong or the account unknown.

    The comparison takes its tenth of a second outside any transaction, and as long for an account that does not exist.
    """
    try:
        email = passwords.clean_email(email)
    except InvalidInput:
        email = "?"  # no account has it, and no odd character reaches the database
    row = at_the_door(engine, _row, _BEGIN_SIGN_IN, email=email, address=address)
    if row.wait_seconds:
        return TooManyTries(wait_seconds=row.wait_seconds)
    if not passwords.password_matches(password, row.password_hash):
        return None
    return ProvenPassword(attempt_id=row.attempt_id, user_id=row.user_id, password_hash=row.password_hash)


@database.one_statement
def sign_out(connection: Connection, *, token: str) -> None:
    """End the session of `token`; one that has ended already is no error."""
    connection.execute(_SIGN_OUT, {"token": _hash_of(token)})


@database.one_statement
def find_link(connection: Connection, *, link: str) -> str | None:
    """Return the name of the person a one-time link would sign in, or None. Looking does not use it up."""
    name: str | None = scalar(connection, _FIND_LINK, link=_hash_of(link))
    return name


@database.one_statement
def use_link(connection: Connection, *, link: str, user_agent: str | None, previous: str | None) -> NewSession | None:
    """Begin a session with a one-time link, once; None when it is unknown, used or too old."""
    token = passwords.new_token()
    values = {"link": _hash_of(link), "user_agent": _printable(user_agent), "previous": _hash_of(previous)}
    expires_at = scalar(connection, _USE_LINK, token=passwords.token_hash(token), **values)
    return NewSession(token=token, expires_at=expires_at) if expires_at else None


# ---------------------------------------------------------------- one's own account


def set_own_password(
    connection: Connection,
    actor: Actor,
    *,
    password: str,
    proof: ProvenPassword | None,
    name: str | None = None,
    email: str | None = None,
) -> None:
    """Set one's own password; without a `proof` of the old one only if there was none. Other browsers are signed out.

    `name` and `email` count for an admin without a password: the first start. Raises InvalidInput, SignInRequired.
    """
    email = passwords.clean_email(email) if email is not None else None
    passwords.clean_password(password, email or actor.email or "")
    values = identity(actor, Permission.VIEW) | {
        "attempt": proof.attempt_id if proof else None,
        "known": proof.password_hash if proof else None,
        "new": passwords.hash_password(password),
        "new_name": passwords.clean_name(name) if name is not None else None,
        "new_email": email,
    }
    connection.execute(_SET_OWN_PASSWORD, values)


@database.one_statement
def own_sessions(connection: Connection, actor: Actor) -> list[OpenSession]:
    """Return the browsers in which the actor is signed in, newest first."""
    rows = connection.execute(_OWN_SESSIONS, identity(actor, Permission.VIEW))
    return [OpenSession(**row._mapping) for row in rows]


@database.one_statement
def end_sessions(connection: Connection, actor: Actor, *, user_id: int | None = None) -> int:
    """Sign a person out everywhere and return from how many browsers; oneself, or as an admin anybody."""
    user_id = user_id or actor.user_id
    permission = Permission.VIEW if user_id == actor.user_id else Permission.MANAGE_USERS
    return int(scalar(connection, _END_SESSIONS, **identity(actor, permission), person=user_id))


# ---------------------------------------------------------------- statements

_FIND_SESSION = """select user_id, session_id, name, email, role, has_password, expires_at
                     from stockroom_api.find_session(%(token)s)"""
_SIGN_OUT = text("select stockroom_api.sign_out(:token)")
_BEGIN_SIGN_IN = text("select * from stockroom_api.begin_sign_in(:email, :address)")
_FINISH_SIGN_IN = text(
    "select stockroom_api.finish_sign_in(:attempt, :user_id, :known, :stronger, :token, :user_agent, :previous)"
)
_FIND_LINK = text("select name from stockroom_api.find_link(:link)")
_USE_LINK = text("select stockroom_api.use_link(:link, :token, :user_agent, :previous)")

ACTOR = ":user_id, :session_id, cast(:roles as text[]), :name"
_SET_OWN_PASSWORD = text(
    f"select stockroom_api.set_own_password({ACTOR}, :attempt, :known, :new, :new_name, :new_email)"
)
_OWN_SESSIONS = text("select * from stockroom_api.own_sessions(:user_id, :session_id, cast(:roles as text[]), :name)")
_END_SESSIONS = text(f"select stockroom_api.end_sessions({ACTOR}, :person)")


def identity(actor: Actor, permission: Permission) -> dict[str, Any]:
    """Return who asks and which roles may, as the SQL guard takes them."""
    return {
        "user_id": actor.user_id,
        "session_id": actor.session_id,
        "roles": roles_for(permission),
        "name": actor.name,
    }


@database.one_statement
def _row(connection: Connection, statement: Any, /, **values: Any) -> Any:
    return connection.execute(statement, values).one()


@database.one_statement
def scalar(connection: Connection, statement: Any, /, **values: Any) -> Any:
    """Return the one value of a function's answer."""
    return connection.execute(statement, values).scalar_one_or_none()


def _hash_of(token: str | None) -> bytes | None:
    return passwords.token_hash(token) if token and passwords.is_token(token) else None


def _printable(user_agent: str | None) -> str | None:
    return "".join(c for c in user_agent[:300] if c.isprintable()) if user_agent else None
