"""The holds that a count gave up, because fewer units were on the shelf than checkouts held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A hold that an operation gave up, and the units of the variant for which it did."""

    operation_id: int
    reservation_id: UUID
    variant_id: UUID
    sku: str
    units: int
    reference: str | None
    payment_id: str | None
    held_by: str
    held_at: datetime

    @property
    def name(self) -> str:
        """The cart or payment that the units were held for."""
        return self.reference or self.payment_id or self.held_by


def by_operation(connection: Connection, actor: Actor, *, operation_id: int) -> tuple[GivenUp, ...]:
    """Return the holds that an operation gave up, the latest first."""
    require(connection, actor, Permission.VIEW)
    statement = """select * from stockroom_api.holds_given_up where operation_id = %(id)s
                    order by held_at desc, reservation_id"""
    return rows_of(GivenUp, call(connection, statement, {"id": operation_id}))
