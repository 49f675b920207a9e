"""What a storefront asks: can this cart be sold. The rules are SQL, so both doors agree.

Rules: core/sql/70_storefront/1_contract.sql.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call
from core.foundation.model import Actor


def check_cart(connection: Connection, _: Actor, *, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `valid`, an issue for every line that cannot be sold, and every line with what is available.

    Each item names a variant, a SKU or a product, and a quantity; whatever else stands in it becomes an issue. Raises
    InvalidInput where the list itself is none.
    """
    found: dict[str, Any] = call(
        connection, "select stockroom_api.check_cart(%(items)s::jsonb)", {"items": json.dumps(list(items), default=str)}
    )[0][0]
    return found
