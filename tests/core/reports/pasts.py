"""A shop with a past of every kind: four variants of three brands, three people, forty days."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.builders import ZONE, Shop

BRANDS = {
    "A-1": ("Tidewater", "Oak shoe"),
    "A-2": ("Tidewater", "Oak shoe low"),
    "B-1": ("Nord", "Birch"),
    "C-1": ("", "Ash"),
}
KINDS = [
    ("purchase", "delivery", 1, "receipt"),
    ("sale", "stock_decrease", -1, "order"),
    ("restoration", "refund", 1, "order"),
    ("adjustment", "damaged", -1, None),
    ("adjustment", "stock_increase", 1, None),
    ("count", "cycle_count", 0, "count"),
]
FIRST, DAYS = date(2026, 3, 20), 40  # over the end of summer time in Auckland, and the end of a month
POST = """
    select count(*) from stockroom_api.post_lines(
        stockroom_api.claim_operation(:key, 'test', :key, null, :who), :who, array(
            select row (v, t, r, q, at, s, ref, null, null)::stockroom.line
              from unnest(cast(:variants as uuid[]), cast(:types as text[]), cast(:reasons as text[]),
                          cast(:quantities as int[]), cast(:moments as timestamptz[]), cast(:sources as text[]),
                          cast(:references as text[])) u (v, t, r, q, at, s, ref)))"""


def fill(shop: Shop) -> None:
    """Post 500 units of each variant on the first day, then movements by three people until today."""
    chance = random.Random(7)
    ids = [shop.variant(sku=sku, product=name) for sku, (_, name) in BRANDS.items()]
    for sku, (brand, _) in BRANDS.items():
        shop.sql(
            """update products set brand = nullif(:brand, '')
                where id = (select product_id from product_variants where sku = :sku)""", brand=brand, sku=sku,
        )  # fmt: skip
    shop.sql(
        """insert into stockroom.cost_steps
                  (variant_id, sequence, place, kind, source, average, on_hand, digits, performed_by)
           select id, 0, 1, 'set', 'given', case sku when 'A-1' then 12.3456 else 7 end, 0, 2, 'Ada'
             from product_variants where sku <> 'C-1'"""
    )
    begin = datetime.combine(FIRST, datetime.min.time(), ZoneInfo(ZONE)).astimezone(UTC)
    _post(shop, "Ada", [(each, *KINDS[0][:2], 500, begin, "receipt", "PO-1") for each in ids])
    for who in ("Wanda", "Mia", "Sam"):
        rows = []
        for _ in range(60):
            kind, reason, sign, source = chance.choice(KINDS)
            at = None if chance.random() < 0.1 else begin + timedelta(minutes=chance.randint(1_440, DAYS * 1_440))
            reference = f"{source}-{chance.randint(1, 5)}" if source else None
            quantity = chance.randint(1, 4) * (sign or chance.choice([-1, 1]))
            rows.append((chance.choice(ids), kind, reason, quantity, at, source, reference))
        _post(shop, who, rows)


def _post(shop: Shop, who: str, rows: list[Any]) -> None:
    names = ("variants", "types", "reasons", "quantities", "moments", "sources", "references")
    values = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    shop.sql(POST, key=f"past {who}", who=who, **values)
