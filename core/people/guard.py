"""Checks session and role: before each read (`require`), or inside the SQL function of an operation (`ask`)."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, RootTransaction

from core.database.engine import array, call
from core.foundation.errors import Forbidden
from core.foundation.model import Actor
from core.people.access import Permission, may, roles_for

ASKER = "%(user_id)s, %(session_id)s, cast(%(roles)s as text[]), %(name)s"
"""The first arguments of an operation's SQL function: who asks. `asker` gives their values."""

# The checks that passed in each open transaction: a page makes a dozen reads in one, and one check is enough.
_passed: WeakKeyDictionary[RootTransaction, set[tuple[Actor, Permission]]] = WeakKeyDictionary()


def require(connection: Connection, actor: Actor, permission: Permission) -> None:
    """Raise SignInRequired or Forbidden unless `actor` may do this now; checked once a transaction.

    Needed on every read, because callbacks and fragments run without the entry script.
    """
    transaction = connection.get_transaction()
    passed = _passed.setdefault(transaction, set()) if isinstance(transaction, RootTransaction) else set()
    if (actor, permission) not in passed:
        call(connection, f"select stockroom_api.permit({ASKER})", asker(actor, permission))
        passed.add((actor, permission))


def ask(
    connection: Connection, actor: Actor, permission: Permission, function: str, **values: Any
) -> list[tuple[Any, ...]]:
    """Call a SQL function of `stockroom_api` with `ASKER` and then `values`, in their order. Return its rows."""
    given = "".join(f", %({name})s" for name in values)
    statement = f"select * from stockroom_api.{function}({ASKER}{given})"  # noqa: S608 - nothing of a caller is in it
    return call(connection, statement, asker(actor, permission) | values)


def asker(actor: Actor, permission: Permission) -> dict[str, Any]:
    """Return the values of `ASKER`: who asks, and which roles may.

    An actor without a user is the shop itself; with a lesser role it reads for a person, and may what they may. Raises
    Forbidden.
    """
    if actor.user_id is None and not may(actor.role, permission):
        raise Forbidden(actor=actor.name, role=actor.role)
    roles = array(roles_for(permission))
    return {"user_id": actor.user_id, "session_id": actor.session_id, "roles": roles, "name": actor.name}
