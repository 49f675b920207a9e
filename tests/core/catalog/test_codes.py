"""The codes of a variant: found by every way to write them, given and taken away, and never on two variants."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from core.catalog import codes, imports, products
from core.catalog.codes import CodeKind
from core.foundation.barcodes import check_digit
from core.foundation.errors import Forbidden, InvalidInput, KeyReused, Refused, Unreadable
from tests.conftest import open_fresh
from tests.support.builders import Shop, key
from tests.support.servers import Server

UPC = "036000291452"
EAN = "4006381333931"


@pytest.fixture(scope="module")
def counter(server: Server) -> Iterator[Shop]:
    """An empty shop for all tests here; each makes variants and codes of its own."""
    yield from open_fresh(server)


def found(shop: Shop, text: str) -> tuple[str, str, int] | None:
    row = shop.run(codes.find, "Sam", text=text)
    return row and (row.sku, row.kind, row.units)


def attach(shop: Shop, variant_id: UUID, code: str, kind: str = "supplier", who: str = "Wanda", **more: Any) -> Any:
    return shop.run(codes.attach, who, **{"variant_id": variant_id, "code": code, "kind": kind, "key": key()} | more)


def refused(shop: Shop, variant_id: UUID, code: str, kind: str = "supplier", **more: Any) -> str:
    with pytest.raises(Refused) as refusal:
        attach(shop, variant_id, code, kind, **more)
    return refusal.value.message


def test_a_number_is_found_in_every_length_and_a_carton_counts_its_units(counter: Shop) -> None:
    shoe = counter.variant(sku="SHOE-42")
    attach(counter, shoe, UPC, "upc")
    attach(counter, shoe, f" {EAN} ", "ean")
    attach(counter, shoe, "14006381333938", "carton", units=12)
    attach(counter, shoe, "04252614", "upc")
    attach(counter, shoe, "00123")
    for text in (UPC, "0036000291452", "00036000291452", f"]E0{UPC}", f"(01)00{UPC}"):
        assert found(counter, text) == ("SHOE-42", "upc", 1), text
    assert found(counter, EAN) == found(counter, f"0{EAN}") == ("SHOE-42", "ean", 1)
    assert found(counter, "14006381333938") == found(counter, "]C10114006381333938") == ("SHOE-42", "carton", 12)
    assert found(counter, "04252614") == found(counter, "042100005264") == ("SHOE-42", "upc", 1)
    assert found(counter, "00123") == ("SHOE-42", "supplier", 1)
    assert found(counter, "123") is None
    assert found(counter, "shoe\u201142") == found(counter, "\ufeffSHOE-42\u00a0") == ("SHOE-42", "sku", 1)
    for text in (f"]d2\x1d010{EAN}10LOT7\x1d3705", f"(01)0{EAN}(10)LOT7(37)5", f"]C1020{EAN}3705"):
        assert found(counter, text) == ("SHOE-42", "ean", 5), text
    assert found(counter, "]C102140063813339383703") == ("SHOE-42", "carton", 36)
    assert [(row.kind, row.code, row.units) for row in counter.run(codes.of_variant, "Sam", variant_id=shoe)] == [
        (CodeKind.UPC, UPC, 1),
        (CodeKind.EAN, EAN, 1),
        (CodeKind.CARTON, "14006381333938", 12),
        (CodeKind.UPC, "04252614", 1),
        (CodeKind.SUPPLIER, "00123", 1),
    ]


def test_a_typed_number_with_a_wrong_check_digit_is_refused_with_the_right_one(counter: Shop) -> None:
    boot = counter.variant(sku="BOOT-40")
    assert refused(counter, boot, "4006381333932", "ean") == (
        "Code 4006381333932 has a wrong check digit: its last digit would have to be 1, not 2."
    )
    assert "would have to be 2, not 3" in refused(counter, boot, "036000291453", "carton", units=6)
    assert refused(counter, boot, "12345", "upc") == "Code 12345 is not a number of 12 digits."
    assert refused(counter, boot, "SUP-1", "carton") == "Units of a carton must be 2 or more."
    assert refused(counter, boot, "SUP-1", units=3).startswith("Units are only for a carton")
    assert refused(counter, boot, "OLD", "former_sku").startswith("Kind must be ean")
    attach(counter, boot, "4006381333932", "supplier")  # a supplier's code has no check digit
    assert found(counter, "4006381333932") == ("BOOT-40", "supplier", 1)


def test_a_code_belongs_to_one_variant_and_is_no_other_ones_sku_or_barcode(counter: Shop) -> None:
    one, two = counter.variant(sku="TWIN-1"), counter.variant(sku="TWIN-2")
    counter.sql("update product_variants set barcode = '0012345678905' where id = :id returning 1", id=one)
    attach(counter, one, "TW\u2013A")
    for code, is_what in (("TW-A", "a code"), ("twin-1", "the SKU"), ("012345678905", "the barcode")):
        assert (
            refused(counter, two, code) == f"Code {code} is {is_what} of another variant, TWIN-1. Nothing was changed."
        )
    assert "belongs to this variant already" in refused(counter, one, "TW-A")
    assert "belongs to this variant already" in refused(counter, one, "00012345678905", "ean")
    assert found(counter, "012345678905") == ("TWIN-1", "barcode", 1)


def test_of_two_people_who_attach_one_code_at_once_one_is_refused(counter: Shop) -> None:
    one, two = counter.variant(sku="RACE-1"), counter.variant(sku="RACE-2")

    def try_it(code: str, variant_id: UUID) -> str:
        try:
            attach(counter, variant_id, code, "ean", who="Mia" if variant_id == one else "Wanda")
        except InvalidInput as error:
            return error.message
        return "ok"

    for written in (("0000000000017", "00000017"), ("0000000000024", "000000000024")):
        with ThreadPoolExecutor(2) as both:
            results = sorted(both.map(try_it, written, (one, two)))
        assert results[1] == "ok"
        assert "another variant" in results[0]


def test_of_an_import_and_a_person_who_give_one_code_at_once_one_is_refused(counter: Shop) -> None:
    mine, numbers = counter.variant(sku="MINE-1"), [f"{n:07}" for n in range(9_000_010, 9_000_016)]
    eans = [number + check_digit(number + "0") for number in numbers]

    def bring(code: str) -> bool:
        content = f"sku,product,barcode\nFILE-{code},File,0000{code}\n{code}0-X,File,\n".encode()
        try:
            counter.run(imports.import_catalog, "Mia", content=content, file_name="c.csv", key=key())
        except Unreadable:
            return False
        return True

    def give(code: str) -> bool:
        try:
            attach(counter, mine, code, "ean")
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        for code in eans:
            brought, given = both.submit(bring, code), both.submit(give, code)
            assert brought.result() is not given.result()
    shared = counter.rows("select * from stockroom_api.shared_codes where 'MINE-1' = any (skus)")
    assert shared == []


def test_a_repeated_click_is_one_code_and_support_may_neither_give_nor_take(counter: Shop) -> None:
    clog, once = counter.variant(sku="CLOG-1"), key()
    first = attach(counter, clog, "CL-9", key=once)
    assert attach(counter, clog, "CL-9", key=once) == codes.Attached(code_id=first.code_id, replayed=True)
    with pytest.raises(KeyReused):
        attach(counter, clog, "CL-8", key=once)
    for operation, values in (
        (codes.attach, {"variant_id": clog, "code": "CL-7", "kind": "supplier", "key": key()}),
        (codes.detach, {"code_id": first.code_id}),
    ):
        with pytest.raises(Forbidden):
            counter.run(operation, "Sam", **values)
    counter.run(codes.detach, "Mia", code_id=first.code_id)
    counter.run(codes.detach, "Mia", code_id=first.code_id)
    assert found(counter, "CL-9") is None
    changes = counter.rows(
        """select change, performed_by from stockroom.audit
            where change like 'code_%' and subject = 'variant CLOG-1' order by id"""
    )
    assert [tuple(change) for change in changes] == [("code_attached", "Wanda"), ("code_detached", "Mia")]


def test_a_catalogue_brings_no_code_twice_however_it_is_written(counter: Shop) -> None:
    cap, hat = (
        counter.variant(sku="036000291506", product="Cap"),
        counter.variant(sku="HAT\u20111", product="Hut fu\u0308r alle"),
    )
    counter.sql("update product_variants set barcode = '00000093' where id = :id returning 1", id=cap)
    attach(counter, hat, "SUP-HAT")

    def problems(*rows: str) -> list[tuple[str, str]]:
        content = "\n".join(("sku,product,barcode,brand", *rows)).encode()
        seen = counter.run(imports.preview_catalog, "Mia", content=content, file_name="c.csv")
        return [(problem.field, problem.why) for problem in seen.problems]

    assert problems("NEW-1,New,0000000000093,") == [("barcode", "is the barcode of SKU 036000291506 in the shop")]
    assert problems("NEW-1,New,0036000291506,") == [("barcode", "is the SKU 036000291506 in the shop")]
    assert problems("NEW-1,New,SUP-HAT,") == [("barcode", "is a code of SKU HAT\u20111 in the shop")]
    assert problems("0000000000093,New,,") == [("sku", "is the barcode of SKU 036000291506 in the shop")]
    assert problems("SUP\u2010HAT,New,,") == [("sku", "is a code of SKU HAT\u20111 in the shop")]
    assert problems("N-1,New,055555555550,", "N-2,New,0055555555550,") == [
        ("barcode", "is also the barcode of SKU N-1 on line 2")
    ]
    assert problems("N-1,New,0012345678929,", "012345678929,New,,") == [("barcode", "is also the SKU on line 3")]
    assert problems("N-1,New,,", "N\u20101,New,,") == [("sku", 'means the same as "N-1" on line 2')]
    # Two barcodes change places.
    counter.variant(sku="SWAP-2", barcode="00000109", product="Swap")
    assert problems("SWAP-2,Swap,0000000000093,", "036000291506,Cap,0000000000109,") == []


def test_a_catalogue_finds_what_the_shop_has_under_another_writing(counter: Shop) -> None:
    counter.variant(sku="0036000291551", product="Mu\u0308tze Gru\u0308n")
    counter.sql("update products set brand = 'Fja\u0308ll' where name like 'Mu%Gr%' returning 1")
    content = "sku,product,brand,size\n036000291551,Mütze\u00a0Grün,Fjäll,\nMÜ\u20101,Mütze Grün,Fjäll,44\n".encode()
    seen = counter.run(imports.preview_catalog, "Mia", content=content, file_name="c.csv")
    assert [(row.status, row.changes, row.problems) for row in seen.rows] == [
        ("unchanged", (), ()),
        ("new_variant", (), ()),
    ]
    done = counter.run(imports.import_catalog, "Mia", content=content, file_name="c.csv", key=key())
    assert (done.products_added, done.variants_added, done.variants_known) == (0, 1, 1)
    assert found(counter, "mu\u0308-1") == ("MÜ\u20101", "sku", 1)
    rows = counter.rows("select distinct product_id from product_variants where sku in ('0036000291551', 'MÜ\u20101')")
    assert len(rows) == 1
    with pytest.raises(InvalidInput, match="is in the shop already"):
        counter.run(
            products.add_product, "Mia", product="Another", key=key(), variants=[products.NewVariant(sku="MÜ\u20141")]
        )
