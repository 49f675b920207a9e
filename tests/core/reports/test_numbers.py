"""The numbers of the reports are those of a plain computation from the movements, of a made-up and of a real shop."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest

from core.ledger import changes as ledger
from core.ledger import reports
from core.reports import menu
from core.reports.model import Filter, Grain, Table
from core.reports.periods import Period
from tests.conftest import open_fresh
from tests.core.reports import plain
from tests.support import retail
from tests.support.builders import ZONE, PastLine, Shop, key
from tests.support.servers import Server

TODAY = datetime.now(ZoneInfo(ZONE)).date()


@dataclass
class Seen:
    """A shop, a period, and all movements."""

    shop: Shop
    period: Period
    rows: dict[str, list[plain.Moved]] = field(default_factory=dict)

    def report(self, name: str, by: Grain | None = Grain.VARIANT, person: str = "Mia", **only: Any) -> Table:
        """Run a report."""
        wanted = Filter(by=by, **only)
        found: Table = self.shop.run(menu.run, person, name=name, period=self.period, filter=wanted)
        return found

    def read(self, name: str, *columns: str, by: Grain | None = Grain.VARIANT) -> dict[str, tuple[Any, ...]]:
        """The columns of a report by SKU."""
        table = self.report(name, by)
        return dict(zip(table.column("sku"), zip(*map(table.column, columns), strict=True), strict=True))


def _history(randomly: random.Random, variant: Any, start: date) -> Iterator[PastLine]:
    """A hundred days of one variant: every type of movement, at hours on both sides of the shop's midnight."""
    level = 0
    for n in range(100):
        for hour in sorted(randomly.sample(range(24), randomly.choice((0, 1, 2)))):
            at = datetime(start.year, start.month, start.day, hour, tzinfo=ZoneInfo(ZONE)) + timedelta(days=n)
            kind, reason, units = randomly.choice((
                ("purchase", "delivery", 6), ("purchase", "supplier_return", -2), ("sale", "stock_decrease", -3),
                ("sale", "stock_decrease", -1), ("sale", "stock_decrease", -2), ("restoration", "refund", 1),
                ("adjustment", "damaged", -1), ("adjustment", "found", 2), ("count", "cycle_count", -1),
                ("sale", "undo", 1),
            ))  # fmt: skip
            if level + units < 0 or (kind == "restoration" and level == 0) or (reason == "undo" and n < 20):
                kind, reason, units = "purchase", "delivery", 5
            level += units
            yield PastLine(
                variant_id=variant, quantity=units, occurred_at=at.astimezone(UTC), movement_type=kind, reason=reason
            )


@pytest.fixture(scope="module")
def made(server: Server) -> Iterator[Seen]:
    """A shop with a hundred days of ten variants; five movements were undone since."""
    for shop in open_fresh(server):
        randomly = random.Random(17)
        start = TODAY - timedelta(days=100)
        for n in range(10):
            variant = shop.variant(
                sku=f"S-{n}", product=f"Shoe {n // 3}", size=str(38 + n % 3), price="100", unit_cost="40"
            )
            shop.post_past(*_history(randomly, variant, start))
        undone = shop.rows(
            """select distinct on (movement_type, reason) id from stock_movements m
                where reason in ('damaged', 'delivery', 'found', 'cycle_count')
                  and (select stock_quantity from product_variants v where v.id = m.variant_id) >= quantity
                order by movement_type, reason, occurred_at desc"""
        )
        for (movement,) in undone:
            shop.run(ledger.undo, "Wanda", movement_ids=[movement], key=key(), note="Wrong shelf")
        period = Period(first=TODAY - timedelta(days=60), last=TODAY - timedelta(days=1))
        yield Seen(shop=shop, period=period, rows=plain.movements(shop, ZONE))


