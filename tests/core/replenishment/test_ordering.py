"""What to order: each term of the sum, whose terms count, and the list for each supplier."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID

import pytest

from core.deliveries import changes as deliveries
from core.deliveries.note import NoteLine
from core.foundation import days
from core.foundation.csv_file import unprotected
from core.foundation.errors import EditedMeanwhile, Forbidden, InvalidInput, UnknownVariant
from core.ledger import holds
from core.ledger.holds import Wanted
from core.people.audit import What, recent_changes
from core.replenishment import orders, suggestions, terms
from core.replenishment.orders import Format
from core.replenishment.suggestions import NO_SUPPLIER, Method, Suggestion
from core.replenishment.terms import Edit, Term, Whose
from tests.conftest import open_fresh
from tests.support.builders import ZONE, PastLine, Shop, key
from tests.support.servers import Server

PERIOD = 90


@dataclass
class Desk:
    """A shop where ten pairs of each variant sold on ten days in stock, one a day."""

    shop: Shop
    today: date

    def variant(self, brand: str | None = None, left: int = 3) -> UUID:
        """Add a variant that sells a pair a day and has `left` pairs on the shelf."""
        variant = self.shop.variant()
        self.shop.sql(
            """update public.products p set brand = :brand from public.product_variants v
                where v.product_id = p.id and v.id = :id""",
            brand=brand, id=variant,
        )  # fmt: skip
        begins = days.start(self.today - timedelta(days=9), ZONE)
        moves = [(0, 10 + left, "purchase", "delivery"), *((n, -1, "sale", "stock_decrease") for n in range(10))]
        self.shop.post_past(
            *(
                PastLine(variant_id=variant, quantity=units, movement_type=kind, reason=reason,
                         occurred_at=begins + timedelta(days=n, minutes=place) - timedelta(hours=1 if n > 8 else 0))
                for place, (n, units, kind, reason) in enumerate(moves)
            )
        )  # fmt: skip
        return variant

    def set(self, who: str = "Mia", *, variant: UUID | None = None, brand: str | None = None, **values: str) -> None:
        """Set terms that were empty before."""
        edits = [
            Edit(term=Term(name), before=None, after=value, variant_id=variant, brand=brand)
            for name, value in values.items()
        ]
        self.shop.run(terms.edit, who, edits=edits, key=key())

    def all(self, *variants: UUID, **values: Any) -> tuple[Suggestion, ...]:
        """What to order of these variants."""
        found: tuple[Suggestion, ...] = self.shop.run(
            suggestions.suggest, "Wanda", since=self.today - timedelta(days=PERIOD - 1),
            until=self.today + timedelta(days=1), variant_ids=list(variants) or None, **values,
        )  # fmt: skip
        return found

    def one(self, variant: UUID) -> Suggestion:
        """What to order of one variant."""
        (row,) = self.all(variant)
        return row

    def expect(self, variant: UUID, units: int, day: date | None) -> int:
        """Announce a delivery of a variant."""
        sku = str(self.shop.sql("select sku from product_variants where id = :id", id=variant))
        line = NoteLine(line=1, code=sku, units=units, original="")
        created = self.shop.run(deliveries.announce, "Wanda", lines=[line], key=key(), expected_on=day)
        return int(created.delivery_id)


@pytest.fixture(scope="module")
def desk(server: Server) -> Iterator[Desk]:
    """A shop of its own for the whole file: each test has its own variants and brand."""
    for shop in open_fresh(server):
        yield Desk(shop=shop, today=shop.sql("select today from stockroom_api.shop"))


def test_a_suggestion_is_demand_over_lead_time_and_cover_less_what_is_there_and_what_comes(desk: Desk) -> None:
    variant = desk.variant(left=8)
    desk.set(variant=variant, lead_days="10", cover_days="21", pack_size="6")
    row = desk.one(variant)
    assert (row.method, row.rate, row.days_in_stock) == (Method.AVERAGE, Decimal(1), 10)
    assert (row.needed, row.available, row.expected, row.suggested) == (Decimal(31), 8, 0, 24)  # 23 in packs of 6
    in_time = desk.expect(variant, 5, desk.today + timedelta(days=31))
    desk.expect(variant, 50, desk.today + timedelta(days=32))
    row = desk.one(variant)
    assert (row.expected, row.expected_later, row.missing, row.suggested, row.packs) == (5, 50, Decimal(18), 18, 3)
    desk.shop.run(deliveries.cancel, "Mia", delivery_id=in_time, key=key())
    desk.expect(variant, 7, None)
    desk.expect(variant, 16, desk.today - timedelta(days=3))
    assert (desk.one(variant).expected, desk.one(variant).suggested) == (23, 0)


def test_held_units_are_not_available_and_nothing_is_asked_for_of_what_nobody_buys(desk: Desk) -> None:
    held, still = desk.variant(left=8), desk.shop.variant(4)
    desk.shop.run(holds.hold, items=[Wanted(variant_id=held, quantity=5)], key=key())
    assert desk.one(held).available == 3
    assert (desk.one(still).method, desk.one(still).suggested) == (Method.NONE, 0)


def test_the_most_specific_terms_count_field_by_field(desk: Desk) -> None:
    mine, sister, other = desk.variant("Alder"), desk.variant("Alder"), desk.variant("Birch")
    usual = desk.one(mine)
    assert (usual.lead_days, usual.cover_days, usual.pack_size, usual.supplier) == (14, 30, 1, None)
    assert {usual.lead_of, usual.cover_of, usual.pack_of, usual.supplier_of} == {Whose.USUAL}
    desk.set(supplier="House", lead_days="20")
    desk.set(brand="Alder", supplier="Alder AG", pack_size="12")
    desk.set(variant=mine, lead_days="3")
    said = {row.variant_id: row for row in desk.all(mine, sister, other)}
    assert [
        (row.supplier, row.supplier_of, row.lead_days, row.lead_of, row.pack_size, row.pack_of, row.cover_of)
        for row in (said[mine], said[sister], said[other])
    ] == [
        ("Alder AG", Whose.BRAND, 3, Whose.VARIANT, 12, Whose.BRAND, Whose.USUAL),
        ("Alder AG", Whose.BRAND, 20, Whose.SHOP, 12, Whose.BRAND, Whose.USUAL),
        ("House", Whose.SHOP, 20, Whose.SHOP, 1, Whose.USUAL, Whose.USUAL),
    ]
    for row in said.values():
        needed = row.rate * (row.lead_days + row.cover_days)
        packs = ((needed - row.available - row.expected) / row.pack_size).to_integral_value(ROUND_CEILING)
        assert row.suggested == max(packs, Decimal(0)) * row.pack_size
    own, counting = desk.shop.run(terms.of_variant, "Wanda", variant_id=mine)
    assert (own.lead_days, own.supplier, counting.supplier, counting.lead_of) == (3, None, "Alder AG", Whose.VARIANT)
    of_shop, *of_brands = desk.shop.run(terms.of_shop, "Wanda")
    assert (of_shop.supplier, of_shop.changed_by) == ("House", "Mia")
    assert [(each.brand, each.supplier) for each in of_brands] == [("Alder", "Alder AG")]
    reset = [Edit(term=Term.SUPPLIER, before="House", after=""), Edit(term=Term.LEAD_DAYS, before="20", after=None)]
    desk.shop.run(terms.edit, "Ada", edits=reset, key=key())
    assert desk.one(other).supplier_of is Whose.USUAL


def test_of_two_managers_with_the_same_page_the_second_sees_what_the_first_saved(desk: Desk) -> None:
    variant = desk.variant("Cedar")
    for who, brand, of in (("Mia", None, variant), ("Mia", "Cedar", None)):
        first = [Edit(term=Term.LEAD_DAYS, before=None, after="10", variant_id=of, brand=brand)]
        again = key()
        assert desk.shop.run(terms.edit, who, edits=first, key=again) is False
        assert desk.shop.run(terms.edit, who, edits=first, key=again) is True
        older = [
            Edit(term=Term.LEAD_DAYS, before=None, after="12", variant_id=of, brand=brand),
            Edit(term=Term.PACK_SIZE, before=None, after="6", variant_id=of, brand=brand),
        ]
        with pytest.raises(EditedMeanwhile) as refused:
            desk.shop.run(terms.edit, "Ada", edits=older, key=key())
        (news,) = refused.value.edited
        assert (news["field"], news["seen"], news["now"], news["wanted"]) == ("lead_days", None, "10", "12")
        assert news["by"] == "Mia"
        assert desk.one(variant).pack_size == 1, "nothing was saved"
        desk.shop.run(terms.edit, "Ada", edits=[older[1], *first], key=key())  # another term, and the same wish
        assert desk.one(variant).pack_size == 6
        desk.shop.run(terms.edit, "Ada", edits=[Edit(term=Term.PACK_SIZE, before="6", after="", variant_id=of,
                                                     brand=brand)], key=key())  # fmt: skip
    changes = desk.shop.run(recent_changes, "Ada", limit=20)
    said = [each for each in changes if each.what is What.ORDER_TERMS and each.subject == "Cedar"]
    assert [(each.performed_by, each.after) for each in said][-1] == ("Mia", {"lead_days": "10"})


def test_who_may_not_change_terms_and_what_is_no_term(desk: Desk) -> None:
    variant = desk.variant()
    edit = Edit(term=Term.LEAD_DAYS, before=None, after="10", variant_id=variant)
    for who in ("Wanda", "Sam"):
        with pytest.raises(Forbidden):
            desk.shop.run(terms.edit, who, edits=[edit], key=key())
    for term, typed in ((Term.LEAD_DAYS, "-1"), (Term.LEAD_DAYS, "soon"), (Term.PACK_SIZE, "0"),
                        (Term.COVER_DAYS, "9999"), (Term.SUPPLIER, "x" * 201), (Term.SUPPLIER, "a\0b")):  # fmt: skip
        with pytest.raises(InvalidInput):
            desk.shop.run(terms.edit, "Mia", edits=[Edit(term=term, before=None, after=typed, variant_id=variant)],
                          key=key())  # fmt: skip
    with pytest.raises(InvalidInput):
        desk.shop.run(terms.edit, "Mia", edits=[Edit(term=Term.PACK_SIZE, before=None, after="2", brand="Nobody")],
                      key=key())  # fmt: skip
    gone = Edit(term=Term.PACK_SIZE, before=None, after="2", variant_id=UUID(int=7))
    with pytest.raises(UnknownVariant):
        desk.shop.run(terms.edit, "Mia", edits=[gone], key=key())
    with pytest.raises(InvalidInput):
        desk.shop.run(terms.edit, "Mia", edits=[edit, edit], key=key())


def test_each_supplier_has_a_list_and_what_was_announced_is_not_suggested_again(desk: Desk) -> None:
    variants = [desk.variant("=Dogwood"), desk.variant("=Dogwood"), desk.variant("Elm"), desk.variant()]
    desk.set(brand="=Dogwood", supplier="=Dogwood & Søn", pack_size="10")
    desk.set(brand="Elm", supplier="Elm Ltd")
    rows = desk.all(*variants)
    assert orders.suppliers(rows) == ("=Dogwood & Søn", "Elm Ltd", NO_SUPPLIER)
    with zipfile.ZipFile(io.BytesIO(orders.for_each_supplier(rows, Format.CSV))) as archive:
        texts = {name: archive.read(name).decode("utf-8-sig").splitlines() for name in archive.namelist()}
    assert {name: len(lines) - 1 for name, lines in texts.items()} == {
        "order-dogwood-søn.csv": 2, "order-elm-ltd.csv": 1, "order-without-supplier.csv": 1
    }  # fmt: skip
    header, line, _ = (row.split(",") for row in texts["order-dogwood-søn.csv"])
    said = dict(zip(header, line, strict=True))
    assert unprotected(said["supplier"]) == "=Dogwood & Søn"
    assert (said["units"], said["packs"], said["needed"], said["available"]) == ("50", "5", "44.0", "3")
    mine, again = desk.all(*variants, supplier="=Dogwood & Søn"), key()
    made = [desk.shop.run(orders.announce, "Wanda", rows=mine, key=again) for _ in range(2)]
    assert made[0].delivery_id == made[1].delivery_id
    assert [row.expected for row in desk.all(*variants[:2])] == [50, 50]
    assert [row.suggested for row in desk.all(*variants[:2])] == [0, 0]
    due = desk.shop.sql("select expected_on from stockroom.goods_deliveries where id = :id", id=made[0].delivery_id)
    assert due == desk.today + timedelta(days=14)
    for wrong in ((), desk.all(*variants)):
        with pytest.raises(InvalidInput):
            desk.shop.run(orders.announce, "Wanda", rows=wrong, key=key())
    with pytest.raises(Forbidden):
        desk.shop.run(orders.announce, "Sam", rows=desk.all(*variants, supplier="Elm Ltd"), key=key())


def test_of_two_managers_who_save_at_the_same_moment_one_is_told(desk: Desk) -> None:
    variant = desk.variant()
    for who in ("Mia", "Ada"):
        desk.shop.person(who)
    start, told = threading.Barrier(2), []

    def save(who: str, days_: str) -> None:
        start.wait()
        try:
            desk.set(who, variant=variant, lead_days=days_)
            told.append("saved")
        except EditedMeanwhile as error:
            told.append(str(error.edited[0]["by"]))

    savers = [threading.Thread(target=save, args=each) for each in (("Mia", "10"), ("Ada", "20"))]
    for each in savers:
        each.start()
    for each in savers:
        each.join()
    assert desk.one(variant).lead_days in (10, 20)
    assert sorted(told) in (["Ada", "saved"], ["Mia", "saved"])
