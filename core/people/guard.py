"""The check every read makes first: is this session still good, and may this role look?"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, RootTransaction

from core.database.engine import array, call
from core.foundation.model import Actor
from core.people.access import Permission, roles_for

ASKER = "%(user_id)s, %(session_id)s, cast(%(roles)s as text[]), %(name)s"
"""The arguments by which a SQL function learns who asks; `asker` gives their values."""

# Who has passed in a transaction that is still open. A page is a dozen reads in one transaction: one answer is enough.
_passed: WeakKeyDictionary[RootTransaction, set[tuple[Actor, Permission]]] = WeakKeyDictionary()


def require(connection: Connection, actor: Actor, permission: Permission) -> None:
    """Raise SignInRequired or Forbidden unless `actor` may do this now; asked once in each transaction.

    Needed on every read, because callbacks and fragments run without the entry script.
    """
    transaction = connection.get_transaction()
    passed = _passed.setdefault(transaction, set()) if isinstance(transaction, RootTransaction) else set()
    if (actor, permission) not in passed:
        call(connection, f"select stockroom_api.permit({ASKER})", asker(actor, permission))
        passed.add((actor, permission))


def asker(actor: Actor, permission: Permission) -> dict[str, Any]:
    """Return the values of `ASKER`: who asks, and which roles may."""
    roles = array(roles_for(permission))
    return {"user_id": actor.user_id, "session_id": actor.session_id, "roles": roles, "name": actor.name}
