"""The catalogue import: a preview of all changes, then all of them or none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from core.catalog import imports as catalog
from core.catalog.file import UnreadableCatalog
from core.catalog.imports import CatalogImport, CatalogPreview, RowStatus
from core.foundation.errors import Forbidden, InvalidInput, KeyReused, SignInRequired, Unavailable
from core.foundation.model import Line
from core.ledger import changes as ledger
from tests.support.builders import Shop, key

BOOTS = """sku,product,brand,size,color,barcode,price,unit_cost,reorder_point,opening,active
HB-40,Halde Boot,Halde,40,Moss,2000000000015,149.90,70,2,12,yes
HB-41,Halde Boot,Halde,41,Moss,2000000000022,149.90,70,2,0,yes
KR-40,Kestrel Runner,Kestrel,40,Slate,,99,,,5,
"""


def imported(shop: Shop, text: str, who: str = "Mia", **values: Any) -> CatalogImport:
    values = {"file_name": "shoes.csv", "key": key()} | values
    done: CatalogImport = shop.run(catalog.import_catalog, who, content=text.encode(), **values)
    return done


def preview(shop: Shop, text: str, who: str = "Mia") -> CatalogPreview:
    shown: CatalogPreview = shop.run(catalog.preview_catalog, who, content=text.encode(), file_name="shoes.csv")
    return shown


def problems(shop: Shop, text: str) -> list[str]:
    with pytest.raises(UnreadableCatalog) as refusal:
        imported(shop, text)
    assert [str(problem) for problem in preview(shop, text).problems] == [str(p) for p in refusal.value.problems]
    return [str(problem) for problem in refusal.value.problems]


def changes(shown: CatalogPreview) -> list[list[tuple[str, str | None, str]]]:
    return [[(change.field, change.before, change.after) for change in row.changes] for row in shown.rows]


def contents(shop: Shop) -> list[Any]:
    return shop.rows(
        """select p.name, p.brand, v.sku, v.size, v.color, v.barcode, v.price, v.unit_cost, v.reorder_point,
                  v.is_active, v.stock_quantity
             from product_variants v join products p on p.id = v.product_id order by v.sku"""
    )


def test_a_first_catalogue_adds_products_variants_and_one_initial_count(fresh_shop: Shop) -> None:
    assert preview(fresh_shop, BOOTS).counts == {RowStatus.NEW_PRODUCT: 2, RowStatus.NEW_VARIANT: 1}
    done = imported(fresh_shop, BOOTS)
    assert (done.products_added, done.variants_added, done.variants_known) == (2, 3, 0)
    assert (done.variants_counted, done.units_counted, done.replayed) == (3, 17, False)
    assert [tuple(map(str, row)) for row in contents(fresh_shop)] == [
        ("Halde Boot", "Halde", "HB-40", "40", "Moss", "2000000000015", "149.90", "70.00", "2", "True", "12"),
        ("Halde Boot", "Halde", "HB-41", "41", "Moss", "2000000000022", "149.90", "70.00", "2", "True", "0"),
        ("Kestrel Runner", "Kestrel", "KR-40", "40", "Slate", "None", "99.00", "None", "0", "True", "5"),
    ]
    movements = fresh_shop.rows("select * from stock_movements order by id")
    assert [(m.sku, m.movement_type, m.reason, m.quantity, m.performed_by, m.reference_id) for m in movements] == [
        ("HB-40", "count", "initial_count", 12, "Mia", "shoes.csv"),
        ("HB-41", "count", "initial_count", 0, "Mia", "shoes.csv"),
        ("KR-40", "count", "initial_count", 5, "Mia", "shoes.csv"),
    ]
    assert {m.operation_id for m in movements} == {done.operation_id}


def test_an_import_does_what_the_preview_showed_and_a_preview_changes_nothing(fresh_shop: Shop) -> None:
    assert preview(fresh_shop, BOOTS).units_counted == 17
    assert contents(fresh_shop) == []
    assert fresh_shop.sql("select count(*) from stockroom.operations") == 0


def test_the_same_file_again_changes_nothing(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    before = fresh_shop.rows("select * from product_variants order by id")
    assert preview(fresh_shop, BOOTS).counts == {RowStatus.UNCHANGED: 3}
    again = imported(fresh_shop, BOOTS)
    assert (again.products_added, again.variants_added, again.variants_known, again.variants_counted) == (0, 0, 3, 0)
    assert fresh_shop.rows("select * from product_variants order by id") == before
    assert fresh_shop.sql("select count(*) from products") == 2


def test_the_same_key_returns_the_first_result_and_refuses_another_file(fresh_shop: Shop) -> None:
    first = imported(fresh_shop, BOOTS, key="monday")
    fresh_shop.sql("update product_variants set stock_quantity = stock_quantity, updated_at = now()")
    again = imported(fresh_shop, BOOTS, key="monday")
    assert (again.replayed, again.operation_id) == (True, first.operation_id)
    assert (again.products_added, again.variants_added, again.units_counted) == (2, 3, 17)
    with pytest.raises(KeyReused):
        imported(fresh_shop, BOOTS.replace("Moss", "Fern"), key="monday")


def test_a_change_is_shown_from_and_to_and_then_made(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    file = """sku,product,brand,price,barcode,active
HB-40,Halde Boot,Haldenhof,139,,no
KR-40,Kestrel Runner,,99.00,777,
"""
    shown = preview(fresh_shop, file)
    assert [row.status for row in shown.rows] == [RowStatus.CHANGE, RowStatus.CHANGE]
    assert changes(shown) == [
        [("brand", "Halde", "Haldenhof"), ("price", "149.90", "139.00"), ("active", "yes", "no")],
        [("barcode", None, "777")],
    ]
    imported(fresh_shop, file)
    first, second, third = contents(fresh_shop)
    assert (first.brand, str(first.price), first.is_active) == ("Haldenhof", "139.00", False)
    assert (second.brand, str(second.price), second.is_active) == ("Haldenhof", "149.90", True)
    assert first.barcode == "2000000000015"
    assert (third.barcode, third.brand, third.stock_quantity) == ("777", "Kestrel", 5)


def test_another_product_name_with_a_known_sku_renames_its_product(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    file = "sku,product\nHB-40,Halde Winter Boot\nHB-42,Halde Winter Boot\n"
    assert changes(preview(fresh_shop, file)) == [[("product", "Halde Boot", "Halde Winter Boot")], []]
    done = imported(fresh_shop, file)
    assert (done.products_added, done.variants_added) == (0, 1)
    names = {row.sku: row.name for row in contents(fresh_shop)}
    assert names == {
        "HB-40": "Halde Winter Boot", "HB-41": "Halde Winter Boot", "HB-42": "Halde Winter Boot",
        "KR-40": "Kestrel Runner",
    }  # fmt: skip


def test_a_new_size_joins_its_product_whatever_the_letter_case(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    assert preview(fresh_shop, "sku,product\nHB-43,HALDE BOOT\n").rows[0].status == RowStatus.NEW_VARIANT
    assert imported(fresh_shop, "sku,product\nHB-43,HALDE BOOT\n").products_added == 0
    assert {row.name for row in contents(fresh_shop)} == {"Halde Boot", "Kestrel Runner"}


def test_a_variant_that_never_moved_may_still_get_its_opening(fresh_shop: Shop) -> None:
    imported(fresh_shop, "sku,product\nHB-40,Halde Boot\n")
    file = "sku,product,opening\nHB-40,Halde Boot,8\n"
    shown = preview(fresh_shop, file)
    assert (changes(shown), shown.units_counted) == ([[("opening", None, "8")]], 8)
    assert imported(fresh_shop, file).units_counted == 8


def test_an_opening_of_a_variant_that_moved_is_refused_unless_it_is_its_own(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    variant = fresh_shop.sql("select id from product_variants where sku = 'HB-40'")
    fresh_shop.adjust(variant, -2)
    assert preview(fresh_shop, BOOTS).counts == {RowStatus.UNCHANGED: 3}
    assert problems(fresh_shop, BOOTS.replace("2,12,yes", "2,15,yes")) == [
        'line 2: opening "15" is only for variants that never moved; this one is at 10, so count it instead'
    ]


def test_every_row_that_contradicts_the_shop_is_named_with_those_that_contradict_the_file(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    before = contents(fresh_shop)
    file = """sku,product,barcode,price
