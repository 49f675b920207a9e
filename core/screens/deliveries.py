"""One read for each screen of deliveries: the list, and one delivery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from core.database.reading import read_only
from core.deliveries import reads
from core.deliveries.reads import Counts, Delivery, DeliveryRow, DeliveryState
from core.foundation.model import Actor
from core.screens.frame import Screen, head


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryList(Screen):
    """The list of deliveries in some states, and how many there are in each."""

    rows: tuple[DeliveryRow, ...]
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class OneDelivery(Screen):
    """A delivery, and others with the same reference that are not cancelled."""

    delivery: Delivery
    others: tuple[DeliveryRow, ...]


@read_only
def delivery_list(
    connection: Connection, actor: Actor, *, states: Iterable[DeliveryState] = (), search: str = ""
) -> DeliveryList:
    """Return the list of deliveries."""
    return DeliveryList(
        **head(connection, actor),
        rows=reads.page(connection, actor, states=states, search=search),
        counts=reads.counts(connection, actor),
    )


@read_only
def one_delivery(connection: Connection, actor: Actor, *, delivery_id: int) -> OneDelivery | None:
    """Return a delivery with all that its page shows, or None."""
    top = head(connection, actor)
    found = reads.delivery(connection, actor, delivery_id=delivery_id)
    if found is None:
        return None
    same = reads.with_reference(connection, actor, reference=found.row.reference)
    return OneDelivery(**top, delivery=found, others=tuple(row for row in same if row.delivery_id != delivery_id))
