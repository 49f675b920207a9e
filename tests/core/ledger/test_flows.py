"""Charts of movements: units under any filter and by any group equal a plain sum of the ledger."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.foundation.model import Movement, MovementType
from core.ledger import flows, movements, reports
from core.ledger.flows import Flow, Group, Step
from core.ledger.movements import MovementFilter
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


@pytest.fixture
def past(fresh_shop: Shop) -> Shop:
    """A shop with movements of every kind by three people over some weeks, and some of today."""
    chance = random.Random(7)
    ids = [fresh_shop.variant(sku=sku, product=name) for sku, (_, name) in BRANDS.items()]
    for sku, (brand, _) in BRANDS.items():
        fresh_shop.sql(
            """update products set brand = nullif(:brand, '')
                where id = (select product_id from product_variants where sku = :sku)""", brand=brand, sku=sku,
        )  # fmt: skip
    fresh_shop.sql(
        """insert into stockroom.cost_steps
                  (variant_id, sequence, place, kind, source, average, on_hand, digits, performed_by)
           select id, 0, 1, 'set', 'given', case sku when 'A-1' then 12.3456 else 7 end, 0, 2, 'Ada'
             from product_variants where sku <> 'C-1'"""
    )
    begin = datetime.combine(FIRST, datetime.min.time(), ZoneInfo(ZONE)).astimezone(UTC)
    _post(fresh_shop, "Ada", [(each, *KINDS[0][:2], 500, begin, "receipt", "PO-1") for each in ids])
    for who in ("Wanda", "Mia", "Sam"):
        rows = []
        for _ in range(60):
            kind, reason, sign, source = chance.choice(KINDS)
            at = None if chance.random() < 0.1 else begin + timedelta(minutes=chance.randint(1, DAYS * 1_440))
            reference = f"{source}-{chance.randint(1, 5)}" if source else None
            quantity = chance.randint(1, 4) * (sign or chance.choice([-1, 1]))
            rows.append((chance.choice(ids), kind, reason, quantity, at, source, reference))
        _post(fresh_shop, who, rows)
    return fresh_shop


def _post(shop: Shop, who: str, rows: list[Any]) -> None:
    names = ("variants", "types", "reasons", "quantities", "moments", "sources", "references")
    values = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    shop.sql(POST, key=f"past {who}", who=who, **values)


@dataclass
class Plain:
    """The same sums in plain Python, of every movement as the page lists it."""

    labels: dict[Any, str]
    values: dict[int, Decimal | None]

    def sums(self, rows: list[Movement], since: date, until: date, group: Group, step: Step) -> dict[Any, Flow]:
        found: dict[tuple[date, str], list[Movement]] = defaultdict(list)
        for row in rows:
            day = row.occurred_at.astimezone(ZoneInfo(ZONE)).date()
            start = day.replace(day=1) if step is Step.MONTH else day
            start -= timedelta(days=start.weekday() if step is Step.WEEK else 0)
            if since <= day < until and row.quantity:
                found[start, self.name(row, group)].append(row)
        return {key: self.flow(*key, among) for key, among in found.items()}

    def name(self, row: Movement, group: Group) -> str:
        return {
            Group.TYPE: row.movement_type.value,
            Group.REASON: self.labels[row.movement_type, row.reason],
            Group.PERSON: row.performed_by,
            Group.BRAND: row.brand or "",
            Group.SOURCE: row.reference_type or "",
        }[group]

    def flow(self, start: date, name: str, rows: list[Movement]) -> Flow:
        values = [self.values[row.movement_id] or Decimal(0) for row in rows]
        return Flow(
            start=start,
            name=name,
            units_in=sum(row.quantity for row in rows if row.quantity > 0),
            units_out=sum(-row.quantity for row in rows if row.quantity < 0),
            value_in=sum((each for each in values if each > 0), Decimal(0)),
            value_out=sum((-each for each in values if each < 0), Decimal(0)),
            uncosted=sum(abs(row.quantity) for row in rows if self.values[row.movement_id] is None),
        )


FILTERS = [
    MovementFilter(),
    MovementFilter(types=(MovementType.SALE, MovementType.ADJUSTMENT)),
    MovementFilter(reasons=("damaged", "stock_decrease"), performed_by="Mia"),
    MovementFilter(search="tidewater"),
    MovementFilter(search="oak  Shoe"),
    MovementFilter(brand="", source=""),
    MovementFilter(search="TIDEWATER oak", reasons=("refund",)),
    MovementFilter(reference="order-", types=(MovementType.SALE,)),
    MovementFilter(source="order", since=FIRST + timedelta(days=5), until=FIRST + timedelta(days=30)),
    MovementFilter(kinds=((MovementType.SALE, "stock_decrease"),), brand="Nord"),
]


def _listed(shop: Shop, wanted: MovementFilter) -> list[Movement]:
    """Every movement that the page lists under a filter."""

    def read(*who: Any) -> list[Movement]:
        return [row for chunk in movements.export(*who, filter=wanted) for row in chunk]

    return shop.run(read, "Mia")  # type: ignore[no-any-return]


def test_a_chart_shows_the_sums_of_the_list_under_every_filter_by_every_group_and_step(past: Shop) -> None:
    today = past.sql("select today from stockroom_api.shop")
    labels = {(row.movement_type, row.reason): row.label for row in past.run(reports.reasons, "Mia")}
    values = past.rows("select movement_id, value_change from stockroom_api.movement_values('-infinity', 'infinity')")
    plain = Plain(labels=labels, values={row.movement_id: row.value_change for row in values})
    for wanted in FILTERS:
        rows = _listed(past, wanted)
        for number, group in enumerate(Group):
            step = list(Step)[number % 3]
            for since, until in ((FIRST, FIRST + timedelta(days=DAYS + 1)), (today, today + timedelta(days=1))):
                expected = plain.sums(rows, since, until, group, step)
                assert expected or since == today
                asked = {"filter": wanted, "since": since, "until": until, "group": group, "step": step}
                found = past.run(flows.flows, "Mia", **asked, money=True)
                assert {(row.start, row.name): row for row in found} == expected
                units = past.run(flows.flows, "Mia", **asked)
                assert [row.units_in - row.units_out for row in units] == [
                    row.units_in - row.units_out for row in found
                ]
