"""People who are signed in: as an actor for core, and with the token that their browser would show."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Connection

from core.foundation.model import Actor, Role
from core.people import passwords


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A manager in one browser."""

    actor: Actor
    token: str


def sign_in(connection: Connection, number: int) -> Person:
    """Open a session of an hour for the manager of this number, who is hired on the first call."""
    name, email, token = f"Manager {number}", f"manager-{number}@shop.example", passwords.new_token()
    user_id = _first(
        connection,
        """insert into stockroom.users (email, name, role) values (%s, %s, 'manager')
           on conflict (email) do update set role = excluded.role returning id""",
        email,
        name,
    )
    session_id = _first(
        connection,
        """insert into stockroom.sessions (user_id, token_hash, expires_at)
           values (%s, %s, now() + interval '1 hour') returning id""",
        user_id,
        passwords.token_hash(token),
    )
    actor = Actor(name=name, role=Role.MANAGER, user_id=user_id, session_id=session_id, email=email)
    return Person(actor=actor, token=token)


def _first(connection: Connection, statement: str, *values: object) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    number: int = row[0]
    return number
