"""The orders that a text can mean: core/sql/57_finding/1_orders.sql asks an index for each meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, false, func, or_, select, union
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, INTEGER
from sqlalchemy.dialects.postgresql import UUID as UUIDS

from core.foundation.barcodes import read_scan
from core.ledger.level_filter import coded
from core.ledger.query import view
from core.orders.finding.reading import MOST_WORDS, Meant, read

SHORTEST_PART = 3
"""A shorter word is found only at the beginning of an email or a number."""
_CODES = view("variant_codes", "variant_id", "code")


def common_words(connection: Connection, search: str) -> list[str]:
    """Return the words of a search if many orders have them, else none.

    For such words the caller looks at order by order: `has_words`. The caller checks the permission.
    """
    meant = read(search)
    words = [] if meant.stripe_id else _words(connection, meant)
    asked = select(func.stockroom_api.are_common(cast(words, ARRAY(Text))))
    return words if words and connection.execute(asked).scalar_one() else []


def has_words(words: Sequence[str], rows: Any) -> ColumnElement[bool]:
    """Return the condition for orders with these words, over the columns of the view `order_keys`.

    It means the same as the search by words in core/sql/57_finding/1_orders.sql.
    """
    if any(len(word) >= SHORTEST_PART for word in words):
        buyer = func.stockroom_api.searchable(rows.buyer)
        found = and_(*(func.strpos(buyer, word) > 0 for word in words))
    else:
        found = rows.email.startswith(words[0], autoescape=True) if len(words) == 1 else false()
    return or_(found, rows.number.startswith(words[0], autoescape=True)) if len(words) == 1 else found


def found(connection: Connection, search: str, *, limit: int | None = None, by_words: bool = True) -> Any:
    """Return the query for the orders of a search, `order_id` and `rank`: 1 for what names one order, then 2 and 3.

    With `limit`, only the latest of each meaning. The caller checks the permission.
    """
    meant = read(search)
    variants = _variants(connection, meant)
    words = _words(connection, meant) if by_words else []
    call = func.stockroom_api.find_orders(
        cast(meant.stripe_id, Text),
        cast(meant.digits, Text),
        cast(meant.prefix, Text),
        cast(words or None, ARRAY(Text)),
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


def _words(connection: Connection, meant: Meant) -> list[str]:
    """Return the words of a search in the form in which searches compare them."""
    if not meant.text:
        return []
    text = str(connection.execute(select(func.stockroom_api.searchable(meant.text))).scalar_one())
    return [word for word in text.split(" ") if word][:MOST_WORDS]


def _variants(connection: Connection, meant: Meant) -> Sequence[UUID]:
    """Return the variants that have this text as their SKU, barcode or another code of a cart."""
    if meant.stripe_id or not meant.text:
        return ()
    if meant.variant_id:
        return (meant.variant_id,)
    named = select(_CODES.c.variant_id).where(_CODES.c.code.in_(sorted({meant.text, meant.text.lower()})))
    wanted = union(named, *(coded(each.code) for each in read_scan(meant.text)))
    return tuple(connection.execute(wanted).scalars())
