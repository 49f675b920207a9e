"""API keys for programs: created by an admin, shown once, stored only as a hash, limited in scope and rate."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation.model import Actor
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import ask, require

PREFIX = "stk_"
DEFAULT_RATE = 600
_BEGINS = len(PREFIX) + 6


class Scope(StrEnum):
    """What a key allows: checking and holding carts, payments and orders, reading /metrics, reading levels."""

    VALIDATE = "validate"
    RESERVE = "reserve"
    ORDERS = "orders"
    METRICS = "metrics"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as Settings shows it; `begins` is the only part of the key that is stored in clear."""

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
    """A program that sent a valid key."""

    key_id: int
    name: str
    scopes: frozenset[Scope]
    rate_per_minute: int


def make(
    connection: Connection, actor: Actor, *, name: str, scopes: Sequence[Scope], rate_per_minute: int = DEFAULT_RATE
) -> str:
    """Create a key and return it, the only time it can be read. Raises InvalidInput, Forbidden, SignInRequired."""
    key = PREFIX + secrets.token_urlsafe(32)
    values = {
        "called": clean(name, "name", 80),
        "key_hash": key_hash(key),
        "begins": key[:_BEGINS],
        "scopes": array(Scope(scope) for scope in scopes),
        "rate": rate_per_minute,
    }
    ask(connection, actor, Permission.MANAGE_KEYS, "make_api_key", **values)
    return key


def revoke(connection: Connection, actor: Actor, *, key_id: int) -> None:
    """Revoke a key from now on. Raises InvalidInput where there is no such key, Forbidden, SignInRequired."""
    ask(connection, actor, Permission.MANAGE_KEYS, "revoke_api_key", id=key_id)


def keys(connection: Connection, actor: Actor) -> tuple[ApiKey, ...]:
    """Return every key, the newest first, revoked ones too."""
    require(connection, actor, Permission.MANAGE_KEYS)
    statement = """select id, name, begins, scopes, rate_per_minute, made_by, created_at, last_used_at, revoked_at,
                          revoked_by
                     from stockroom_api.api_keys order by id desc"""
    return rows_of(ApiKey, call(connection, statement, {}), scopes=lambda scopes: tuple(map(Scope, scopes)))


def caller(connection: Connection, _: Actor, *, key: str) -> Caller | None:
    """Return the program that this key belongs to, or None where the key is not valid now."""
    if not key.startswith(PREFIX) or len(key) > 200 or not key.isascii():
        return None
    statement = "select id, name, scopes, rate_per_minute from stockroom_api.use_api_key(%(key_hash)s)"
    rows = call(connection, statement, {"key_hash": key_hash(key)})
    return next(iter(rows_of(Caller, rows, scopes=lambda scopes: frozenset(map(Scope, scopes)))), None)


def key_hash(key: str) -> bytes:
    """Return what is stored of a key. A plain hash is enough: a key is as random as the hash is long."""
    return hashlib.sha256(key.encode()).digest()