def real_lines(shop: Shop, codes: int) -> Iterator[tuple[Any, list[PastLine]]]:
    """The history of some codes of the real shop, each with the smallest opening that makes it possible."""
    source = pyarrow.parquet.read_table(retail.SOURCE)
    known = pc.unique(source["StockCode"]).to_pylist()
    chosen = random.Random(17).sample(sorted(code for code in known if code.isdigit()), codes)
    history = retail.convert(source.filter(pc.is_in(source["StockCode"], pa.array(chosen)))).history
    by_sku: dict[str, list[dict[str, Any]]] = {}
    for row in history.to_pylist():
        by_sku.setdefault(row["sku"], []).append(row)
    for sku, rows in by_sku.items():
        level = lowest = 0
        for row in rows:
            level += row["quantity"]
            lowest = min(lowest, level)
        variant = shop.variant(sku=sku, product=sku)
        opening = PastLine(
            variant_id=variant, quantity=-lowest, occurred_at=rows[0]["occurred_at"] - timedelta(seconds=1),
            reason="initial_count",
        )  # fmt: skip
        yield variant, [opening] * (lowest < 0) + [
            PastLine(variant_id=variant, quantity=row["quantity"], occurred_at=row["occurred_at"],
                     movement_type=row["movement_type"], reason=row["reason"])
            for row in rows
        ]  # fmt: skip


@pytest.fixture(scope="module")
def real(server: Server) -> Iterator[Seen | None]:
    """Thirty codes of a real shop of 2011, in its last ninety days."""
    if not retail.SOURCE.exists():
        yield None
        return
    for shop in open_fresh(server):
        for _, lines in real_lines(shop, 30):
            shop.post_past(*lines)
        period = Period(first=date(2011, 9, 10), last=date(2011, 12, 8))
        yield Seen(shop=shop, period=period, rows=plain.movements(shop, ZONE))


@pytest.fixture(scope="module", params=["made", "real"])
def seen(request: pytest.FixtureRequest, made: Seen, real: Seen | None) -> Seen:
    """The made-up shop and the real one, each in turn."""
    found = made if request.param == "made" else real
    if found is None:
        pytest.skip("The data of the real shop is not here.")
    return found


def test_sell_through_is_what_was_kept_of_what_was_kept_and_what_is_left(seen: Seen) -> None:
    first, last = seen.period.first, seen.period.last
    expected = {}
    for sku, rows in seen.rows.items():
        opening, closing = plain.level(rows, first), plain.level(rows, last + timedelta(days=1))
        received, sold, restored = (
            plain.units(rows, first, last, kind) for kind in ("purchase", "sale", "restoration")
        )
        kept = max(-sold - restored, 0)
        if opening or received or sold or restored:
            rate = round(100 * kept / (kept + closing), 1) if kept else 0
            expected[sku] = (opening, received, -sold, restored, closing, rate)
    found = seen.read("sell-through", "opening", "received", "sold", "restored", "closing", "sell_through")
    assert found == expected
    assert len(expected) > 5


def test_movers_are_in_the_class_that_their_part_of_the_units_gives_them(seen: Seen) -> None:
    first, last = seen.period.first, seen.period.last
    sold = {sku: max(-plain.units(rows, first, last, "sale"), 0) for sku, rows in seen.rows.items()}
    left = {sku: plain.level(rows, last + timedelta(days=1)) for sku, rows in seen.rows.items()}
    found = seen.read("movers", "sold", "units_class", "closing")
    expected = plain.classes({sku: units for sku, units in sold.items() if units or left[sku] > 0})
    assert {sku: units for sku, (units, _, _) in found.items()} == {sku: sold[sku] for sku in expected}
    assert Counter(found_class for _, found_class, _ in found.values()) == Counter(expected.values())
    assert sum(sku in found and found[sku][1] == "A" for sku in expected) >= 1


