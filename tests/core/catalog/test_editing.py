"""Variants are edited a field at a time: compare and set, all or nothing, on record."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.catalog import codes, editing
from core.catalog.editing import Edit, EditedValue, Field
from core.foundation.errors import EditedMeanwhile, Forbidden, InvalidInput, KeyReused, StockError, UnknownVariant
from tests.support.builders import Shop, key, new_ean


def sku() -> str:
    return f"E-{uuid4().hex[:10].upper()}"


def seen(shop: Shop, variant_id: UUID) -> dict[Field, str | None]:
    found: dict[UUID, dict[Field, str | None]] = shop.run(editing.values, "Sam", variant_ids=[variant_id])
    return found[variant_id]


def edit(shop: Shop, variant_id: UUID, actor: str = "Mia", before: Any = None, **wanted: str | None) -> Any:
    """Edit fields of a variant, by default as seen now."""
    known = before or seen(shop, variant_id)
    edits = [
        Edit(variant_id=variant_id, field=Field(name), before=known[Field(name)], after=after)
        for name, after in wanted.items()
    ]
    return shop.run(editing.edit, actor, edits=edits, key=key())


def record(shop: Shop, variant_id: UUID) -> list[tuple[str, str | None, str | None, str, str]]:
    rows = shop.run(editing.changes, "Sam", variant_id=variant_id)
    return [(row.field, row.before, row.after, row.performed_by, row.source) for row in rows if row.field != "added"]


def test_a_manager_edits_every_field_and_each_change_is_on_the_variant(shop: Shop) -> None:
    shoe = shop.variant(3, sku=sku(), product=f"Shoe {uuid4().hex[:6]}", size="42", price=100, reorder_point=1)
    name = f"Shoe {uuid4().hex[:6]}"
    wanted = {"product": name, "brand": "Fjell", "size": "43", "color": "red", "price": "129,9", "unit_cost": "61",
              "reorder_point": "5", "shelf_place": " A-03  2 ", "active": "no",
              "picture": "https://cdn.shop.example/a.jpg"}  # fmt: skip
    done: tuple[EditedValue, ...] = edit(shop, shoe, **wanted)
    after = {row.field: row.after for row in done}
    assert after == wanted | {"price": "129.90", "unit_cost": "61.00", "shelf_place": "A-03 2"}
    assert {name.value: value for name, value in seen(shop, shoe).items() if name is not Field.SKU} == after
    assert ("price", "100.00", "129.90", "Mia", "page") in record(shop, shoe)
    assert len(record(shop, shoe)) == len(wanted)
    assert shop.on_hand(shoe) == 3


def test_the_second_of_two_people_is_refused_only_for_the_field_that_the_first_has_changed(shop: Shop) -> None:
    shoe = shop.variant(sku=sku(), size="42", price=100, reorder_point=1)
    opened_earlier = seen(shop, shoe)
    edit(shop, shoe, "Mia", price="120")
    edit(shop, shoe, "Ada", opened_earlier, size="43")  # another field: both succeed
    with pytest.raises(EditedMeanwhile) as refused:
        edit(shop, shoe, "Ada", opened_earlier, price="130", reorder_point="9")
    (found,) = refused.value.edited
    assert (found["field"], found["seen"], found["now"], found["wanted"], found["by"]) == (
        "price", "100.00", "120.00", "130.00", "Mia",
    )  # fmt: skip
    now = seen(shop, shoe)
    assert (now[Field.PRICE], now[Field.SIZE], now[Field.REORDER_POINT]) == ("120.00", "43", "1")
    assert edit(shop, shoe, "Ada", opened_earlier, price="120") == ()  # what both want is no conflict and no change


def test_of_two_who_edit_one_field_at_once_one_is_refused(shop: Shop) -> None:
    shoe = shop.variant(sku=sku(), reorder_point=1)
    before, start = seen(shop, shoe), threading.Barrier(2)
    done: list[object] = []

    def change(who: str, after: str) -> None:
        start.wait()
        try:
            done.append(edit(shop, shoe, who, before, reorder_point=after))
        except StockError as error:
            done.append(error)

    people = [threading.Thread(target=change, args=each) for each in (("Mia", "5"), ("Wanda", "7"))]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(isinstance(each, EditedMeanwhile) for each in done) == [False, True]
    assert len(record(shop, shoe)) == 1


def test_many_rows_are_one_operation_that_happens_once_or_not_at_all(shop: Shop) -> None:
    shoes = [shop.variant(sku=sku(), reorder_point=1) for _ in range(3)]
    edits = [Edit(variant_id=each, field=Field.REORDER_POINT, before="1", after="4") for each in shoes]
    once = key()
    first = shop.run(editing.edit, "Wanda", edits=edits, key=once)
    again = shop.run(editing.edit, "Wanda", edits=edits, key=once)
    assert [row.replayed for row in first + again] == [False] * 3 + [True] * 3
    assert len({row.operation_id for row in first + again}) == 1
    with pytest.raises(KeyReused):
        shop.run(editing.edit, "Wanda", edits=edits[:1], key=once)
    mixed = [*edits[:2], Edit(variant_id=shoes[2], field=Field.REORDER_POINT, before="1", after="9")]
    with pytest.raises(EditedMeanwhile) as refused:
        shop.run(editing.edit, "Mia", edits=mixed, key=key())
    assert [row["variant_id"] for row in refused.value.edited] == [str(shoes[2])]
    assert [seen(shop, each)[Field.REORDER_POINT] for each in shoes] == ["4", "4", "4"]


def test_the_warehouse_edits_shelf_and_reorder_point_and_support_nothing(shop: Shop) -> None:
    shoe = shop.variant(sku=sku(), price=10)
    assert len(edit(shop, shoe, "Wanda", shelf_place="B-1", reorder_point="2")) == 2
    for who, wanted in (("Wanda", {"price": "1"}), ("Wanda", {"shelf_place": "B-2", "size": "1"}),
                        ("Sam", {"shelf_place": "B-2"})):  # fmt: skip
        with pytest.raises(Forbidden):
            edit(shop, shoe, who, **wanted)
    with pytest.raises(StockError):
        edit(shop, shoe, "Carl", shelf_place="B-2", before=seen(shop, shoe))
    assert seen(shop, shoe)[Field.SHELF_PLACE] == "B-1"


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("reorder_point", "1.5", "Reorder point must be a whole number"),
        ("reorder_point", "1.000", "a thousand in some"),
        ("reorder_point", "1e2", "must be a whole number"), ("reorder_point", "-1", "must be at least 0"),
        ("price", "1.000", "a thousand in some"), ("price", "-3", "must be 0 to"),
        ("price", "12345678", "must be 0 to"), ("sku", " ", "SKU must not be empty"),
        ("product", "", "must not be empty"), ("active", "maybe", "neither yes nor"),
        ("picture", "http://shop.example/a.jpg", "https://"), ("picture", "javascript:alert(1)", "https://"),
        ("picture", "/picture/" + "0" * 64, "not kept here"), ("shelf_place", "x" * 41, "at most 40"),
        ("size", "4\u200b2", "control characters"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(shop: Shop, field: str, typed: str, why: str) -> None:
    shoe = shop.variant(sku=sku(), product=f"Shoe {uuid4().hex[:6]}", size="42")
    with pytest.raises(InvalidInput, match=why):
        edit(shop, shoe, **{field: typed})
    assert record(shop, shoe) == []


def test_a_product_is_not_given_the_name_of_another_and_an_unknown_variant_is_named(shop: Shop) -> None:
    name = f"Boot {uuid4().hex[:6]}"
    shop.variant(sku=sku(), product=name)
    shoe = shop.variant(sku=sku(), product=f"Shoe {uuid4().hex[:6]}")
    with pytest.raises(InvalidInput, match="another product"):
        edit(shop, shoe, product=name.upper())
    with pytest.raises(UnknownVariant):
        edit(shop, uuid4(), size="1", before={Field.SIZE: None})


def test_a_change_on_record_cannot_be_edited_or_deleted(shop: Shop) -> None:
    shoe = shop.variant(sku=sku())
    edit(shop, shoe, size="40")
    for statement in ("update stockroom.variant_changes set after = 'x'", "delete from stockroom.variant_changes"):
        with pytest.raises(Exception, match="stays on record"):
            shop.sql(statement)


# ---------------------------------------------------------------- the SKU


def test_a_renamed_sku_stays_a_code_and_the_ledger_keeps_its_text(shop: Shop) -> None:
    old, new = sku(), sku()
    shoe = shop.variant(4, sku=old)
    edit(shop, shoe, sku=new)
    found = shop.run(codes.find, "Wanda", text=old)
    assert (found.variant_id, found.sku, found.kind) == (shoe, new, "former_sku")
    assert {row.sku for row in shop.history(shoe)} == {old}
    shop.adjust(shoe, 1)
    assert [row.sku for row in shop.history(shoe)] == [old, new]
    assert ("sku", old, new, "Mia", "page") in record(shop, shoe)
    edit(shop, shoe, sku=old)  # back again
    assert shop.run(codes.find, "Wanda", text=old).kind == "sku"
    assert shop.run(codes.find, "Wanda", text=new).sku == old


def test_a_sku_is_not_renamed_to_what_means_another_variant(shop: Shop) -> None:
    other, former, ean = sku(), sku(), new_ean()
    boot = shop.variant(sku=former, barcode=ean)
    edit(shop, boot, sku=other)
    shoe = shop.variant(sku=sku())
    for taken in (other, other.lower(), former, ean, f"0{ean}"):
        with pytest.raises(InvalidInput, match="another variant"):
            edit(shop, shoe, sku=taken)
    assert record(shop, shoe) == []
    assert shop.run(codes.find, "Wanda", text=former).variant_id == boot


def test_of_two_who_want_one_new_sku_at_once_one_is_refused(shop: Shop) -> None:
    wanted, start = sku(), threading.Barrier(2)
    shoes = [shop.variant(sku=sku()) for _ in range(2)]
    done: list[object] = []

    def rename(shoe: UUID) -> None:
        before = seen(shop, shoe)
        start.wait()
        try:
            done.append(edit(shop, shoe, before=before, sku=wanted))
        except StockError as error:
            done.append(error)

    people = [threading.Thread(target=rename, args=(shoe,)) for shoe in shoes]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(isinstance(each, InvalidInput) for each in done) == [False, True]
