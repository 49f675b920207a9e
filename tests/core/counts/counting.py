"""Count sessions for tests: begin one, count as a person, look at the review, apply."""

from __future__ import annotations

from uuid import UUID

from core.counts import applying, entering, review, sessions
from core.counts.review import Variance
from core.counts.sessions import Scope
from core.foundation.model import Actor, Posting
from tests.support.builders import Shop, key


def begin(shop: Shop, *variants: UUID, **values: object) -> int:
    """Begin a session for these variants."""
    given = {"name": "Monday", "scope": Scope.LIST, "variant_ids": variants, "key": key()} | values
    return int(shop.run(sessions.start, "Wanda", **given))


def typed(
    shop: Shop, count: int, variant: UUID, units: int, person: str | Actor = "Wanda", **more: object
) -> entering.Counted:
    """Type a number as a person."""
    values = {"count_id": count, "variant_id": variant, "units": units, "key": key()} | more
    counted: entering.Counted = shop.run(entering.count_typed, person, **values)
    return counted


def scanned(
    shop: Shop, count: int, variant: UUID, units: int = 1, person: str | Actor = "Wanda", **more: object
) -> entering.Counted:
    """Scan units as a person."""
    values = {"count_id": count, "variant_id": variant, "units": units, "counted_at": None, "key": key()} | more
    counted: entering.Counted = shop.run(entering.count_scan, person, **values)
    return counted


def seen(shop: Shop, count: int) -> dict[UUID, Variance]:
    """The lines of the review."""
    return {line.variant_id: line for line in shop.run(review.variances, "Wanda", count_id=count)}


def finish(shop: Shop, count: int) -> None:
    """Go to review."""
    shop.run(sessions.finish, "Wanda", count_id=count)


def apply(shop: Shop, count: int, person: str | Actor = "Wanda", **more: object) -> Posting:
    """Apply a session."""
    posting: Posting = shop.run(applying.apply, person, **{"count_id": count, "key": key()} | more)
    return posting
