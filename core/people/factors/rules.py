"""The roles that need a second factor, and the lost factors of others."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor, Role
from core.people.access import Permission
from core.people.accounts import shop_name
from core.people.guard import ask


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRule:
    """Whether a role needs a second factor, and how many of its active people have none."""

    role: Role
    is_needed: bool
    people: int
    without: int


@database.one_statement
def factor_rules(connection: Connection, actor: Actor) -> tuple[FactorRule, ...]:
    """Return the rule of each role. Raises Forbidden, SignInRequired."""
    return rows_of(FactorRule, ask(connection, actor, Permission.MANAGE_USERS, "factor_rules"), role=Role)


@database.one_statement
def set_factor_rule(connection: Connection, actor: Actor, *, role: Role, is_needed: bool) -> None:
    """Require a second factor of a role, or no longer. People of that role who have none are signed out.

    Raises InvalidInput for an admin who has none and requires one of admins, Forbidden, SignInRequired.
    """
    if role not in tuple(Role):
        raise invalid("role", f"must be one of {', '.join(Role)}")
    ask(connection, actor, Permission.MANAGE_USERS, "set_factor_rule", role=str(role), needed=bool(is_needed))


def remove_factors(connection: Connection, actor: Actor, *, user_id: int, has_mail: bool = False) -> None:
    """Remove all second factors of another person and sign them out; they get a mail if a mail account is set.

    Raises InvalidInput, Forbidden, SignInRequired.
    """
    shop = shop_name(connection)
    values = {
        "person": user_id,
        "title": f"{shop}: your second factor was removed" if has_mail else None,
        "body": f"{actor.name} removed the second factor of your account. You are signed out everywhere. Sign in with "
        "your password and set up a new one under Your account. If you did not ask for this, tell an admin at once.",
    }
    ask(connection, actor, Permission.MANAGE_USERS, "remove_factors", **values)
