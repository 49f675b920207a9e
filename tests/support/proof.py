"""The rules of the ledger, computed a second time in plain Python from its rows.

The canonical text and the chain are implemented again on purpose, without the database: an auditor with a copy of the
table and this file can check every row.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.support.builders import ZONE, Shop

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = ("purchase", "sale", "restoration", "adjustment", "count")


def canonical_text(row: Any) -> str:
    """Return what the hash of a movement covers: numbers, moments in microseconds, and texts with their lengths."""
    moments = [(moment - _EPOCH) // timedelta(microseconds=1) for moment in (row.occurred_at, row.created_at)]
    numbers = [
        row.variant_id,
        row.variant_sequence,
        row.quantity,
        row.quantity_before,
        row.quantity_after,
        row.operation_id,
    ]
    reverses = "-" if row.reverses_id is None else row.reverses_id
    texts = [row.sku, row.movement_type, row.reason, row.reference_type, row.reference_id, row.performed_by, row.note]
    return (
        "|".join(str(part) for part in [*numbers, reverses, *moments])
        + "|"
        + "".join(_netstring(text) for text in texts)
    )


def _netstring(text: str | None) -> str:
    return "-" if text is None else f"{len(text.encode())}:{text}"


def chain(rows: Iterable[Any]) -> list[bytes]:
    """The hash each of a variant's movements must carry, oldest first."""
    head, links = b"", []
    for row in rows:
        head = hashlib.sha256(head + canonical_text(row).encode()).digest()
        links.append(head)
    return links


def broken_link(rows: Sequence[Any]) -> int | None:
    """Return the sequence number of the first movement with a wrong hash, or None if the chain is intact."""
    wrong = (row.variant_sequence for row, link in zip(rows, chain(rows), strict=True) if bytes(row.chain_hash) != link)
    return next(wrong, None)


def assert_holds(shop: Shop, variant_id: UUID) -> None:
    """Everything that must be true of one variant: sequence, before and after, hashes, level, head and rollup."""
    rows = shop.history(variant_id)
    (variant,) = shop.rows("select * from public.product_variants where id = :id", id=variant_id)
    assert [row.variant_sequence for row in rows] == list(range(1, len(rows) + 1))
    level = 0
    for row in rows:
        assert row.quantity_before == level
        level += row.quantity
        assert row.quantity_after == level >= 0
    assert broken_link(rows) is None
    assert variant.stock_quantity == level
    assert variant.movement_sequence == len(rows)
    assert variant.chain_head == (rows[-1].chain_hash if rows else None)
    assert variant.last_moved_at == max((row.occurred_at for row in rows), default=None)
    assert_rolled_up(shop, variant_id, rows)


def assert_rolled_up(shop: Shop, variant_id: UUID, rows: Sequence[Any]) -> None:
    """Assert that the rollup of a variant equals the sums of its movements on every day."""
    kept = shop.rows("select * from stockroom.variant_days where variant_id = :id order by day", id=variant_id)
    assert [dict(row._mapping) for row in kept] == days(variant_id, rows)


def days(variant_id: UUID, rows: Sequence[Any], zone: str = ZONE) -> list[dict[str, Any]]:
    """The rollup as it must be: by day of the shop, units in and out of each type, and the level at the day's end."""
    by_day: defaultdict[date, list[Any]] = defaultdict(list)
    for row in rows:
        by_day[row.occurred_at.astimezone(ZoneInfo(zone)).date()].append(row)
    level, rollup = 0, []
    for day, moved in sorted(by_day.items()):
        level += sum(row.quantity for row in moved)
        rollup.append(
            {"variant_id": variant_id, "day": day, **_flows(moved), "movements": len(moved), "closing": level}
        )
    return rollup


def _flows(rows: Sequence[Any]) -> dict[str, int]:
    flows = {f"{kind}_{way}": 0 for kind in _KINDS for way in ("in", "out")}
    for row in rows:
        flows[f"{row.movement_type}_{'in' if row.quantity > 0 else 'out'}"] += abs(row.quantity)
    return flows
