"""`python -m core check-flow`: the ledger tested from end to end on a live shop, with nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import __main__ as core_main
from core.storefront.flow_check import Step, check_flow
from tests.support.builders import Shop

TABLES = (
    "public.products",
    "public.product_variants",
    "public.stock_movements",
    "stockroom.operations",
    "stockroom.orders",
    "stockroom.order_lines",
    "stockroom.refunds",
    "stockroom.refund_decisions",
    "stockroom.alerts",
    "stockroom.alert_history",
    "stockroom.variant_days",
    "stockroom.shop_days",
    "stockroom.audit",
)
FALSIFY = """
    create function public.falsify() returns trigger language plpgsql as $$ begin {body} return new; end $$;
    create trigger falsify before {event} on {table} for each row execute function public.falsify()"""


def rows(shop: Shop) -> list[int]:
    return [int(shop.sql(f"select count(*) from {table}")) for table in TABLES]


def failed(shop: Shop) -> Step:
    """The one step that fails; after it comes only the look whether anything is left."""
    steps = list(check_flow(shop.engine))
    (step,) = [step for step in steps if not step.holds]
    assert [each.title for each in steps[-2:]] == [step.title, "nothing of it is left"]
    return step


def falsify(shop: Shop, table: str, body: str, event: str = "insert") -> None:
    shop.sql(FALSIFY.format(table=table, body=body, event=event))


def test_every_step_passes_and_nothing_is_left(fresh_shop: Shop) -> None:
    fresh_shop.adjust(fresh_shop.variant(9), -2)
    before = rows(fresh_shop)
    steps = list(check_flow(fresh_shop.engine))
    assert [(step.title, step.holds) for step in steps] == [
        ("scratch variant", True), ("+5 received", True), ("sale of 1", True), ("restoration of 1", True),
        ("undo of the restoration", True), ("undo of the sale", True), ("undo of the receipt", True),
        ("level, chain and figures", True), ("nothing of it is left", True),
    ]  # fmt: skip
    assert steps[2].said == "5 -> 4, movement no. 2, hash verified"
    assert rows(fresh_shop) == before


def test_the_command_prints_each_step_and_exits_by_the_result(
    embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", embedded_shop.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", embedded_shop.owner_url)
    assert core_main.main(["check-flow"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "ok     +5 received: 0 -> 5, movement no. 1, hash verified"
    assert said[-1] == "ok     nothing of it is left: rolled back"
    falsify(embedded_shop, "public.stock_movements", "new.note := 'forged';")
    assert core_main.main(["check-flow"]) == 1
    assert "FAILS  +5 received: The hash of movement no. 1 does not follow" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("table", "event", "body", "title", "said"),
    [
        ("public.stock_movements", "insert", "if new.movement_type = 'sale' then new.note := 'forged'; end if;",
         "sale of 1", "The hash of movement no. 2 does not follow from the one before."),
        ("stockroom.order_lines", "update", "new.restored := 0;",
         "restoration of 1", "The order's line says 1 taken and 0 restored; it should be 1 and 1."),
        ("public.product_variants", "update", "new.stock_quantity := new.stock_quantity + 1;",
         "+5 received", "Movement no. 1 has quantity_before 1 instead of 0, quantity_after 6 instead of 5."),
        ("stockroom.variant_days", "insert or update", "new.purchase_in := 7;",
         "level, chain and figures", "The daily figures do not add up to what is on hand."),
        ("stockroom.order_lines", "insert", "raise exception 'no room';", "sale of 1", "no room"),
        ("stockroom.refunds", "insert", "return null;", "restoration of 1", "The order has 0 refunds instead of one."),
    ],
)  # fmt: skip
def test_a_falsified_step_is_reported_with_the_reason(
    fresh_shop: Shop, table: str, event: str, body: str, title: str, said: str
) -> None:
    falsify(fresh_shop, table, body, event)
    before = rows(fresh_shop)
    step = failed(fresh_shop)
    assert step.title == title
    assert said in step.said
    assert rows(fresh_shop) == before


def test_it_waits_for_no_other_transaction_and_none_waits_for_it(shop: Shop) -> None:
    shoe = shop.variant(100)

    def trade() -> None:
        for _ in range(20):
            shop.adjust(shoe, -1)

    # Checks wait three seconds at most for the lock of the catalogue. On a busy machine, more than two would time out.
    checking: list[Callable[[], object]] = [lambda: list(check_flow(shop.engine))] * 2
    with ThreadPoolExecutor(4) as crowd:
        trading = [crowd.submit(trade) for _ in range(2)]
        found = [crowd.submit(check) for check in checking]
        assert [step.said for check in found for step in check.result() if not step.holds] == []  # type: ignore[attr-defined]
        for each in trading:
            each.result()
    assert shop.on_hand(shoe) == 60