def test_days_in_stock_and_what_was_not_sold_on_the_others(seen: Seen) -> None:
    first, last = seen.period.first, seen.period.last
    expected, lost = {}, {}
    for sku, rows in seen.rows.items():
        there, out = plain.days(rows, first, last)
        sold = max(-plain.units(rows, first, last, "sale"), 0)
        if there + out:
            expected[sku] = (there, out, sold)
        if there and out and sold:
            lost[sku] = round(sold / there * out, 1)
    assert seen.read("stock-days", "days_in_stock", "days_out", "sold") == expected
    assert {sku: value for sku, (value,) in seen.read("lost-sales", "lost").items()} == pytest.approx(lost, abs=0.051)
    assert lost


@pytest.mark.parametrize("days", [0, 1])
def test_what_is_left_is_what_came_last(seen: Seen, days: int) -> None:
    last = seen.period.last + timedelta(days=days)
    expected = {}
    for sku, rows in seen.rows.items():
        if layers := plain.ages(rows, last):
            count = sum(layers.values())
            total = sum((last - day).days * units for day, units in layers.items())
            young = sum(units for day, units in layers.items() if (last - day).days <= 30)
            expected[sku] = (count, pytest.approx(total / count, abs=0.051), young)
    later = replace(seen, period=replace(seen.period, last=last))
    assert later.read("ageing", "on_hand", "age", "to_30") == expected
    assert len(expected) > 5


def test_dead_stock_lay_there_for_the_whole_period_and_sold_nothing(real: Seen | None) -> None:
    if real is None:
        pytest.skip("The data of the real shop is not here.")
    month = replace(real, period=replace(real.period, first=date(2011, 11, 9)))
    first, last = month.period.first, month.period.last
    expected = set()
    for sku, rows in real.rows.items():
        layers = plain.ages(rows, last)
        sold = [row for row in rows if row.type == "sale" and first <= row.day <= last]
        if layers and min(layers) < first and not sold:
            expected.add(sku)
    assert set(month.report("dead-stock").column("sku")) == expected
    assert expected


def test_what_was_undone_is_no_loss(seen: Seen) -> None:
    first, last = seen.period.first, seen.period.last
    lost: Counter[tuple[str, str]] = Counter()
    everything = 0
    for row in (row for rows in seen.rows.values() for row in rows if row.type in ("adjustment", "count")):
        if first <= row.day <= last and row.quantity < 0:
            everything -= row.quantity
            if row.stands:
                lost[row.reason, row.performed_by] -= row.quantity
    table = seen.report("losses")
    labels = {row.label: row.reason for row in seen.shop.run(reports.reasons, "Mia")}
    found = dict(zip(zip(map(labels.get, table.column("reason")), table.column("performed_by"), strict=True),
                     table.column("lost"), strict=True))  # fmt: skip
    assert found == lost
    assert 0 < sum(lost.values()) <= everything


def test_restorations_are_those_that_stand(seen: Seen) -> None:
    first, last = seen.period.first, seen.period.last
    expected = {}
    for sku, rows in seen.rows.items():
        back = sum(
            row.quantity for row in rows if row.type == "restoration" and row.stands and first <= row.day <= last
        )
        if back:
            expected[sku] = (back,)
    assert seen.read("restorations", "restored") == expected


def test_rows_of_products_and_brands_are_sums_of_their_variants(made: Seen) -> None:
    made.shop.sql("update products set brand = 'Halde' where name in ('Shoe 0', 'Shoe 1')")
    by_variant = made.report("sell-through")
    by_product = made.report("sell-through", Grain.PRODUCT)
    by_brand = made.report("sell-through", Grain.BRAND)
    assert len(by_product.rows) == 10
    assert set(by_brand.column("brand")) == {"Halde", "No brand"}
    assert by_variant.totals[-6:] == by_product.totals[-6:] == by_brand.totals[-6:]
    halde = made.report("sell-through", brand="Halde")
    assert set(halde.column("sku")) == {f"S-{n}" for n in range(6)}
    assert set(made.report("sell-through", product="SHOE s-9").column("sku")) == {"S-9"}
