"""The accountant's month: opening and all that moved is closing, and `verify-ledger` proves the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.commands.months import verify_month
from core.database import engine as database
from core.foundation.errors import Forbidden, InvalidInput, StockError
from core.proof import checks
from core.reports import menu
from core.reports.model import Filter, Grain, Table
from core.reports.periods import Period
from core.valuation import costs, month, month_check, month_file, values
from core.valuation.month_file import Format
from tests.conftest import open_fresh
from tests.support.builders import PastLine, Shop, key
from tests.support.servers import Server

JAN, FEB, MAR = (datetime(2026, each, 10, 12, tzinfo=UTC) for each in (1, 2, 3))
MONTH = JAN.date()


def past(variant: Any, quantity: int, at: datetime, kind: str, reason: str) -> PastLine:
    return PastLine(variant_id=variant, quantity=quantity, occurred_at=at, movement_type=kind, reason=reason)


@pytest.fixture(scope="module")
def year(server: Server) -> Iterator[tuple[Shop, Any, Any]]:
    """A shop with two months of trade: a shoe at 10.00, and a sock whose cost nobody knows."""
    for shop in open_fresh(server):
        shoe, sock = shop.variant(sku="SHOE", unit_cost=10), shop.variant(sku="=SOCK")
        shop.post_past(
            past(shoe, 10, JAN, "purchase", "delivery"), past(sock, 5, JAN, "purchase", "delivery"),
            past(shoe, -3, JAN, "sale", "stock_decrease"), past(shoe, 1, JAN, "restoration", "refund"),
            past(shoe, -1, JAN, "adjustment", "damaged"), past(sock, -2, JAN, "sale", "stock_decrease"),
            past(shoe, -2, JAN, "count", "cycle_count"), past(shoe, -1, FEB, "adjustment", "sample"),
            past(shoe, -1, FEB, "adjustment", "theft"),
        )  # fmt: skip
        yield shop, shoe, sock


def of(found: month.Month, sku: str) -> dict[str, Any]:
    return next(row for row in found.rows if row["sku"] == sku)


def test_a_month_adds_up_in_units_and_money(year: tuple[Shop, Any, Any]) -> None:
    shop, _, _ = year
    january, february = (shop.run(month.read, "Mia", month=at.date()) for at in (JAN, FEB))
    shoe, sock = of(january, "SHOE"), of(january, "=SOCK")
    assert {name: shoe[f"{name}_units"] for name in ("opening", *month.PARTS, "closing")} == {
        "opening": 0, "purchases": 10, "sales": -3, "restorations": 1, "losses": -1, "adjustments": 0, "counts": -2,
        "closing": 5,
    }  # fmt: skip
    assert (shoe["purchases_value"], shoe["sales_value"], shoe["losses_value"], shoe["closing_value"]) == (
        100,
        -30,
        -10,
        50,
    )
    assert (sock["closing_units"], sock["closing_value"], sock["uncosted"]) == (3, None, 7), "no cost is known"
    later = of(february, "SHOE")
    assert (later["opening_value"], later["losses_value"], later["adjustments_value"], later["closing_value"]) == (
        50,
        -10,
        -10,
        30,
    )
    assert january.head_hash == shop.sql("select encode(stockroom_api.ledger_head(), 'hex')")
    assert all(month_check.inner_faults(each, month_file.digest(each.rows)) == () for each in (january, february))


def test_reports_say_the_same_money_by_month_brand_and_product(year: tuple[Shop, Any, Any]) -> None:
    shop, _, _ = year
    whole = Period(first=date(2026, 1, 1), last=date(2026, 2, 28))

    def told(name: str, by: Grain) -> Table:
        found: Table = shop.run(menu.run, "Mia", name=name, period=whole, filter=Filter(by=by))
        return found

    months = told("money", Grain.MONTH)
    assert months.column("month") == ("2026-01", "2026-02")
    assert months.column("purchases") == (100, 0)
    assert months.column("cost_of_sales") == (30, 0)
    assert months.column("restored") == (10, 0)
    assert months.column("lost") == (10, 10)
    assert months.column("counted") == (-20, 0)
    assert (months.column("opening"), months.column("closing")) == ((0, 50), (50, 30))
    assert months.totals[1:] == (0, 100, 30, 10, 20, -10, -20, 0, 30)
    assert "7 units moved without a known cost" in months.note
    for by in (Grain.BRAND, Grain.VARIANT, Grain.PRODUCT, Grain.CALENDAR_DAY):
        assert told("money", by).totals[-9:] == months.totals[-9:], by
    shelf = told("value", Grain.VARIANT)
    assert {row[0]: row[-3:] for row in shelf.rows} == {"SHOE": (3, 30, 0), "=SOCK": (3, None, 3)}
    assert shelf.chart is not None
    assert (shelf.chart.series["Value"][30], shelf.chart.series["Value"][-1]) == (50, 30)
    with pytest.raises(Forbidden):
        shop.run(menu.run, "Sam", name="value", period=whole, filter=Filter())
    losses = shop.run(menu.run, "Mia", name="losses", period=whole, filter=Filter())
    assert dict(zip(losses.column("reason"), losses.column("value"), strict=True)) == {
        "Damaged": 10, "Theft": 10, "Sample": 10, "Cycle count": 20,
    }  # fmt: skip


def test_only_managers_get_a_month_and_only_when_it_is_over(year: tuple[Shop, Any, Any]) -> None:
    shop, _, _ = year
    with pytest.raises(Forbidden):
        shop.run(month.read, "Wanda", month=MONTH)
    with pytest.raises(InvalidInput, match="not over yet"):
        shop.run(month.read, "Mia", month=shop.sql("select today from stockroom_api.shop"))


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_is_proven_and_a_changed_figure_is_named(
    year: tuple[Shop, Any, Any], format_: Format, tmp_path: Path
) -> None:
    shop, _, _ = year
    found = shop.run(month.read, "Mia", month=MONTH)
    path = tmp_path / month_file.file_name(found, format_)
    path.write_bytes(month_file.written(found, format_))
    assert month_file.is_month(path)
    read, figures = month_file.read(path.read_bytes(), path.name)
    assert (read.rows, figures) == (found.rows, month_file.digest(found.rows))
    assert shop.run(month_check.verify, "Mia", month=read, figures=figures).faults == ()
    rows = [dict(row) for row in read.rows]
    forged = next(row for row in rows if row["sku"] == "SHOE")
    forged["losses_value"] -= 5
    forged["sales_value"] += 5
    path.write_bytes(month_file.written(replace(read, rows=tuple(rows)), format_))
    forged_month, figures = month_file.read(path.read_bytes(), path.name)
    assert month_check.inner_faults(forged_month, figures) == (), "it adds up and has a digest of its own"
    engine = database.create_engine(shop.app_url)
    with pytest.raises(StockError) as refused:
        verify_month(engine, path)
    engine.dispose()
    assert refused.value.message.splitlines() == [
        f"{path.name} fails the check:",
        "  SHOE: sales value is -25.000 in the file and -30.00 by the ledger"
        if format_ is Format.PARQUET else "  SHOE: sales value is -25 in the file and -30.00 by the ledger",
        "  SHOE: losses value is -15.000 in the file and -10.00 by the ledger"
        if format_ is Format.PARQUET else "  SHOE: losses value is -15 in the file and -10.00 by the ledger",
    ]  # fmt: skip


def test_what_comes_into_a_month_later_is_named(year: tuple[Shop, Any, Any], capsys: Any, tmp_path: Path) -> None:
    shop, shoe, sock = year
    out = shop.run(month.read, "Mia", month=FEB.date())
    path = tmp_path / "month.parquet"
    path.write_bytes(month_file.written(out, Format.PARQUET))
    shop.post_past(past(shoe, -2, FEB, "sale", "stock_decrease"), past(sock, -1, JAN, "adjustment", "lost"))
    engine = database.create_engine(shop.app_url)
    verify_month(engine, path)
    engine.dispose()
    said = capsys.readouterr().out
    assert "Since then, 2 movements came into it or before it: -3 units, -20.00 EUR." in said
    assert "SHOE: -2 units, -20.00, sales" in said
    assert "=SOCK: -1 units, no known cost, opening" in said
    assert of(shop.run(month.read, "Mia", month=FEB.date()), "SHOE")["closing_value"] == 10


def test_kept_months_and_movements_give_the_same_value_at_any_moment(year: tuple[Shop, Any, Any]) -> None:
    shop, shoe, sock = year
    before = {at: shop.run(values.shelf_at, "Sam", at=at) for at in (JAN, FEB, MAR)}
    while (open_ := shop.sql("select stockroom_api.month_to_close()")) is not None:
        assert shop.sql("select stockroom_api.close_month(:month)", month=open_)
    assert shop.sql("select count(*) from stockroom.value_months") > 0
    assert {at: shop.run(values.shelf_at, "Sam", at=at) for at in (JAN, FEB, MAR)} == before
    shop.post_past(past(shoe, 4, JAN, "purchase", "delivery"))
    after = shop.run(values.shelf_at, "Sam", at=MAR)
    assert after[shoe].value == before[MAR][shoe].value + 40, "a month that is kept is summed again"
    assert after[sock].value is None
    shop.run(
        costs.set_costs, "Mia", lines=[costs.CostLine(variant_id=sock, unit_cost=Decimal(2), seen=None)], key=key()
    )
    now = shop.run(values.shelf_at, "Sam", at=datetime.now(UTC))
    assert now[sock].value == 2 * now[sock].units
    assert shop.run(values.shelf_at, "Sam", at=MAR)[sock].value is None, "nothing is reposted"
    (proof,) = shop.run(checks.run_checks, "Mia", codes=["R13"])
    assert proof.examples == ()
    shop.sql(
        "update stockroom.value_months set value = value + 1 where variant_id = :id and movement_type = 'sale'", id=shoe
    )
    (proof,) = shop.run(checks.run_checks, "Mia", codes=["R13"])
    assert "SHOE, month of 2026-0" in proof.examples[0]
