"""What a session covers, what to count next, how accurate counting was, and the sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from core.catalog.size_runs import size_order
from core.counts import entering, past, plan, printing, sessions
from core.counts.entering import ListLine
from core.counts.sessions import Scope
from core.foundation.errors import Forbidden, InvalidInput, UnknownVariant
from tests.conftest import open_fresh
from tests.core.counts.counting import apply, begin, finish, seen, typed
from tests.support.builders import Shop, key
from tests.support.servers import Server


@pytest.fixture(scope="module")
def store(embedded: Server) -> Iterator[tuple[Shop, dict[str, UUID]]]:
    """A shop with a run of sizes, one dear variant and some of other brands."""
    for shop in open_fresh(embedded):
        run = shop.variant(3, sku="RUN-S", size="S", product="Jacket")
        product = shop.sql("select product_id from public.product_variants where id = :id", id=run)
        shop.sql("update public.products set brand = 'Fjell' where id = :id", id=product)
        out = shop.sql(
            "insert into public.product_variants (product_id, sku, size) values (:p, 'RUN-XL', 'XL') returning id",
            p=product,
        )
        names = {"small": run, "large": out, "dear": shop.variant(9, sku="DEAR", unit_cost=500, product="Watch")}
        names |= {
            f"cheap{n}": shop.variant(2, sku=f"CHEAP-{n}", unit_cost=1, product=f"Ä Sock & <{n}>") for n in range(8)
        }
        yield shop, names


def covered(shop: Shop, scope: Scope, **more: Any) -> set[str]:
    """The SKUs of a new session."""
    values = {"name": "Scope", "scope": scope, "key": key()} | more
    count = shop.run(sessions.start, "Wanda", **values)
    found = {line.sku for line in shop.run(entering.uncounted, "Wanda", count_id=count, limit=99)}
    shop.run(sessions.cancel, "Wanda", count_id=count)
    return found


def test_a_session_goes_through_the_sizes_of_a_shoe_in_their_order(shop: Shop) -> None:
    first = shop.variant(1, size="40", product="Court shoe")
    product = shop.sql("select product_id from public.product_variants where id = :id", id=first)
    sizes = ["6", "6Y", "10Y", "39", "40", "40 2/3", "41\u2153", "42,5", "42 2/3", "43", "100", "104/110", "110",
             "XXS", "XS", "M", "XL", "2XL", "XXXL", "4XL", "EU 42 2/3", "EU 43", "UK 9.5", "UK 10",
             "one size"]  # fmt: skip
    for size in sorted(set(sizes) - {"40"}):
        shop.sql(
            "insert into public.product_variants (product_id, sku, size) values (:product, :sku, :size)",
            product=product, sku=f"COURT-{size}", size=size,
        )  # fmt: skip
    count = shop.run(sessions.start, "Wanda", name="Court", scope=Scope.PRODUCT, product_ids=[product], key=key())
    left = shop.run(entering.uncounted, "Wanda", count_id=count, limit=99)
    assert [line.size for line in left] == sizes == sorted(sizes, key=size_order)


def test_a_session_covers_its_scope(store: tuple[Shop, dict[str, UUID]]) -> None:
    shop, names = store
    product = shop.sql("select product_id from public.product_variants where sku = 'DEAR'")
    assert len(covered(shop, Scope.EVERYTHING)) == 11
    assert covered(shop, Scope.BRAND, brand="Fjell") == {"RUN-S", "RUN-XL"}
    assert covered(shop, Scope.SIZE_RUNS) == {"RUN-S", "RUN-XL"}
    assert covered(shop, Scope.PRODUCT, product_ids=[product]) == {"DEAR"}
    assert covered(shop, Scope.MOST_VALUABLE) == {"DEAR", "RUN-S"} or len(covered(shop, Scope.MOST_VALUABLE)) == 2
    assert covered(shop, Scope.LIST, variant_ids=[names["cheap1"]]) == {"CHEAP-1"}
    shop.sql("update public.product_variants set last_counted_at = now() - interval '10 days' where sku like 'CHEAP%'")
    assert covered(shop, Scope.NOT_COUNTED, days=60) == {"RUN-S", "RUN-XL", "DEAR"}
    assert len(covered(shop, Scope.NOT_COUNTED, days=5)) == 11
    with pytest.raises(InvalidInput, match="covers no variant"):
        covered(shop, Scope.BRAND, brand="None of ours")


def test_every_product_of_a_shop_with_many_variants_can_be_counted(fresh_shop: Shop) -> None:
    fresh_shop.variant(sku="FIRST", product="Aqua shoe")
    fresh_shop.sql("""insert into public.product_variants (product_id, sku, size)
                      select product_id, 'MANY-' || n, n::text
                        from public.product_variants, generate_series(1, 600) n""")
    last = fresh_shop.variant(sku="LAST", product="Zebra shoe")
    names = fresh_shop.run(sessions.products, "Wanda")
    assert list(names.values()) == ["Aqua shoe", "Zebra shoe"]
    chosen = [product for product, name in names.items() if name == "Zebra shoe"]
    count = begin(fresh_shop, scope=Scope.PRODUCT, product_ids=chosen)
    lines = fresh_shop.rows("select variant_id from stockroom.count_lines where count_id = :id", id=count)
    assert [row.variant_id for row in lines] == [last]


def test_the_plan_puts_the_most_valuable_and_longest_not_counted_first(store: tuple[Shop, dict[str, UUID]]) -> None:
    shop, _ = store
    due = shop.run(plan.due, "Sam", limit=20)
    assert (due[0].sku, due[0].class_, due[0].days) == ("DEAR", "A", 30)
    assert {row.class_ for row in due[1:]} <= {"B", "C"}
    assert [(each.class_, each.variants) for each in shop.run(plan.classes, "Sam")] == [("A", 1), ("C", 10)]


def test_a_sheet_has_every_line_and_a_blind_one_no_level(store: tuple[Shop, dict[str, UUID]]) -> None:
    shop, names = store
    for is_blind in (False, True):
        count = begin(shop, *names.values(), name="Sheet", is_blind=is_blind)
        files = {form: shop.run(printing.sheet, "Wanda", count_id=count, format=form) for form in printing.FORMATS}
        text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(files["pdf"]))
        assert all(sku in text for sku in ("RUN-S", "DEAR", "CHEAP-7"))
        assert "Ä Sock & <3>" in text
        rows = CalamineWorkbook.from_filelike(io.BytesIO(files["xlsx"])).get_sheet_by_index(0).to_python()
        assert len(rows) == 12
        csv = files["csv"].decode("utf-8-sig")
        shown = ("Level" in text, "expected" in rows[0], "expected" in csv)
        assert shown == ((False,) * 3 if is_blind else (True,) * 3)
        assert csv.index("RUN-S") < csv.index("RUN-XL"), "sizes in their order"
        with pytest.raises(Forbidden):
            shop.run(printing.sheet, "Sam", count_id=count, format="csv")


def test_a_list_is_entered_as_a_whole_and_names_what_nobody_knows(shop: Shop) -> None:
    shoe, sock = shop.variant(3, sku=f"L-{key()[:8]}"), shop.variant(4, sku=f"L-{key()[:8]}")
    skus = [shop.sql("select sku from public.product_variants where id = :id", id=each) for each in (shoe, sock)]
    count, again = begin(shop, shoe, sock), key()
    lines = [ListLine(code=skus[0], units=3), entering.list_line(skus[1], 5, None, "Pacific/Auckland")]
    with pytest.raises(UnknownVariant, match="No variant has these codes: NOPE"):
        shop.run(
            entering.count_list, "Wanda", count_id=count, lines=[*lines, ListLine(code="NOPE", units=1)], key=key()
        )
    with pytest.raises(InvalidInput, match="twice"):
        shop.run(entering.count_list, "Wanda", count_id=count, lines=[*lines, lines[0]], key=key())
    assert [shop.run(entering.count_list, "Wanda", count_id=count, lines=lines, key=again) for _ in range(2)] == [2, 0]
    with pytest.raises(InvalidInput, match="is not a date and time"):
        entering.list_line("X", 1, "yesterday", "UTC")
    finish(shop, count)
    assert [seen(shop, count)[each].variance for each in (shoe, sock)] == [0, 1]


def test_accuracy_counts_lines_units_and_money(fresh_shop: Shop) -> None:
    shop = fresh_shop
    right, wrong = shop.variant(8, unit_cost=1), shop.variant(2, unit_cost=10)
    count = begin(shop, right, wrong)
    typed(shop, count, right, 8)
    typed(shop, count, wrong, 1)
    finish(shop, count)
    apply(shop, count)
    (row,) = shop.run(past.accuracy, "Sam")
    assert (row.lines_right, row.units_right) == (50, 90)
    assert row.money_right is not None
    assert round(row.money_right, 1) == 64.3
    assert (row.net, row.net_money) == (-1, -10)
