"""Reports about a small shop whose numbers anybody can check by hand, and who may see its money."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow.parquet
import pytest

from core.counts import applying
from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.orders import refunds
from core.orders.refunds import Decision
from core.reports import files, menu
from core.reports.files import Format
from core.reports.model import Filter, Grain, Link, Table
from core.reports.periods import Period, Span, period_of
from core.sheets import workbooks
from tests.conftest import open_fresh
from tests.core.counts import counting
from tests.support.builders import ZONE, PastLine, Shop, key
from tests.support.selling import Sale, line_of, seen_now, sell, tell_refund
from tests.support.servers import Server

NOW = datetime.combine(datetime.now(ZoneInfo(ZONE)).date(), time(0, 30), ZoneInfo(ZONE))
"""Half an hour into the shop's day; a number of days less is the same hour of another day."""


@dataclass
class Small:
    """The shop and its variants by SKU."""

    shop: Shop
    variants: dict[str, UUID]
    today: date

    def report(self, name: str, person: str = "Mia", by: Grain | None = None, **only: Any) -> Table:
        """Run a report about the last 30 days."""
        period = Period(first=self.today - timedelta(days=29), last=self.today)
        found: Table = self.shop.run(menu.run, person, name=name, period=period, filter=Filter(by=by, **only))
        return found


@pytest.fixture(scope="module")
def small(server: Server) -> Iterator[Small]:
    """One shoe in five sizes, bought for 40 and sold for 100, and a boot without price, cost and size."""
    for shop in open_fresh(server):
        shop.sql("update stockroom.shop set currency = 'USD'")
        product = shop.sql("insert into products (name, brand) values ('Halde low', 'Halde') returning id")
        variants: dict[str, UUID] = {
            f"HL-{size}": shop.sql(
                """insert into product_variants (product_id, sku, size, price, unit_cost)
                   values (:product, :sku, :size, 100, 40) returning id""",
                product=product, sku=f"HL-{size}", size=str(size),
            )
            for size in (9, 10, 11, 12, 13)
        } | {"BOOT": shop.variant(sku="BOOT", product="Boot")}  # fmt: skip
        shop.post_past(*(
            PastLine(variant_id=variant, quantity=10, occurred_at=NOW - timedelta(days=20), movement_type="purchase",
                     reason="delivery")
            for variant in variants.values()
        ))  # fmt: skip
        yield Small(shop=shop, variants=variants, today=shop.sql("select today from stockroom_api.shop"))


@pytest.fixture(scope="module")
def sold(small: Small) -> Small:
    """Four orders: size 11 sells out, and one order has a discount of a half."""
    sell(
        small.shop,
        Sale(lines=[("HL-11", 6)], paid_at=NOW - timedelta(days=10)),
        Sale(lines=[("HL-11", 4)], paid_at=NOW - timedelta(days=10), more={"amount": 2000}),
        Sale(lines=[("HL-9", 1), ("BOOT", 2)], paid_at=NOW - timedelta(days=2)),
    )
    return small


def test_sales_are_what_buyers_paid_less_the_discount(sold: Small) -> None:
    movers = sold.report("movers", by=Grain.VARIANT)
    found = dict(
        zip(movers.column("sku"), zip(movers.column("sold"), movers.column("revenue"), strict=True), strict=True)
    )
    assert found["HL-11"] == (10, Decimal("80.00"))
    assert found["HL-9"] == (1, Decimal("10.00"))
    assert movers.column("sku")[:3] == ("HL-11", "BOOT", "HL-9")
    assert movers.column("units_class")[:4] == ("A", "A", "B", "D")
    by_brand = sold.report("movers", by=Grain.BRAND)
    assert dict(zip(by_brand.column("brand"), by_brand.column("sold"), strict=True)) == {"Halde": 11, "No brand": 2}
    assert movers.totals[5] == 13


