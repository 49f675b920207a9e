"""What the search field of every page finds: orders first, then variants and products, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, and_, func, or_, select

from core.database.reading import read_only
from core.foundation.barcodes import read_scan
from core.foundation.model import Actor, LevelRow
from core.ledger.level_filter import LEVELS, coded
from core.ledger.query import has_words
from core.orders import reads as order_reads
from core.orders.filter import ORDERS
from core.orders.finding import matching
from core.orders.finding.reading import Meant, read
from core.orders.reads import OrderRow
from core.people.access import Permission
from core.people.guard import require
from core.screens.frame import Screen, head

MOST_ORDERS = 20
MOST_VARIANTS = 10
MOST_PRODUCTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProduct:
    """A product whose name or brand has the words of a search, with its active variants and their available units."""

    product_id: UUID
    product: str
    brand: str | None
    variants: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Screen):
    """What a search found. `more`: there are more orders than these, the latest of which are shown."""

    orders: tuple[OrderRow, ...]
    variants: tuple[LevelRow, ...]
    products: tuple[FoundProduct, ...]
    more: bool

    @property
    def count(self) -> int:
        """How many results there are."""
        return len(self.orders) + len(self.variants) + len(self.products)


@read_only
def find(connection: Connection, actor: Actor, *, text: str) -> Found:
    """Return what a typed, scanned or pasted text finds. Raises Forbidden, SignInRequired."""
    require(connection, actor, Permission.VIEW)
    top = head(connection, actor)
    meant = read(text)
    orders = _orders(connection, actor, text) if meant.text else ()
    named = bool(meant.text) and not meant.stripe_id and "@" not in meant.text
    return Found(
        **top,
        orders=orders[:MOST_ORDERS],
        more=len(orders) > MOST_ORDERS,
        variants=_variants(connection, meant) if named else (),
        products=_products(connection, meant) if named else (),
    )


def _orders(connection: Connection, actor: Actor, text: str) -> tuple[OrderRow, ...]:
    found = matching.found(connection, text, limit=MOST_ORDERS + 1).subquery()
    wanted = (
        select(ORDERS.c.order_id)
        .join(found, found.c.order_id == ORDERS.c.order_id)
        .order_by(found.c.rank, ORDERS.c.paid_at.desc(), ORDERS.c.order_id.desc())
        .limit(MOST_ORDERS + 1)
    )
    ids = list(connection.execute(wanted).scalars())
    rows = {row.order_id: row for row in order_reads.rows(connection, actor, order_ids=ids)}
    return tuple(rows[order_id] for order_id in ids)


def _variants(connection: Connection, meant: Meant) -> tuple[LevelRow, ...]:
    rows = LEVELS.c
    by_code = rows.variant_id.in_(select(coded(meant.text).subquery().c.variant_id))
    codes = [rows.variant_id.in_(coded(each.code)) for each in read_scan(meant.text)]
    by_id = [rows.variant_id == meant.variant_id] if meant.variant_id else []
    words = and_(*has_words(meant.text, (rows.sku, rows.barcode, rows.product, rows.brand, rows.size, rows.color)))
    wanted = select(LEVELS).where(or_(words, by_code, *codes, *by_id))
    ordered = wanted.order_by(rows.is_active.desc(), by_code.desc(), rows.product, rows.sku).limit(MOST_VARIANTS)
    return tuple(LevelRow(**row._mapping) for row in connection.execute(ordered))


def _products(connection: Connection, meant: Meant) -> tuple[FoundProduct, ...]:
    rows = LEVELS.c
    words = and_(*has_words(meant.text, (rows.product, rows.brand)))
    fields = (rows.product_id, rows.product, rows.brand)
    counted = (func.count().label("variants"), func.sum(rows.available).label("available"))
    wanted = select(*fields, *counted).where(words, rows.is_active).group_by(*fields).order_by(rows.product)
    return tuple(FoundProduct(**row._mapping) for row in connection.execute(wanted.limit(MOST_PRODUCTS)))