hb-40,Halde Boot,,1
NEW-1,Kestrel Runner,2000000000022,1
KR-40,Halde Boot,,1
NEW-2,Kestrel Runner,,free
"""
    assert problems(fresh_shop, file) == [
        'line 2: sku "hb-40" differs only in letter case from "HB-40" in the shop',
        'line 3: barcode "2000000000022" is the barcode of SKU HB-41 in the shop',
        'line 4: product "Halde Boot" is another product already; this SKU belongs to "Kestrel Runner"',
        'line 5: price "free" is not an amount such as 129.90',
    ]
    assert contents(fresh_shop) == before


def test_rows_of_one_product_must_agree_on_its_new_name(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    assert problems(fresh_shop, "sku,product\nHB-40,Halde Boot\nHB-41,Halde Boot Two\n") == [
        'line 3: product "Halde Boot Two" contradicts line 2, where the same product is called "Halde Boot"'
    ]


def test_two_variants_may_swap_their_barcodes(fresh_shop: Shop) -> None:
    imported(fresh_shop, BOOTS)
    imported(fresh_shop, "sku,product,barcode\nHB-40,Halde Boot,2000000000022\nHB-41,Halde Boot,2000000000015\n")
    assert [row.barcode for row in contents(fresh_shop)][:2] == ["2000000000022", "2000000000015"]


def test_a_new_sku_of_a_name_that_two_products_have_is_refused(fresh_shop: Shop) -> None:
    fresh_shop.variant(product="Canvas shoe")
    fresh_shop.variant(product="Canvas shoe")
    assert problems(fresh_shop, "sku,product\nX,Canvas shoe\n") == [
        'line 2: product "Canvas shoe" is the name of 2 products in the shop, so it is unclear which one is meant'
    ]


def test_only_managers_and_admins_import_and_preview(shop: Shop) -> None:
    for who, error in {"Wanda": Forbidden, "Sam": Forbidden, "Carl": SignInRequired}.items():
        with pytest.raises(error):
            imported(shop, "sku,product\nNOBODYS-1,Nobody's shoe\n", who)
        with pytest.raises(error):
            preview(shop, "sku,product\nNOBODYS-1,Nobody's shoe\n", who)
    assert shop.sql("select count(*) from product_variants where sku = 'NOBODYS-1'") == 0


def test_a_shop_with_sample_data_refuses_a_real_catalogue_unless_told_otherwise(fresh_shop: Shop) -> None:
    fresh_shop.sql("update stockroom.shop set is_sample = true")
    with pytest.raises(InvalidInput, match="Start my own shop") as refusal:
        imported(fresh_shop, BOOTS)
    assert refusal.value.field == "shop"
    assert imported(fresh_shop, BOOTS, into_sample=True).variants_added == 3


def test_text_that_looks_like_sql_is_only_text(fresh_shop: Shop) -> None:
    imported(fresh_shop, "sku,product,brand\n'; drop table products; --,Robert'); --,\\\n", file_name="'; drop.csv")
    assert [(row.sku, row.name, row.brand) for row in contents(fresh_shop)] == [
        ("'; drop table products; --", "Robert'); --", "\\")
    ]


def test_the_import_is_one_statement_however_many_rows(fresh_shop: Shop) -> None:
    fresh_shop.person("Mia")
    statements: list[str] = []
    event.listen(fresh_shop.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    rows = "".join(f"S-{n},Shoe {n // 10},{n % 5}\n" for n in range(2_000))
    assert imported(fresh_shop, "sku,product,opening\n" + rows).units_counted == 4_000
    assert len(statements) == 1
    assert fresh_shop.sql("select count(*) from products") == 200
    assert fresh_shop.sql("select count(*) from stockroom.operations") == 1


def test_the_same_new_skus_by_four_people_at_once_are_added_once(fresh_shop: Shop) -> None:
    fresh_shop.person("Mia")
    with ThreadPoolExecutor(4) as people:
        done = list(people.map(lambda _: imported(fresh_shop, BOOTS), range(4)))
    assert sorted((one.variants_added, one.units_counted) for one in done) == [(0, 0), (0, 0), (0, 0), (3, 17)]
    assert fresh_shop.sql("select count(*) from products") == 2
    assert fresh_shop.sql("select sum(stock_quantity) from product_variants") == 17


@pytest.mark.slow
def test_a_delivery_during_an_import_waits_and_a_later_import_sees_it(fresh_shop: Shop) -> None:
    variant = fresh_shop.variant(sku="HB-40", product="Halde Boot")
    with fresh_shop.engine.begin() as selling:
        ledger.receive(selling, fresh_shop.person("Wanda"), lines=[Line(variant_id=variant, quantity=3)], key=key())
        with pytest.raises(Unavailable):
            imported(fresh_shop, BOOTS)
    assert problems(fresh_shop, BOOTS) == [
        'line 2: opening "12" is only for variants that never moved; this one is at 3, so count it instead'
    ]
