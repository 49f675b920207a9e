"""Where unit costs come from, who sets them, and what two people at once do to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from core.adoption import adopt as adoption
from core.catalog import editing
from core.catalog.editing import Edit, Field
from core.foundation.errors import EditedMeanwhile, Forbidden, InvalidInput, KeyReused, SignInRequired
from core.foundation.model import Line
from core.ledger import changes as ledger
from core.proof import checks
from core.valuation import costs
from core.valuation.costs import CostLine
from tests.core.deliveries.test_deliveries import announce, post, scan
from tests.support.builders import Shop, key
from tests.support.servers import Server
from tests.support.sneakers import sneaker_shop


def average(shop: Shop, variant: UUID) -> Decimal | None:
    found: Decimal | None = shop.run(costs.average, "Sam", variant_id=variant)
    return found


def receive(shop: Shop, variant: UUID, units: int, cost: Any = None, actor: str = "Wanda", **values: Any) -> Any:
    line = Line(variant_id=variant, quantity=units, unit_cost=None if cost is None else Decimal(cost))
    return shop.run(ledger.receive, actor, lines=[line], **({"key": key()} | values))


def set_cost(shop: Shop, variant: UUID, cost: Any, seen: Any, actor: str = "Mia", **values: Any) -> Any:
    line = CostLine(variant_id=variant, unit_cost=Decimal(cost), seen=None if seen is None else Decimal(seen))
    return shop.run(costs.set_costs, actor, lines=[line], **({"key": key()} | values))


def faults(shop: Shop, variant: UUID) -> list[Any]:
    (proof,) = shop.run(checks.run_checks, "Mia", codes=["R13"])
    return [fault for fault in proof.faults if fault["variant_id"] == str(variant)]


def test_a_delivery_brings_the_cost_of_its_lines_and_its_undo_takes_it_away(shop: Shop) -> None:
    sku = key()[:10]
    variant = shop.variant(sku=sku, unit_cost=5)
    receive(shop, variant, 10)
    assert average(shop, variant) == 5, "that of the catalogue"
    delivery_id = announce(shop, f"{sku};10;8,50")
    scan(shop, delivery_id, sku, 10)
    posting = post(shop, delivery_id)
    assert posting is not None
    assert average(shop, variant) == Decimal("6.75")
    shop.adjust(variant, -3)
    shop.run(ledger.undo, "Wanda", movement_ids=[posting.movements[0].movement_id], key=key(), note="Wrong delivery")
    assert average(shop, variant) == 5, "as if it had never come"
    kinds = [(step.kind, step.source) for step in shop.run(costs.history, "Sam", variant_id=variant)]
    assert kinds == [("undone", "earlier"), ("received", "given"), ("received", "catalogue")]
    assert faults(shop, variant) == []


def test_a_cost_in_the_catalogue_makes_an_unknown_cost_known_and_changes_no_known_one(shop: Shop) -> None:
    variant = shop.variant(4)
    assert average(shop, variant) is None
    edit = Edit(variant_id=variant, field=Field.UNIT_COST, before=None, after="12.00")
    shop.run(editing.edit, "Mia", edits=[edit], key=key())
    assert average(shop, variant) == 12
    edit = Edit(variant_id=variant, field=Field.UNIT_COST, before="12.00", after="15.00")
    shop.run(editing.edit, "Mia", edits=[edit], key=key())
    assert average(shop, variant) == 12
    receive(shop, variant, 4)
    assert average(shop, variant) == Decimal("13.5")
    assert faults(shop, variant) == []


def test_of_two_managers_the_second_is_told_what_the_first_has_set(shop: Shop) -> None:
    variant = shop.variant(unit_cost=10)
    receive(shop, variant, 3)
    once = key()
    (first,) = set_cost(shop, variant, "11.2345", 10, key=once, note="Customs")
    assert (first.value_change, first.replayed) == (Decimal("3.70"), False)
    with pytest.raises(EditedMeanwhile) as told:
        set_cost(shop, variant, 12, 10, actor="Ada")
    assert [(each["field"], each["seen"], each["now"], each["by"]) for each in told.value.edited] == [
        ("unit_cost", "10", "11.2345", "Mia")
    ]
    assert average(shop, variant) == Decimal("11.2345")
    (again,) = set_cost(shop, variant, "11.2345", 10, key=once, note="Customs")
    assert (again.replayed, again.value_change) == (True, Decimal("3.70"))
    with pytest.raises(KeyReused):
        set_cost(shop, variant, 13, "11.2345", key=once)
    step = shop.run(costs.history, "Sam", variant_id=variant)[0]
    assert (step.kind, step.unit_cost, step.performed_by, step.note) == ("set", Decimal("11.2345"), "Mia", "Customs")
    for person, refused in (("Wanda", Forbidden), ("Sam", Forbidden), ("Carl", SignInRequired)):
        with pytest.raises(refused):
            set_cost(shop, variant, 1, "11.2345", actor=person)


@pytest.mark.parametrize(
    ("units", "cost", "why"),
    [(1, "-1", "must be between"), (1, "1.23456", "at most four decimals"), (1, "NaN", "must be an amount")],
)
def test_a_receipt_with_an_impossible_cost_is_refused(shop: Shop, units: int, cost: str, why: str) -> None:
    variant = shop.variant()
    with pytest.raises(InvalidInput, match=why):
        receive(shop, variant, units, cost)
    with pytest.raises(InvalidInput, match="belongs to a receipt"):
        receive(shop, shop.variant(5), -1, "3", reason="supplier_return")
    assert shop.on_hand(variant) == 0


def test_receipts_and_costs_of_several_people_at_once_follow_one_after_the_other(shop: Shop) -> None:
    variant = shop.variant(unit_cost=10)
    receive(shop, variant, 5)
    start = Barrier(3)

    def work(who: str) -> None:
        start.wait()
        for n in range(8):
            if who == "Mia":
                receive(shop, variant, 2, str(10 + n), actor=who)
            else:
                shop.adjust(variant, 1 if n % 2 else -1, who)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, ("Mia", "Wanda", "Ada")))
    found = shop.rows("select average, value from stockroom_api.variant_costs where variant_id = :id", id=variant)[0]
    assert found.value == round(shop.on_hand(variant) * found.average, 2)
    total = shop.sql(
        """select sum(value_change + revalued)
             from stockroom_api.movement_values('-infinity', 'infinity', array[cast(:id as uuid)])""",
        id=variant,
    )
    assert total == found.value
    assert faults(shop, variant) == []


def test_an_edited_cost_is_found(shop: Shop) -> None:
    sound, faulty = shop.variant(unit_cost=10), shop.variant(sku=(sku := key()[:10]), unit_cost=10)
    for variant in (sound, faulty):
        receive(shop, variant, 5, "12")
        receive(shop, variant, 5, "14")
    with shop.owner.begin() as connection:
        connection.exec_driver_sql("alter table stockroom.cost_steps disable trigger cost_steps_append_only")
        connection.exec_driver_sql(
            "update stockroom.cost_steps set unit_cost = 13 where variant_id = %s and sequence = 2", (faulty,)
        )
        connection.exec_driver_sql("alter table stockroom.cost_steps enable trigger cost_steps_append_only")
    assert faults(shop, sound) == []
    assert [(fault["sku"], fault["variant_sequence"], fault["fault"]) for fault in faults(shop, faulty)] == [
        (sku, 2, "average")
    ]


@pytest.mark.slow
def test_a_shop_that_moved_in_has_costs_like_any_other(supabase_server: Server) -> None:
    with sneaker_shop(supabase_server) as old:
        adoption.adopt(old.url, mapping=["sneakers=none"])
        with old.shop() as shop:
            shoe = shop.sql("select id from public.product_variants where sku = 'DUN-42'")
            on_hand, before = shop.on_hand(shoe), average(shop, shoe)
            receive(shop, shoe, 10, "40")
            expected = Decimal(40) if before is None else (round(on_hand * before, 2) + 400) / (on_hand + 10)
            assert abs((average(shop, shoe) or 0) - expected) < Decimal("1e-15")
            posted = receive(shop, shoe, 1, "90").movements[0].movement_id
            shop.run(ledger.undo, "Wanda", movement_ids=[posted], key=key(), note="Typo")
            assert abs((average(shop, shoe) or 0) - expected) < Decimal("1e-15")
            set_cost(shop, shoe, 55, average(shop, shoe))
            assert average(shop, shoe) == 55
            (proof,) = shop.run(checks.run_checks, "Mia", codes=["R13"])
            assert proof.examples == ()