def test_paid_shipping_does_not_hide_a_discount_in_sales(embedded_shop: Shop) -> None:
    embedded_shop.variant(9, sku="TEE")
    sell(embedded_shop, Sale(lines=[("TEE", 2)], more={"amount": 2000 - 200 + 490, "discount": 200}))
    sell(embedded_shop, Sale(lines=[("TEE", 2)], more={"amount": 2000 + 490}))
    currency = embedded_shop.sql("select lower(currency) from stockroom.shop")
    embedded_shop.sql("update stockroom.orders set currency = :currency", currency=currency)
    today = embedded_shop.sql("select today from stockroom_api.shop")
    price = "select price from stockroom_api.paid_prices(cast(:day as date) - 1, :day)"
    assert embedded_shop.sql(price, day=today) == Decimal("9.50")


def test_what_is_lost_while_out_of_stock_is_the_rate_over_days_in_stock(sold: Small) -> None:
    (row,) = sold.report("lost-sales").rows
    assert row[0] == "HL-11"
    table = sold.report("lost-sales")
    there, out = table.column("days_in_stock")[0], table.column("days_out")[0]
    assert (there, out) == (11, 9)
    assert table.column("lost")[0] == round(10 / 11 * 9, 1)
    assert table.column("lost_money")[0] == round(Decimal(10) / 11 * 9 * 100, 2)


def test_a_run_is_broken_where_a_size_between_others_is_missing(sold: Small) -> None:
    table = sold.report("size-runs")
    assert table.column("missing") == ("11",)
    assert table.column("in_stock") == ("9, 10, 12, 13",)
    assert table.column("sold") == (10,)
    assert table.links == (Link(page="stock", query={"stk_q": "Halde low", "stk_view": "Sizes"}),)


def test_the_largest_size_alone_does_not_break_a_run(fresh_shop: Shop) -> None:
    product = fresh_shop.sql("insert into products (name) values ('Noor') returning id")
    for size, units in (("S", 1), ("M", 1), ("XL", 0)):
        fresh_shop.sql(
            "insert into product_variants (product_id, sku, size) values (:product, :size, :size)",
            product=product, size=size,
        )  # fmt: skip
        if units:
            fresh_shop.adjust(fresh_shop.sql("select id from product_variants where sku = :sku", sku=size), units)
    today = fresh_shop.sql("select today from stockroom_api.shop")
    found = fresh_shop.run(menu.run, "Sam", name="size-runs", period=Period(first=today, last=today), filter=Filter())
    assert found.rows == ()


def test_losses_are_by_reason_and_person_at_their_cost_and_without_what_was_undone(small: Small) -> None:
    shop, shoe = small.shop, small.variants["HL-13"]
    shop.adjust(shoe, -2, reason="damaged")
    shop.adjust(shoe, -1, "Mia", reason="lost", note="Nobody knows")
    posting = shop.adjust(shoe, -1, "Mia", reason="lost", note="It was on the other shelf")
    shop.run(ledger.undo, "Mia", movement_ids=[posting.movements[0].movement_id], key=key(), note="Found it")
    shop.adjust(small.variants["BOOT"], -3, reason="damaged")
    table = small.report("losses")
    assert [row[:3] for row in table.rows] == [("Damaged", "Wanda", 5), ("Lost", "Mia", 1)]
    assert table.column("value") == (Decimal("80.00"), Decimal("40.00"))
    assert table.note == "3 lost units have no known cost and are not in the value."
    assert table.links[1] is not None
    assert table.links[1].query["mov_reason"] == "Lost"
    assert small.report("losses", brand="Halde").totals[2] == 3


def test_refunds_are_told_by_their_reason_and_by_what_became_of_the_goods(small: Small) -> None:
    shop = small.shop
    sale = Sale(lines=[("HL-10", 5)])
    sell(shop, sale)
    refund, line = tell_refund(shop, sale, reason="requested_by_customer"), line_of(shop, sale)
    said = ((Disposition.INSPECT, 2), (Disposition.DAMAGED, 2), (Disposition.RESTOCK, 1), (Disposition.GOODWILL, 1))
    for what, units in said:
        shop.run(
            refunds.decide, "Sam", refund_id=refund, note="Looked at it", key=key(), seen=seen_now(shop, refund),
            decisions=[Decision(line_id=line, disposition=what, quantity=units)], is_confirmed=True,
        )  # fmt: skip
    table = small.report("refund-reasons", by=Grain.VARIANT)
    assert table.rows == (
        ("HL-10", "Halde low", "10", None, "Halde", "Requested by the buyer", 1, 2, 0, 1, 0, 4),
    )  # fmt: skip
    back = small.report("restorations", by=Grain.VARIANT)
    assert (back.column("sku"), back.column("restored"), back.column("sold")) == (("HL-10",), (1,), (5,))
    assert "Refund, back on shelf" in {column.title for column in back.columns}


