"""The people of the shop: who has an account, in which role, and links that let them in.

For admins and the command line; signing in itself is core/people/accounts.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core.database import engine as database
from core.foundation.errors import invalid
from core.foundation.model import Actor, Role
from core.people import passwords
from core.people.access import Permission
from core.people.accounts import ACTOR, identity, scalar

FIRST_LINK_LIFE = timedelta(hours=1)
"""How long the link that a start prints is good: somebody sits at that terminal."""
INVITATION_LIFE = timedelta(hours=24)
"""How long a link that an admin hands over is good."""

_LIST_PEOPLE = text("select * from stockroom_api.list_people(:user_id, :session_id, cast(:roles as text[]), :name)")
_ADD_PERSON = text(f"select stockroom_api.add_person({ACTOR}, :email, :new_name, :role, :password_hash)")
_MAKE_LINK = text(f"select stockroom_api.make_link({ACTOR}, :person, :link, :life)")
_SET_ROLE = text(f"select stockroom_api.set_role({ACTOR}, :person, :role)")
_SET_ACTIVE = text(f"select stockroom_api.set_active({ACTOR}, :person, :active)")
_FIRST_ADMIN = text("select stockroom_api.first_admin()")


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


@database.one_statement
def list_people(connection: Connection, actor: Actor) -> list[Person]:
    """Return everybody with an account, the active ones first."""
    rows = connection.execute(_LIST_PEOPLE, identity(actor, Permission.MANAGE_USERS))
    return [Person(**(dict(row._mapping) | {"role": Role(row.role)})) for row in rows]


def add_person(
    connection: Connection, actor: Actor, *, email: str, name: str, role: Role, password: str | None = None
) -> int:
    """Add an account and return its id. Without a password the person's first way in is a one-time link."""
    email = passwords.clean_email(email)
    hashed = passwords.hash_password(passwords.clean_password(password, email)) if password is not None else None
    values = {"email": email, "new_name": passwords.clean_name(name), "role": _role(role), "password_hash": hashed}
    return int(scalar(connection, _ADD_PERSON, **identity(actor, Permission.MANAGE_USERS), **values))


def make_link(connection: Connection, actor: Actor, *, user_id: int, life: timedelta = INVITATION_LIFE) -> str:
    """Return the token of a new one-time link for a person; it ends the links made for them before."""
    link = passwords.new_token()
    values = {"person": user_id, "link": passwords.token_hash(link), "life": life}
    scalar(connection, _MAKE_LINK, **identity(actor, Permission.MANAGE_USERS), **values)
    return link


def set_role(connection: Connection, actor: Actor, *, user_id: int, role: Role) -> None:
    """Give a person another role, from their next operation on. Refused for the last active admin."""
    connection.execute(_SET_ROLE, identity(actor, Permission.MANAGE_USERS) | {"person": user_id, "role": _role(role)})


def set_active(connection: Connection, actor: Actor, *, user_id: int, active: bool) -> None:
    """Let a person in again, or keep them out from this moment on. Refused for the last active admin."""
    connection.execute(_SET_ACTIVE, identity(actor, Permission.MANAGE_USERS) | {"person": user_id, "active": active})


def first_link(connection: Connection, actor: Actor) -> str | None:
    """Return a link that signs in the shop's first admin, for the start to print; None once an admin has a password."""
    admin = scalar(connection, _FIRST_ADMIN)
    return None if admin is None else make_link(connection, actor, user_id=admin, life=FIRST_LINK_LIFE)


def _role(role: str) -> str:
    if role not in tuple(Role):
        raise invalid("role", f"must be one of {', '.join(Role)}")
    return str(role)
