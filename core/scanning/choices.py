"""What the page of the scan station offers: reasons, recent variants, and variants by search."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.counts.sessions import OpenCount, open_counts
from core.deliveries.reads import DeliveryRow, open_deliveries
from core.foundation.model import Actor, LevelRow, MovementType, Reason
from core.foundation.text import clean
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelSort
from core.people.access import Permission, may

MOST_FOUND = 12
RECENT = 12
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A variant in a list of the page."""

    variant_id: UUID
    sku: str
    product: str
    brand: str | None
    size: str | None
    color: str | None
    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person may choose: reasons to adjust, open deliveries and counts, and the variants that moved last."""

    reasons: tuple[Reason, ...]
    deliveries: tuple[DeliveryRow, ...]
    counts: tuple[OpenCount, ...]
    recent: tuple[Offered, ...]


def choices(connection: Connection, actor: Actor) -> Choices:
    """Return what the page offers. Raises Forbidden, SignInRequired."""
    known = reports.reasons(connection, actor)
    return Choices(
        reasons=tuple(
            each for each in known if each.movement_type is MovementType.ADJUSTMENT and each.by_hand and each.is_active
        ),
        deliveries=open_deliveries(connection, actor),
        counts=open_counts(connection, actor) if may(actor.role, Permission.COUNT) else (),
        recent=_offered(reports.levels(connection, actor, sort=LevelSort.MOVED, limit=RECENT).rows),
    )


def search(connection: Connection, actor: Actor, *, words: str) -> tuple[Offered, ...]:
    """Return at most `MOST_FOUND` variants that have all `words`. Raises InvalidInput, Forbidden, SignInRequired."""
    wanted = LevelFilter(search=clean(words, "search", LONGEST_SEARCH))
    return _offered(reports.levels(connection, actor, filter=wanted, limit=MOST_FOUND).rows)


def _offered(rows: tuple[LevelRow, ...]) -> tuple[Offered, ...]:
    names = Offered.__dataclass_fields__
    return tuple(Offered(**{name: getattr(row, name) for name in names}) for row in rows)