def test_a_count_that_was_undone_says_nothing_about_accuracy(small: Small) -> None:
    shop, shoe = small.shop, small.variants["HL-12"]
    begun = []
    for counted in (9, 8):
        count = counting.begin(shop, shoe)
        begun.append(count)
        counting.typed(shop, count, shoe, counted)
        counting.finish(shop, count)
        counting.apply(shop, count)
    shop.run(applying.undo, "Mia", count_id=begun[-1], note="Wrong shelf", key=key())
    table = small.report("counts")
    assert [row[2:9] for row in table.rows] == [(1, 0, 0.0, 10, 1, -1, 90.0)]
    assert table.column("off_money") == (Decimal(40),)


def test_only_managers_and_admins_see_money(sold: Small) -> None:
    for name in ("movers", "losses", "ageing"):
        titles = [{column.kind.value for column in sold.report(name, person).columns} for person in ("Sam", "Ada")]
        assert ["money" in kinds for kinds in titles] == [False, True]
    with pytest.raises(Forbidden):
        sold.report("lost-sales", "Wanda")
    content = sold.shop.run(files.write, "Sam", name="movers", filter=Filter(), format=Format.CSV,
                            period=period_of(Span.MONTH, sold.today))  # fmt: skip
    assert b"revenue," not in content


def test_a_file_has_every_row_in_each_format(sold: Small) -> None:
    wanted = {"name": "movers", "filter": Filter(by=Grain.VARIANT), "period": period_of(Span.MONTH, sold.today)}
    table = sold.report("movers", by=Grain.VARIANT)
    text, book, columns = (sold.shop.run(files.write, "Mia", format=each, **wanted) for each in Format)
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert [row["sku"] for row in rows] == list(table.column("sku"))
    assert rows[0]["revenue"] == "80.00"
    place = [column.name for column in table.columns].index("revenue")
    taken_back = (*table.rows[0][:place], Decimal("-46.00"), *table.rows[0][place + 1 :])
    below_zero = files.written(replace(table, rows=(taken_back,)), Format.CSV).decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(below_zero)))["revenue"] == "-46.00"
    (tab,) = workbooks.tabs(book, "movers.xlsx")
    records = [cells for _, cells in workbooks.records(book, "movers.xlsx", tab)]
    assert [cells[0] for cells in records] == ["sku", *table.column("sku")]
    parquet = pyarrow.parquet.read_table(io.BytesIO(columns))
    assert parquet["revenue"].to_pylist()[0] == Decimal("80.0000")
    assert parquet.column_names == [column.name for column in table.columns]


def test_an_address_says_which_days_and_what_cannot_be_read_counts_as_not_given() -> None:
    today = date(2026, 3, 10)
    spans = {span: period_of(span, today) for span in Span if span is not Span.OWN}
    assert spans[Span.LAST_MONTH] == Period(first=date(2026, 2, 1), last=date(2026, 2, 28))
    assert [spans[span].days for span in (Span.WEEK, Span.QUARTER, Span.THIS_MONTH)] == [7, 90, 10]
    wanted = menu.read({"rep_period": "own", "rep_from": "2026-01-01", "rep_by": "brand"}, today)
    assert wanted.period == Period(first=date(2026, 1, 1), last=today)
    assert wanted.filter == Filter(by=Grain.BRAND)
    for query in ({"rep_period": "soon"}, {"rep_period": "own", "rep_from": "1900-01-01"}, {"rep_from": "x"}):
        assert menu.read(query, today).period == spans[Span.QUARTER]
    with pytest.raises(InvalidInput, match="ends before it begins"):
        period_of(Span.OWN, today, date(2026, 2, 2), date(2026, 2, 1))
