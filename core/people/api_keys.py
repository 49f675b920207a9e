"""Keys by which programs are let in: made by an admin, shown once, kept only as a hash, limited in scope and rate."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from core.database.engine import array, call
from core.foundation.model import Actor
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import ASKER, asker, require

PREFIX = "stk_"
DEFAULT_RATE = 600
_BEGINS = len(PREFIX) + 6


class Scope(StrEnum):
    """What a key is good for: checking carts, holding them, making payments and orders of them, reading /metrics."""

    VALIDATE = "validate"
    RESERVE = "reserve"
    ORDERS = "orders"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as Settings shows it; `begins` is all of the key itself that is kept in clear."""

    key_id: int
    name: str
    begins: str
    scopes: tuple[Scope, ...]
    rate_per_minute: int
    made_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program that showed a good key."""

    key_id: int
    name: str
    scopes: frozenset[Scope]
    rate_per_minute: int


def make(
    connection: Connection, actor: Actor, *, name: str, scopes: Sequence[Scope], rate_per_minute: int = DEFAULT_RATE
) -> str:
    """Make a key and return it, the only time it can be read. Raises InvalidInput, Forbidden, SignInRequired."""
    key = PREFIX + secrets.token_urlsafe(32)
    values = {
        "called": clean(name, "name", 80),
        "key_hash": key_hash(key),
        "begins": key[:_BEGINS],
        "scopes": array(Scope(scope) for scope in scopes),
        "rate": rate_per_minute,
    }
    statement = f"""select stockroom_api.make_api_key({ASKER}, %(called)s, %(key_hash)s, %(begins)s, %(scopes)s::text[],
        %(rate)s)"""
    call(connection, statement, asker(actor, Permission.MANAGE_KEYS) | values)
    return key


def revoke(connection: Connection, actor: Actor, *, key_id: int) -> None:
    """Revoke a key from now on. Raises InvalidInput where there is no such key, Forbidden, SignInRequired."""
    values = asker(actor, Permission.MANAGE_KEYS) | {"id": key_id}
    call(connection, f"select stockroom_api.revoke_api_key({ASKER}, %(id)s)", values)


def keys(connection: Connection, actor: Actor) -> tuple[ApiKey, ...]:
    """Return every key, the newest first, revoked ones too."""
    require(connection, actor, Permission.MANAGE_KEYS)
    rows = call(
        connection,
        """select id, name, begins, scopes, rate_per_minute, made_by, created_at, last_used_at, revoked_at, revoked_by
             from stockroom_api.api_keys order by id desc""",
        {},
    )
    names = ApiKey.__dataclass_fields__
    return tuple(
        ApiKey(**dict(zip(names, row, strict=True)) | {"scopes": tuple(Scope(scope) for scope in row[3])})
        for row in rows
    )


def caller(connection: Connection, _: Actor, *, key: str) -> Caller | None:
    """Return who shows this key, or None where it is no good key now."""
    if not key.startswith(PREFIX) or len(key) > 200 or not key.isascii():
        return None
    statement = "select id, name, scopes, rate_per_minute from stockroom_api.use_api_key(%(key_hash)s)"
    rows = call(connection, statement, {"key_hash": key_hash(key)})
    if not rows:
        return None
    key_id, name, scopes, rate = rows[0]
    return Caller(key_id=key_id, name=name, scopes=frozenset(Scope(scope) for scope in scopes), rate_per_minute=rate)


def key_hash(key: str) -> bytes:
    """Return what is kept of a key. A plain hash is enough: a key is as random as the hash is long."""
    return hashlib.sha256(key.encode()).digest()
