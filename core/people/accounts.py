"""Signing in and out, one-time links, and a person's own password. Admin work on accounts is in `administration`.

The rules are in core/sql/10_people/3_accounts.sql. Functions that run before sign-in take no actor. The others take
`connection, actor` like every operation and check session and role in their own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from core.database import engine as database
from core.database.engine import call, rows_of
from core.database.reading import read_only
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE, Actor, Role
from core.foundation.text import clean_line
from core.people import passwords
from core.people.access import Permission
from core.people.browsers import hash_of, printable
from core.people.factors.half import HalfSession, Missing
from core.people.guard import ask

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The person behind a browser's session, as the database knows them now."""

    actor: Actor
    has_password: bool
    expires_at: datetime
    shop_since: datetime | None = None
    """Since when the shop exists: another moment if the sample shop was removed, or a backup restored."""
    start: str | None = None
    """The page on which they begin, with its query string; None for Overview."""
    language: str | None = None
    format: str | None = None
    """The language and format of the pages: the person's, else the shop's, else None."""
    snapshot: str = field(default="", compare=False)
    """The transactions that the look-up saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What open tabs have to know: the newest movement, and since when the shop of each session exists.

    A session that has ended is not among `shops`.
    """

    latest: int
    shops: Mapping[str, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session that has just begun. Its token can be read only here."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyTries:
    """The rate limit for passwords is reached for another `wait_seconds`."""

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


# ---------------------------------------------------------------- before sign-in


def at_the_door(
    engine: Engine, operation: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    """Run an operation that takes no actor in its own transaction."""

    @wraps(operation)
    def of_nobody(connection: Connection, _: Actor) -> _T:
        return operation(connection, *args, **kwargs)

    return database.run(engine, of_nobody, COMMAND_LINE)


@read_only
@database.one_statement
def find_session(connection: Connection, *, token: str) -> SignedIn | None:
    """Return who is signed in with `token`, or None when that session has ended."""
    if not passwords.is_token(token):
        return None
    rows = call(connection, _FIND_SESSION, {"token": passwords.token_hash(token)})
    if not rows:
        return None
    user_id, session_id, name, email, role, has_password, expires_at, since, start, language, format_, seen = rows[0]
    actor = Actor(name=name, role=Role(role), user_id=user_id, session_id=session_id, email=email)
    return SignedIn(
        actor=actor, has_password=has_password, expires_at=expires_at, shop_since=since, start=start or None,
        language=language, format=format_, snapshot=seen,
    )  # fmt: skip


@database.one_statement
def news(connection: Connection, *, tokens: Sequence[str]) -> News:
    """Return the newest movement, and the shop of each of these tokens whose session has not ended."""
    hashes = {passwords.token_hash(token): token for token in tokens if passwords.is_token(token)}
    rows = call(connection, _NEWS, {"tokens": list(hashes)})
    shops = {hashes[bytes(hash_)]: since for _, hash_, since in rows if hash_ is not None}
    return News(latest=rows[0][0], shops=shops)


def sign_in(
    engine: Engine,
    *,
    email: str,
    password: str,
    address: str,
    user_agent: str | None,
    previous: str | None,
    browser: str | None = None,
) -> NewSession | HalfSession | TooManyTries | None:
    """Begin a session for the person with this email and password; None when they do not match.

    `previous` is the token this browser held before: that session ends. `browser` is the token by which this browser is
    known, if it has signed in before. A failed attempt stays on record.
    """
    proof = prove_password(engine, email=email, password=password, address=address, browser=browser)
    if not isinstance(proof, ProvenPassword):
        return proof
    token = passwords.new_token()
    rows = at_the_door(
        engine,
        _rows,
        _FINISH_SIGN_IN,
        attempt=proof.attempt_id,
        user_id=proof.user_id,
        known=proof.password_hash,
        stronger=passwords.stronger_hash(password, proof.password_hash),
        token=passwords.token_hash(token),
        user_agent=printable(user_agent),
        previous=hash_of(previous),
    )
    return entered(token, rows)


def prove_password(
    engine: Engine, *, email: str, password: str, address: str, browser: str | None = None
) -> ProvenPassword | TooManyTries | None:
    """Compare a password with an account's, within the rate limit; None when it is wrong or the account is unknown.

    The comparison takes a tenth of a second, outside any transaction, and just as long for an unknown account.
    """
    try:
        email = passwords.clean_email(email)
    except InvalidInput:
        email = "?"  # belongs to no account, and keeps odd characters out of the database
    [(wait_seconds, attempt_id, user_id, known)] = at_the_door(
        engine, _rows, _BEGIN_SIGN_IN, email=email, address=address, browser=hash_of(browser)
    )
    if wait_seconds:
        return TooManyTries(wait_seconds=wait_seconds)
    if not passwords.password_matches(password, known):
        return None
    return ProvenPassword(attempt_id=attempt_id, user_id=user_id, password_hash=known)


@database.one_statement
def sign_out(connection: Connection, *, token: str) -> None:
    """End the session of `token`; one that has ended already is no error."""
    call(connection, "select stockroom_api.sign_out(%(token)s)", {"token": hash_of(token)})


@database.one_statement
def find_link(connection: Connection, *, link: str) -> str | None:
    """Return the name of the person a one-time link would sign in, or None. The link stays usable."""
    name: str | None = scalar(connection, "select name from stockroom_api.find_link(%(link)s)", link=hash_of(link))
    return name


@database.one_statement
def use_link(
    connection: Connection, *, link: str, user_agent: str | None, previous: str | None
) -> NewSession | HalfSession | None:
    """Begin a session with a one-time link; None when the link is unknown, used or expired."""
    token = passwords.new_token()
    values = {"link": hash_of(link), "user_agent": printable(user_agent), "previous": hash_of(previous)}
    return entered(token, call(connection, _USE_LINK, {"token": passwords.token_hash(token), **values}))


def entered(token: str, rows: Sequence[tuple[Any, ...]]) -> NewSession | HalfSession | None:
    """Return what `stockroom_api.enter` began for `token`; None where it was not reached."""
    for expires_at, step in rows:
        if step is not None:
            return HalfSession(token=token, expires_at=expires_at, must_enrol=step == Missing.ENROL)
        return NewSession(token=token, expires_at=expires_at)
    return None


# ---------------------------------------------------------------- the actor's own account


def set_own_password(
    connection: Connection,
    actor: Actor,
    *,
    password: str,
    proof: ProvenPassword | None,
    name: str | None = None,
    email: str | None = None,
) -> None:
    """Set the actor's own password and sign out their other browsers.

    `proof` of the old password may be missing only if there was none. `name` and `email` count only for an admin
    without a password, as on the first start. Raises InvalidInput, SignInRequired.
    """
    email = passwords.clean_email(email) if email is not None else None
    passwords.clean_password(password, email or actor.email or "", name or actor.name, shop_name(connection))
    values = {
        "attempt": proof.attempt_id if proof else None,
        "known": proof.password_hash if proof else None,
        "new": passwords.hash_password(password),
        "new_name": clean_line(name, "name", passwords.LONGEST_NAME) if name is not None else None,
        "new_email": email,
    }
    ask(connection, actor, Permission.VIEW, "set_own_password", **values)


def shop_name(connection: Connection) -> str:
    """Return the shop's name, which is no good password of its people; empty while it has none."""
    return str(scalar(connection, "select stockroom_api.shop_name()") or "")


@database.one_statement
def own_sessions(connection: Connection, actor: Actor) -> tuple[OpenSession, ...]:
    """Return the browsers in which the actor is signed in, newest first."""
    return rows_of(OpenSession, ask(connection, actor, Permission.VIEW, "own_sessions"))


@database.one_statement
def end_sessions(connection: Connection, actor: Actor, *, user_id: int | None = None) -> int:
    """Sign a person out everywhere and return how many sessions ended: the actor, or as an admin anybody."""
    user_id = user_id or actor.user_id
    permission = Permission.VIEW if user_id == actor.user_id else Permission.MANAGE_USERS
    return int(ask(connection, actor, permission, "end_sessions", person=user_id)[0][0])


# ---------------------------------------------------------------- statements

_FIND_SESSION = """select user_id, session_id, name, email, role, has_password, expires_at, shop_since, start, language,
                            format, pg_current_snapshot()::text
                     from stockroom_api.find_session(%(token)s)"""
_NEWS = """select n.latest, f.token, f.shop_since
             from (select stockroom_api.latest_movement() as latest) n
             left join (select t.token, s.shop_since
                          from unnest(cast(%(tokens)s as bytea[])) t (token)
                         cross join lateral stockroom_api.find_session(t.token) s) f on true"""
_BEGIN_SIGN_IN = """select wait_seconds, attempt_id, user_id, password_hash
                      from stockroom_api.begin_sign_in(%(email)s, %(address)s, %(browser)s)"""
_FINISH_SIGN_IN = """select * from stockroom_api.finish_sign_in(%(attempt)s, %(user_id)s, %(known)s, %(stronger)s,
                              %(token)s, %(user_agent)s, %(previous)s)"""
_USE_LINK = "select * from stockroom_api.use_link(%(link)s, %(token)s, %(user_agent)s, %(previous)s)"


@database.one_statement
def _rows(connection: Connection, statement: str, /, **values: Any) -> list[tuple[Any, ...]]:
    return call(connection, statement, values)


@database.one_statement
def scalar(connection: Connection, statement: str, /, **values: Any) -> Any:
    """Return the first value of a query, or None where it finds no row."""
    return next((row[0] for row in call(connection, statement, values)), None)
