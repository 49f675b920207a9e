"""The check every read makes first: is this session still good, and may this role look?"""

from __future__ import annotations

from sqlalchemy import Connection, text

from core.access import Permission, roles_for
from core.model import Actor

_PERMIT = text("select stockroom_api.permit(:user_id, :session_id, cast(:roles as text[]), :name)")


def require(connection: Connection, actor: Actor, permission: Permission) -> None:
    """Raise SignInRequired or Forbidden unless `actor` may do this now.

    Needed on every read, because callbacks and fragments run without the entry script.
    """
    connection.execute(
        _PERMIT,
        {"user_id": actor.user_id, "session_id": actor.session_id, "roles": roles_for(permission), "name": actor.name},
    )
