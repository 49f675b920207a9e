"""The accounts of the shop, for admins and the command line: who has one, in which role, and one-time links.

Signing in itself is in core/people/accounts.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor, Role
from core.foundation.text import clean_line
from core.people import passwords
from core.people.access import Permission
from core.people.accounts import shop_name
from core.people.guard import ask

FIRST_LINK_LIFE = timedelta(hours=1)
"""How long the link that the first start prints is valid. It is short: somebody sits at that terminal."""
INVITATION_LIFE = timedelta(hours=24)
"""How long a link that an admin hands over is valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account as admins see it."""

    user_id: int
    email: str
    name: str
    role: Role
    is_active: bool
    has_password: bool
    created_at: datetime
    last_signed_in_at: datetime | None
    open_sessions: int
    has_factor: bool


@database.one_statement
def list_people(connection: Connection, actor: Actor) -> tuple[Person, ...]:
    """Return everybody with an account, active accounts first."""
    return rows_of(Person, ask(connection, actor, Permission.MANAGE_USERS, "list_people"), role=Role)


def add_person(
    connection: Connection, actor: Actor, *, email: str, name: str, role: Role, password: str | None = None
) -> int:
    """Add an account and return its id. Without a password the person needs a one-time link to sign in first."""
    email = passwords.clean_email(email)
    new_name = clean_line(name, "name", passwords.LONGEST_NAME)
    hashed = None
    if password is not None:
        hashed = passwords.hash_password(passwords.clean_password(password, email, new_name, shop_name(connection)))
    values = {"email": email, "new_name": new_name, "role": _role(role), "password_hash": hashed}
    return int(ask(connection, actor, Permission.MANAGE_USERS, "add_person", **values)[0][0])


def make_link(connection: Connection, actor: Actor, *, user_id: int, life: timedelta = INVITATION_LIFE) -> str:
    """Return the token of a new one-time link for a person; their earlier links end."""
    return _link(connection, actor, "make_link", user_id, life)


def set_role(connection: Connection, actor: Actor, *, user_id: int, role: Role) -> None:
    """Give a person another role, from their next operation on. Refused for the last active admin."""
    ask(connection, actor, Permission.MANAGE_USERS, "set_role", person=user_id, role=_role(role))


def set_active(connection: Connection, actor: Actor, *, user_id: int, active: bool) -> None:
    """Activate an account, or deactivate it and end its sessions at once. Refused for the last active admin."""
    ask(connection, actor, Permission.MANAGE_USERS, "set_active", person=user_id, active=active)


def first_link(connection: Connection, actor: Actor) -> str | None:
    """Return a link that signs in the shop's first admin, for the start to print; None once an admin has a password.

    Each process of a shop prints a link of its own, and all of them work until one is used.
    """
    admin = call(connection, "select stockroom_api.first_admin()", {})[0][0]
    return None if admin is None else _link(connection, actor, "add_link", admin, FIRST_LINK_LIFE)


def _link(connection: Connection, actor: Actor, function: str, user_id: int, life: timedelta) -> str:
    link = passwords.new_token()
    values = {"person": user_id, "link": passwords.token_hash(link), "life": life}
    ask(connection, actor, Permission.MANAGE_USERS, function, **values)
    return link


def _role(role: str) -> str:
    if role not in tuple(Role):
        raise invalid("role", f"must be one of {', '.join(Role)}")
    return str(role)
