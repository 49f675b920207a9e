"""Charts of movements: units under any filter and by any group equal a plain sum of the ledger."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.foundation.errors import Forbidden
from core.foundation.model import Movement, MovementType
from core.ledger import charts, flows, movements, reports
from core.ledger.charts import Choice, View
from core.ledger.flows import Flow, Group, Step
from core.ledger.movements import MovementFilter
from core.reports import instant
from core.reports.model import Filter
from tests.conftest import open_fresh
from tests.core.reports.pasts import DAYS, FIRST, fill
from tests.support.builders import ZONE, PastLine, Shop
from tests.support.servers import Server


@pytest.fixture(scope="module")
def past(server: Server) -> Iterator[Shop]:
    """A shop with a past of every kind."""
    for shop in open_fresh(server):
        fill(shop)
        yield shop


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


def kept(shop: Shop, group: Group = Group.BRAND, **wanted: Any) -> dict[str, int]:
    found = shop.run(
        flows.flows, "Mia", filter=MovementFilter(**wanted), since=FIRST, until=FIRST + timedelta(days=3), group=group
    )
    return {row.name: row.units_in for row in found}


def test_a_day_that_was_kept_is_summed_again_after_a_back_dated_movement_or_a_change_of_brand(fresh_shop: Shop) -> None:
    noon = datetime.combine(FIRST + timedelta(days=1), time(12), ZoneInfo(ZONE))
    shoe = fresh_shop.variant()
    fresh_shop.post_past(PastLine(variant_id=shoe, quantity=5, occurred_at=noon))
    assert kept(fresh_shop) == {"": 5}
    assert fresh_shop.sql("select count(*) from stockroom.flow_days") == 3
    fresh_shop.post_past(PastLine(variant_id=shoe, quantity=2, occurred_at=noon))
    assert fresh_shop.sql("select count(*) from stockroom.flow_days") == 2
    assert kept(fresh_shop) == {"": 7}
    fresh_shop.sql("update products set brand = 'Nord'")
    assert kept(fresh_shop) == {"Nord": 7}
    assert kept(fresh_shop, Group.REASON, brand="Nord") == {"Cycle count": 7}


def test_tidewater_means_the_brand_and_the_whole_name_of_a_product_means_only_that_one(past: Shop) -> None:
    def skus(search: str) -> set[str]:
        return {row.sku for row in _listed(past, MovementFilter(search=search))}

    assert skus("Tidewater") == skus(" tide\u00adwater ") == {"A-1", "A-2"}
    assert skus("OAK SHOE") == {"A-1"}
    assert skus("oak") == {"A-1", "A-2"}
    assert skus("oak low") == {"A-2"}
    assert skus("nothing of ours") == set()


def test_only_managers_see_what_units_cost(past: Shop) -> None:
    asked = {"filter": MovementFilter(), "since": FIRST, "until": FIRST + timedelta(days=9)}
    with pytest.raises(Forbidden):
        past.run(flows.flows, "Sam", **asked, money=True)
    chart = past.run(charts.read, "Sam", **asked, view=View())
    now, before = past.run(charts.sums, "Sam", filter=MovementFilter(), chart=chart, compare=True)
    assert (now.value_in, now.units_in > 0) == (0, True)
    assert before is not None
    assert (before.first, before.last) == (FIRST - timedelta(days=9), FIRST - timedelta(days=1))


@pytest.mark.parametrize(
    ("group", "name", "found"),
    [
        (Group.TYPE, "sale", "type"),
        (Group.REASON, "Damaged", "reason_label"),
        (Group.PERSON, "Mia", "performed_by"),
        (Group.BRAND, "Nord", "brand"),
        (Group.SOURCE, "order", "reference_type"),
        (Group.SOURCE, "", "reference_type"),
        (Group.REASON, "No such reason", "reason_label"),
    ],
)
def test_a_bar_that_is_chosen_narrows_the_list_to_exactly_what_the_bar_shows(
    past: Shop, group: Group, name: str, found: str
) -> None:
    days = Choice(first=FIRST + timedelta(days=7), last=FIRST + timedelta(days=20), name=name)
    reasons = past.run(reports.reasons, "Mia")
    wanted = charts.chosen(MovementFilter(), View(group=group, choice=days), reasons)
    rows = _listed(past, wanted)
    named = {str(getattr(row, "movement_type" if found == "type" else found) or "") for row in rows}
    assert named == (set() if name == "No such reason" else {name})
    among = past.run(flows.flows, "Mia", since=days.first, until=days.last + timedelta(days=1), group=group)
    assert sum(row.units_in - row.units_out for row in among if row.name == name) == sum(row.quantity for row in rows)


def test_a_bar_is_a_day_a_week_or_a_month_and_never_too_thin() -> None:
    day = date(2026, 1, 31)
    assert [charts.step_of(day, day + timedelta(days=days), None) for days in (1, 120, 121, 800, 801)] == [
        Step.DAY, Step.DAY, Step.WEEK, Step.WEEK, Step.MONTH,
    ]  # fmt: skip
    assert charts.step_of(day, day + timedelta(days=401), Step.DAY) is Step.WEEK
    assert charts.starts(day, date(2026, 3, 2), Step.MONTH) == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    assert charts.starts(day, date(2026, 2, 10), Step.WEEK) == [date(2026, 1, 26), date(2026, 2, 2), date(2026, 2, 9)]


def test_the_running_level_marks_receipts_counts_and_the_day_it_ran_out(shop: Shop) -> None:
    shoe = shop.variant(3)
    shop.adjust(shoe, -3)
    shop.adjust(shoe, 2)
    shop.adjust(shoe, -1)
    shop.post_past(PastLine(variant_id=shoe, quantity=0))
    marks = shop.run(charts.marks, "Sam", variant_id=shoe)
    assert [(mark.kind, mark.quantity, mark.level) for mark in marks] == [
        ("count", 0, 1), ("out", -3, 0), ("receipt", 3, 3),
    ]  # fmt: skip


def test_two_moments_differ_by_exactly_the_movements_between_them(past: Shop) -> None:
    ledger = _listed(past, MovementFilter())
    begin = datetime.combine(FIRST, time(), ZoneInfo(ZONE))
    chance, at = random.Random(3), begin
    for hours in (5, 30, 24 * 20, 24 * DAYS):
        since = begin + timedelta(minutes=chance.randint(60, 20_000))
        at = since + timedelta(hours=hours, minutes=7)
        table = past.run(instant.at, "Mia", at=at, since=since, filter=Filter())
        rows = [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]
        between = [row for row in ledger if since <= row.occurred_at < at]
        assert {row["sku"] for row in rows} == {row.sku for row in between}
        for row in rows:
            kinds = {
                kind: sum(each.quantity for each in between if (each.sku, each.movement_type) == (row["sku"], kind))
                for kind in MovementType
            }
            assert {kind: row[kind] for kind in MovementType} == kinds
            assert row["after"] - row["before"] == row["change"] == sum(kinds.values())
            assert row["before"] == sum(
                each.quantity for each in ledger if each.sku == row["sku"] and each.occurred_at < since
            )
    alone = past.run(instant.at, "Mia", at=at, filter=Filter(brand="Tidewater"))
    assert list(zip(alone.column("sku"), alone.column("level"), strict=True)) == [
        (sku, sum(row.quantity for row in ledger if row.sku == sku and row.occurred_at < at)) for sku in ("A-1", "A-2")
    ]
    assert sum(alone.column("value")) == past.sql(
        """select sum(value_change) from stockroom_api.movement_values('-infinity', :at) w
             join product_variants v on v.id = w.variant_id where v.sku like 'A-%'""", at=at,
    )  # fmt: skip
    assert "value" not in [column.name for column in past.run(instant.at, "Sam", at=at, filter=Filter()).columns]
