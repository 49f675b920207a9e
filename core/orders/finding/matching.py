"""The orders that a text can mean: core/sql/57_finding/1_orders.sql asks an index for each meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Text, cast, func, select, union
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, INTEGER
from sqlalchemy.dialects.postgresql import UUID as UUIDS

from core.foundation.barcodes import read_scan
from core.ledger.level_filter import coded
from core.ledger.query import view
from core.orders.finding.reading import Meant, read

_CODES = view("variant_codes", "variant_id", "code")


def found(connection: Connection, search: str, *, limit: int | None = None) -> Any:
    """Return the query for the orders of a search, `order_id` and `rank`: 1 for what names one order, then 2 and 3.

    With `limit`, only the latest of each meaning. The caller checks the permission.
    """
    meant = read(search)
    variants = _variants(connection, meant)
    words = connection.execute(select(func.stockroom_api.searchable(meant.text))).scalar_one() if meant.text else ""
    call = func.stockroom_api.find_orders(
        cast(meant.stripe_id, Text),
        cast(meant.digits, Text),
        cast(meant.prefix, Text),
        cast([word for word in str(words).split(" ") if word][:8] or None, ARRAY(Text)),
        cast([each.minor for each in meant.amounts] or None, ARRAY(BIGINT)),
        cast([each.digits for each in meant.amounts] or None, ARRAY(INTEGER)),
        cast(meant.currency, Text),
        cast(meant.last4, Text),
        cast(variants or None, ARRAY(UUIDS)),
        cast(meant.text.lower() or None, Text),
        cast(limit, INTEGER),
    )
    rows = call.table_valued("order_id", "rank").alias("found")
    return select(rows.c.order_id, func.min(rows.c.rank).label("rank")).group_by(rows.c.order_id)


def _variants(connection: Connection, meant: Meant) -> Sequence[UUID]:
    """Return the variants that have this text as their SKU, barcode or another code of a cart."""
    if meant.stripe_id or not meant.text:
        return ()
    if meant.variant_id:
        return (meant.variant_id,)
    named = select(_CODES.c.variant_id).where(_CODES.c.code.in_(sorted({meant.text, meant.text.lower()})))
    wanted = union(named, *(coded(each.code) for each in read_scan(meant.text)))
    return tuple(connection.execute(wanted).scalars())
