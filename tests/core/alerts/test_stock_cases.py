"""A low level opens a case when it reaches the reorder point, and the case closes when it is above it again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.alerts import handling
from core.alerts import reads as alerts
from core.alerts.reads import AlertFilter, Event
from core.catalog import imports as catalog
from core.database.engine import sqlstate
from core.foundation.model import Line
from core.foundation.sales import AlertKind
from core.ledger import changes as ledger
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelStatus
from tests.races.crowd import at_once, split
from tests.support.builders import PastLine, Shop, key

MIGRATION = Path(alerts.__file__).parents[1] / "migrations" / "versions" / "0014_stock_cases.sql"


def cases(shop: Shop, variant_id: UUID) -> list[tuple[str, str, str]]:
    """Kind, severity and state of each case of a variant, oldest first."""
    rows = shop.rows(
        "select kind, severity, state from stockroom.alerts where cause = 'stock:' || :id order by id", id=variant_id
    )
    return [tuple(row) for row in rows]


def case(shop: Shop, variant_id: UUID) -> alerts.Alert:
    """The latest case of a variant."""
    found = shop.sql("select max(id) from stockroom.alerts where cause = 'stock:' || :id", id=variant_id)
    row: alerts.Alert = shop.run(alerts.get, "Wanda", alert_id=found)
    return row


def steps(shop: Shop, variant_id: UUID) -> list[Event]:
    return [row.what for row in shop.run(alerts.history, "Wanda", alert_id=case(shop, variant_id).alert_id)]


def sku_of(shop: Shop, variant_id: UUID) -> str:
    return str(shop.sql("select sku from public.product_variants where id = :id", id=variant_id))


def change(shop: Shop, variant_id: UUID, **columns: Any) -> None:
    """Change the catalogue of a variant through its import."""
    names = ",".join(columns)
    values = ",".join(str(value) for value in columns.values())
    content = f"sku,product,{names}\n{sku_of(shop, variant_id)},Canvas shoe,{values}\n".encode()
    shop.run(catalog.import_catalog, "Mia", content=content, file_name="catalog.csv", key=key())


LOW, OUT = ("low_stock", "note", "open"), ("out_of_stock", "warning", "open")


def test_a_level_that_falls_to_its_reorder_point_opens_a_case_that_says_which_movement_did_it(shop: Shop) -> None:
    shoe = shop.variant(10, reorder_point=5, size="42", sku=f"LOW-{uuid.uuid4().hex[:8]}")
    shop.adjust(shoe, -4)
    assert cases(shop, shoe) == []
    posted = shop.adjust(shoe, -1, reason="damaged")
    assert cases(shop, shoe) == [LOW]
    found = case(shop, shoe)
    assert found.sentence == f"{sku_of(shop, shoe)}, Canvas shoe size 42: 5 on hand, reorder at 5"
    assert (found.variant_id, found.units, found.money) == (shoe, 0, 0)
    said = {name: found.facts[name] for name in ("level", "reorder_point", "movement_id", "quantity", "reason")}
    assert said == {"level": 5, "reorder_point": 5, "movement_id": posted.movements[0].movement_id, "quantity": -1,
                    "reason": "damaged"}  # fmt: skip
    assert found.facts["performed_by"] == "Wanda"
    shop.adjust(shoe, -2)
    assert (cases(shop, shoe), case(shop, shoe).seen) == ([LOW], 1), "falling further is not another crossing"
    assert case(shop, shoe).sentence.endswith("size 42: 3 on hand, reorder at 5"), "the level of today"
    (opened,) = shop.run(alerts.history, "Wanda", alert_id=found.alert_id)
    assert opened.note == f"{sku_of(shop, shoe)}, Canvas shoe size 42: down to 5, reorder at 5", "the level of then"


def test_the_last_unit_makes_the_case_graver_and_the_first_that_is_back_makes_it_lighter(shop: Shop) -> None:
    shoe = shop.variant(4, reorder_point=5)
    assert cases(shop, shoe) == [LOW]
    shop.adjust(shoe, -4)
    assert cases(shop, shoe) == [OUT]
    assert case(shop, shoe).sentence.endswith(": out of stock, reorder at 5")
    shop.adjust(shoe, 2)
    assert cases(shop, shoe) == [LOW]
    assert case(shop, shoe).sentence.endswith(": 2 on hand, reorder at 5")
    assert steps(shop, shoe) == [Event.OPENED, Event.WORSENED, Event.EASED]


def test_receiving_enough_ends_the_case_at_once_and_falling_again_opens_another(shop: Shop) -> None:
    shoe = shop.variant(6, reorder_point=5)
    shop.adjust(shoe, -6)
    shop.run(ledger.receive, "Wanda", lines=[Line(variant_id=shoe, quantity=5)], key=key())
    assert cases(shop, shoe) == [LOW]
    shop.run(ledger.receive, "Wanda", lines=[Line(variant_id=shoe, quantity=1)], key=key())
    assert cases(shop, shoe) == [("low_stock", "note", "resolved")]
    ended = case(shop, shoe)
    assert (ended.resolved_by, ended.resolution) == ("Stockroom", "6 on hand, above the reorder point of 5.")
    shop.adjust(shoe, -6)
    assert cases(shop, shoe) == [("low_stock", "note", "resolved"), OUT]


def test_the_reorder_point_opens_and_ends_a_case_as_a_movement_does(shop: Shop) -> None:
    shoe = shop.variant(4, reorder_point=3)
    change(shop, shoe, reorder_point=4)
    assert cases(shop, shoe) == [LOW]
    assert "movement_id" not in case(shop, shoe).facts
    change(shop, shoe, reorder_point=6)
    assert case(shop, shoe).facts["reorder_point"] == 6
    change(shop, shoe, reorder_point=3)
    assert cases(shop, shoe) == [("low_stock", "note", "resolved")]
    shop.adjust(shoe, -1)
    change(shop, shoe, reorder_point=0)
    assert case(shop, shoe).resolution == "It has no reorder point any more."


def test_an_inactive_variant_has_no_case(shop: Shop) -> None:
    shoe = shop.variant(2, reorder_point=3)
    change(shop, shoe, active="no")
    assert case(shop, shoe).resolution == "The variant is inactive."
    shop.adjust(shoe, -2)
    assert len(cases(shop, shoe)) == 1
    change(shop, shoe, active="yes")
    assert cases(shop, shoe)[1:] == [OUT]


def test_without_a_reorder_point_nothing_is_low_and_what_never_arrived_is_not_out(shop: Shop) -> None:
    free, awaited = shop.variant(1), shop.variant(0, reorder_point=5)
    shop.adjust(free, -1)
    change(shop, awaited, reorder_point=7)
    assert (cases(shop, free), cases(shop, awaited)) == ([], [])
    shop.adjust(awaited, 3)
    assert cases(shop, awaited) == [LOW], "what arrives in too small a number is low"


def test_what_a_person_resolved_stays_so_until_the_state_changes(shop: Shop) -> None:
    shoe = shop.variant(6, reorder_point=5)
    shop.adjust(shoe, -1)
    shop.run(handling.resolve, "Sam", alert_ids=[case(shop, shoe).alert_id], reason="Ordered by phone")
    shop.adjust(shoe, -1)
    change(shop, shoe, reorder_point=6)
    assert [row[2] for row in cases(shop, shoe)] == ["resolved"]
    shop.adjust(shoe, -4)
    assert cases(shop, shoe)[1:] == [OUT]


def test_a_past_that_comes_in_as_a_whole_is_judged_once_by_where_it_ends(shop: Shop) -> None:
    fine, low = shop.variant(0, reorder_point=5), shop.variant(0, reorder_point=5)
    at = datetime.now(UTC) - timedelta(days=9)
    moves = [8, -8, 9, -7, 9, -9, 20]
    lines = [(fine, quantity) for quantity in moves] + [(low, quantity) for quantity in (*moves, -18)]
    with shop.owner.begin() as connection:
        for n, (variant_id, quantity) in enumerate(lines):
            connection.execute(
                text("""select stockroom_api.post_lines(
                               stockroom_api.claim_operation(:key, 'test', :key, null, 'Past'), 'Past',
                               array[row (:variant, 'count', 'cycle_count', :q, :at, null, null, null,
                                          null)::stockroom.line])"""),
                {"key": key(), "variant": variant_id, "q": quantity, "at": at + timedelta(hours=n)},
            )
    assert cases(shop, fine) == []
    assert cases(shop, low) == [LOW]
    assert steps(shop, low) == [Event.OPENED]
    assert case(shop, low).facts["quantity"] == -18


def test_a_past_in_one_statement_that_ends_at_nothing_is_out_of_stock(shop: Shop) -> None:
    shoe = shop.variant(0, reorder_point=5)
    at = datetime.now(UTC) - timedelta(days=3)
    shop.post_past(
        *(PastLine(variant_id=shoe, quantity=q, occurred_at=at + timedelta(hours=n)) for n, q in enumerate((9, -2, -7)))
    )
    assert cases(shop, shoe) == [OUT]
    assert case(shop, shoe).facts["quantity"] == -7


def test_what_is_taken_back_leaves_no_case(shop: Shop) -> None:
    shoe = shop.variant(9, reorder_point=5)
    with shop.owner.connect() as connection:
        connection.execute(text("update public.product_variants set stock_quantity = 0 where id = :id"), {"id": shoe})
        connection.rollback()
    assert cases(shop, shoe) == []


def test_twenty_who_take_the_last_units_at_once_open_exactly_one_case(shop: Shop) -> None:
    shoe = shop.variant(20, reorder_point=10)
    results = at_once(*(lambda: shop.adjust(shoe, -1) for _ in range(20)))
    assert split(results)[1] == []
    assert cases(shop, shoe) == [OUT]
    assert steps(shop, shoe) == [Event.OPENED, Event.WORSENED]


def test_crossings_up_and_down_at_once_end_as_the_level_ends(shop: Shop) -> None:
    shoe = shop.variant(20, reorder_point=20)
    results = at_once(*(lambda quantity=quantity: shop.adjust(shoe, quantity) for quantity in (1, -1) * 10))
    assert split(results)[1] == []
    assert shop.on_hand(shoe) == 20
    assert cases(shop, shoe)[-1] == LOW
    assert [row for row in cases(shop, shoe)[:-1] if row[2] != "resolved"] == []


def test_the_dashboards_role_cannot_write_a_case_itself(shop: Shop) -> None:
    for statement in (
        "insert into stockroom.alerts (kind, severity, cause, sentence) values ('low_stock', 'note', 'stock:x', 'x')",
        "update stockroom.alerts set state = 'resolved'",
        "select stockroom.tell_stock_case(null, 0, true)",
        "select stockroom.end_stock_case(null)",
    ):
        with shop.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement))
        assert sqlstate(caught.value) == "42501"


def test_the_pages_and_the_cases_mean_the_same_by_low_and_out(fresh_shop: Shop) -> None:
    for n in range(8):
        fresh_shop.variant(n, reorder_point=3, sku=f"S-{n}")
        fresh_shop.variant(n + 1, sku=f"FREE-{n}")
    held = fresh_shop.variant(6, reorder_point=3, sku="HELD")
    fresh_shop.sql("update public.product_variants set reserved_quantity = 6 where id = :id", id=held)
    fresh_shop.adjust(fresh_shop.run(reports.find, "Mia", code="S-3").variant_id, -3)
    for status, kind in ((LevelStatus.LOW, "low_stock"), (LevelStatus.OUT, "out_of_stock")):
        page = fresh_shop.run(reports.levels, "Mia", filter=LevelFilter(status=status))
        listed = {row.sku for row in page.rows if row.movement_count}
        found = fresh_shop.run(alerts.page, "Mia", filter=AlertFilter(kinds=(AlertKind(kind),)))
        assert listed == {row.sku for row in found.rows}
    summary = fresh_shop.run(reports.summary, "Mia")
    assert (summary.low, summary.out_of_stock) == (2, 2), "S-1, S-2; S-3, and S-0 that never arrived"


def test_what_is_low_when_a_shop_is_migrated_has_its_case_at_once(fresh_shop: Shop) -> None:
    fresh_shop.sql(
        "alter table public.product_variants disable trigger product_variants_stock_state"
    )  # as it was before
    low, fine = fresh_shop.variant(2, reorder_point=5), fresh_shop.variant(9, reorder_point=5)
    awaited = fresh_shop.variant(0, reorder_point=5)
    assert cases(fresh_shop, low) == []
    fresh_shop.sql(MIGRATION.read_text(encoding="utf-8").partition("-- What is low already")[2].partition("\n")[2])
    assert (cases(fresh_shop, low), cases(fresh_shop, fine), cases(fresh_shop, awaited)) == ([LOW], [], [])
