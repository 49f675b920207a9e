"""The SKUs that a file means: as the shop writes them, whether the file has a former one or one that looks alike."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from core.database.engine import call
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require

_WRITTEN = "select w.written, w.sku from stockroom_api.written_skus(cast(%(skus)s as text[])) w"


def written_skus(connection: Connection, actor: Actor, *, skus: Iterable[str]) -> dict[str, str]:
    """Return the shop's SKU for each written one that is another: a former SKU, or one that only looks alike.

    Raises Forbidden, SignInRequired.
    """
    require(connection, actor, Permission.VIEW)
    return dict(call(connection, _WRITTEN, {"skus": list(dict.fromkeys(skus))}))
