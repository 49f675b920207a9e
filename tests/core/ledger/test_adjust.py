"""Adjusting: add units to or take units off a shelf by hand, for one variant or many, all or none."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from core.foundation.errors import Forbidden, InsufficientStock, SignInRequired, UnknownVariant
from core.foundation.model import Line, MovementType
from core.ledger import changes as ledger
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds


def take(variant_id: Any, quantity: int) -> Line:
    return Line(variant_id=variant_id, quantity=-quantity)


def test_a_movement_says_who_did_what_to_which_level_and_why(shop: Shop) -> None:
    variant = shop.variant(10, sku=f"SHOE-{key()[:8]}")
    posting = shop.adjust(variant, -3, "Wanda", reason="damaged", note="  heel\nbroken  ")
    (posted,) = posting.movements
    assert (posted.movement_type, posted.reason) == (MovementType.ADJUSTMENT, "damaged")
    assert (posted.quantity, posted.quantity_before, posted.quantity_after) == (-3, 10, 7)
    assert posting.replayed is False
    row = shop.history(variant)[-1]
    assert (row.id, row.sku, row.operation_id) == (posted.movement_id, posted.sku, posting.operation_id)
    assert (row.performed_by, row.note) == ("Wanda", "heel\nbroken")
    assert row.occurred_at == row.created_at
    assert shop.on_hand(variant) == 7
    assert_holds(shop, variant)


def test_an_adjustment_touches_no_other_variant(shop: Shop) -> None:
    moved, still = shop.variant(5), shop.variant(5)
    before = shop.rows("select * from public.product_variants where id = :id", id=still)
    shop.adjust(moved, 2)
    assert shop.rows("select * from public.product_variants where id = :id", id=still) == before


def test_many_variants_are_adjusted_in_one_operation_in_the_order_given(shop: Shop) -> None:
    shoes = sorted((shop.variant(4) for _ in range(5)), reverse=True)
    posting = shop.run(ledger.adjust, "Mia", lines=[take(v, 1) for v in shoes], reason="sample", key=key())
    assert [posted.variant_id for posted in posting.movements] == shoes
    ids = [posted.movement_id for posted in posting.movements]
    assert ids == sorted(ids)
    assert [shop.on_hand(v) for v in shoes] == [3] * 5


def test_one_operation_is_one_statement_however_many_lines_it_has(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shoes = [shop.variant(3) for _ in range(4)]
    wanda, sent = shop.person("Wanda"), []
    execute = psycopg.Cursor.execute

    def note(cursor: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(arguments[0])
        return execute(cursor, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    shop.run(ledger.adjust, wanda, lines=[take(v, 1) for v in shoes], reason="sample", key=key())
    assert len(sent) == 1


def test_the_last_unit_can_be_taken_and_no_more(shop: Shop) -> None:
    variant = shop.variant(1)
    shop.adjust(variant, -1)
    assert shop.on_hand(variant) == 0
    with pytest.raises(InsufficientStock) as refused:
        shop.adjust(variant, -1)
    (short,) = refused.value.short
    assert (short["requested"], short["on_hand"], short["reserved"], short["available"]) == (1, 0, 0, 0)
    assert_holds(shop, variant)


def test_one_short_line_stops_all_the_others(shop: Shop) -> None:
    plenty, few, none = shop.variant(10), shop.variant(2), shop.variant(0)
    lines = [take(plenty, 1), take(few, 3), take(none, 1), Line(variant_id=plenty, quantity=5)]
    with pytest.raises(InsufficientStock) as refused:
        shop.run(ledger.adjust, "Wanda", lines=lines, reason="correction", key=key(), note="shelf check")
    assert {(short["requested"], short["on_hand"]) for short in refused.value.short} == {(3, 2), (1, 0)}
    assert [shop.on_hand(v) for v in (plenty, few, none)] == [10, 2, 0]
    assert [len(shop.history(v)) for v in (plenty, few, none)] == [1, 1, 0]


def test_the_same_shoe_on_two_lines_is_checked_together(shop: Shop) -> None:  # pains.md 2
    variant = shop.variant(10)
    with pytest.raises(InsufficientStock) as refused:
        shop.run(ledger.adjust, "Wanda", lines=[take(variant, 6), take(variant, 6)], reason="sample", key=key())
    (short,) = refused.value.short
    assert short["requested"] == 12
    assert shop.on_hand(variant) == 10


def test_the_same_shoe_on_two_lines_becomes_two_movements_in_a_row(shop: Shop) -> None:
    variant = shop.variant(10)
    posting = shop.run(ledger.adjust, "Wanda", lines=[take(variant, 6), take(variant, 4)], reason="sample", key=key())
    assert [(p.quantity_before, p.quantity_after, p.variant_sequence) for p in posting.movements] == [
        (10, 4, 2),
        (4, 0, 3),
    ]
    assert_holds(shop, variant)


def test_no_line_may_dip_below_zero_even_if_a_later_one_fills_up_again(shop: Shop) -> None:
    variant = shop.variant(2)
    dip = [take(variant, 3), Line(variant_id=variant, quantity=5)]
    with pytest.raises(InsufficientStock):
        shop.run(ledger.adjust, "Wanda", lines=dip, reason="correction", key=key(), note="swap")
    shop.run(ledger.adjust, "Wanda", lines=dip[::-1], reason="correction", key=key(), note="swap")
    assert shop.on_hand(variant) == 4
    assert_holds(shop, variant)


def test_units_held_for_a_checkout_are_not_taken_away_by_hand(shop: Shop) -> None:
    variant = shop.variant(10)
    shop.sql("update public.product_variants set reserved_quantity = 4 where id = :id", id=variant)
    with pytest.raises(InsufficientStock) as refused:
        shop.adjust(variant, -7)
    (short,) = refused.value.short
    assert (short["on_hand"], short["reserved"], short["available"]) == (10, 4, 6)
    shop.adjust(variant, -6)
    assert shop.on_hand(variant) == 4
    with pytest.raises(InsufficientStock):
        shop.adjust(variant, -1)
    shop.adjust(variant, 1)


def test_an_unknown_variant_among_known_ones_changes_nothing_and_is_named(shop: Shop) -> None:
    known = shop.variant(5)
    unknown = shop.sql("select gen_random_uuid()")
    with pytest.raises(UnknownVariant) as refused:
        shop.run(ledger.adjust, "Wanda", lines=[take(known, 1), take(unknown, 1)], reason="sample", key=key())
    assert refused.value.facts["variants"] == [str(unknown)]
    assert shop.on_hand(known) == 5


@pytest.mark.parametrize("person", ["Wanda", "Mia", "Ada"])
def test_the_roles_that_work_with_stock_may_adjust_it(shop: Shop, person: str) -> None:
    variant = shop.variant(5)
    shop.adjust(variant, -1, person)
    assert shop.history(variant)[-1].performed_by == person


def test_support_may_look_but_not_adjust(shop: Shop) -> None:
    variant = shop.variant(5)
    with pytest.raises(Forbidden) as refused:
        shop.adjust(variant, -1, "Sam")
    assert refused.value.facts["actor"] == "Sam"
    assert shop.on_hand(variant) == 5


def test_carl_whose_account_is_deactivated_may_nothing(shop: Shop) -> None:
    variant = shop.variant(5)
    with pytest.raises(SignInRequired):
        shop.adjust(variant, -1, "Carl")
    assert shop.on_hand(variant) == 5


@pytest.mark.parametrize(
    "ended", ["revoked_at = now()", "expires_at = now()", "user_id = (select min(id) from stockroom.users)"]
)
def test_an_ended_or_foreign_session_may_do_nothing(fresh_shop: Shop, ended: str) -> None:
    fresh_shop.person("Ada")
    variant = fresh_shop.variant(5)
    wanda = fresh_shop.person("Wanda")
    fresh_shop.sql(f"update stockroom.sessions set {ended} where id = :id", id=wanda.session_id)
    with pytest.raises(SignInRequired):
        fresh_shop.adjust(variant, -1, wanda)
    assert fresh_shop.on_hand(variant) == 5


def test_a_role_taken_away_ends_at_the_next_operation_not_at_the_next_sign_in(fresh_shop: Shop) -> None:
    variant, mia = fresh_shop.variant(5), fresh_shop.person("Mia")
    fresh_shop.adjust(variant, -1, mia)
    fresh_shop.sql("update stockroom.users set role = 'support' where id = :id", id=mia.user_id)
    with pytest.raises(Forbidden):
        fresh_shop.adjust(variant, -1, mia)
    assert fresh_shop.on_hand(variant) == 4


def test_the_name_on_a_movement_is_the_accounts_not_the_browsers(fresh_shop: Shop) -> None:
    variant, wanda = fresh_shop.variant(5), fresh_shop.person("Wanda")
    fresh_shop.sql("update stockroom.users set name = 'Wanda Smith' where id = :id", id=wanda.user_id)
    fresh_shop.adjust(variant, -1, wanda)
    assert fresh_shop.history(variant)[-1].performed_by == "Wanda Smith"


def test_hundreds_of_lines_are_one_operation_and_every_chain_is_intact(shop: Shop) -> None:
    shoes = [shop.variant(20) for _ in range(8)]
    lines = [Line(variant_id=v, quantity=q) for q in (3, -2, -1, 5) * 12 for v in shoes]
    posting = shop.run(ledger.adjust, "Wanda", lines=lines, reason="correction", key=key(), note="audit")
    assert len(posting.movements) == len(lines)
    for variant in shoes:
        assert shop.on_hand(variant) == 20 + 12 * 5
        assert_holds(shop, variant)
