"""Views of Orders, Alerts, Counts and Deliveries in a mail: the numbers of their pages, and no buyer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, text

from core.alerts.reads import AlertFilter, CaseList
from core.database.engine import call
from core.deliveries import changes as deliveries
from core.deliveries import note
from core.foundation.model import Actor
from core.foundation.sales import AlertKind, AlertState
from core.orders import reads as orders
from core.orders.filter import OrderFilter, OrderState
from core.views import letters, mailing, pages, sales
from core.views.mailing import Claimed, Made
from core.views.sections import MOST_ROWS, Section
from tests.conftest import open_sample
from tests.core.counts import counting
from tests.support.builders import Shop, key
from tests.support.servers import Server

VIEWS = {
    "Orders": ("orders", ""),
    "Refunds": ("orders", "ord_view=Refunds%20to%20decide"),
    "Waiting": ("orders", "ord_view=Waiting%20for%20goods"),
    "Cases": ("alerts", ""),
    "All cases": ("alerts", "alr_state=All"),
    "Mine": ("alerts", "alr_state=Mine"),
    "Counts": ("counts", ""),
    "Plan": ("counts", "cnt_section=What%20to%20count%20next"),
    "Accuracy": ("counts", "cnt_section=Accuracy"),
    "Deliveries": ("deliveries", "del_state=All"),
}

PAID, PAYMENT = datetime(2026, 6, 5, 2, 5, tzinfo=UTC), "24.00 EUR of 5 Jun 2026, 04:05"
"""A payment, and its name in the shop's time zone."""


@pytest.fixture(scope="module")
def shop(embedded: Server) -> Iterator[Shop]:
    """The sample shop with its orders, refunds and cases, two counts and two deliveries."""
    for shop in open_sample(embedded):
        found = [row[0] for row in shop.rows("select id from public.product_variants order by sku limit 3")]
        done = counting.begin(shop, *found)
        for variant in found:
            counting.typed(shop, done, variant, shop.on_hand(variant))
        counting.finish(shop, done)
        counting.apply(shop, done)
        going = counting.begin(shop, *found, name="Tuesday")
        counting.typed(shop, going, found[0], 1)
        sku = shop.sql("select min(sku) from public.product_variants")
        lines = note.parse(f"{sku} 2\nZZ-9 3")
        late = {"reference": "LATE-1", "expected_on": date(2020, 1, 2)}
        shop.run(deliveries.announce, "Mia", supplier="Mill", lines=lines, original="x", key=key(), **late)
        shop.run(deliveries.begin, "Mia", reference="NOW-1", lines=lines, key=key())
        yield shop


def read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Made:
    """What Ada's mail with all these views has."""
    rows = [(nth, name, page, query) for nth, (name, (page, query)) in enumerate(VIEWS.items(), start=1)]

    def chosen(connection: Connection, statement: str, values: dict[str, Any]) -> Any:
        return rows if "views_to_mail" in statement else call(connection, statement, values)

    monkeypatch.setattr(mailing, "call", chosen)
    who = shop.person("Ada")
    assert who.user_id is not None
    claimed = Claimed(
        mail_id=1, user_id=who.user_id, name=who.name, email="a@shop.example", role=who.role.value, stamp="x"
    )
    made: Made = shop.run(mailing.read, Actor(name="Worker"), claimed=claimed)
    return made


def facts(section: Section) -> dict[str, str]:
    return dict(section.facts)


def test_the_mail_has_the_numbers_of_the_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = read(shop, monkeypatch)
    assert made.left_out == 0
    found = {section.title: section for section in made.sections}
    assert list(found) == list(VIEWS)

    def of(sql: str) -> str:
        return f"{shop.sql(sql):,}"

    assert facts(found["Orders"])["Orders"] == of("select count(*) from stockroom.orders")
    assert facts(found["Refunds"])["Refunds"] == of("select refunds from stockroom_api.waiting")
    assert facts(found["Waiting"])["Lines"] == of("select count(*) from stockroom_api.waiting_lines")
    assert facts(found["All cases"])["Cases"] == of("select count(*) from stockroom_api.alert_keys")
    assert facts(found["Mine"])["Cases"] == "0"
    assert facts(found["Counts"]) == {"In progress": "1", "In review": "0", "Lines counted": "1 of 3"}
    assert [row[:2] for row in found["Counts"].rows] == [("Tuesday", "Counting"), ("Monday", "Applied")]
    assert facts(found["Accuracy"]) == {"Counts": "1", "Lines right": "100 %", "Units off": "0", "Net": "0"}
    assert facts(found["Deliveries"]) == {
        "Deliveries": "2", "Overdue": "1", "Units expected": "5", "Counted": "5", "Received": "0",
    }  # fmt: skip
    assert ("LATE-1", "Mill", "Overdue", "2 Jan 2020", "5", "0", "0") in found["Deliveries"].rows
    assert len(found["Orders"].rows) == MOST_ROWS
    latest = "select stockroom_api.order_code(o) from stockroom.orders o order by paid_at desc, id desc limit 1"
    assert found["Orders"].rows[0][0] == shop.sql(latest)
    assert found["Orders"].more == shop.sql("select count(*) from stockroom.orders") - MOST_ROWS
    for section in made.sections:
        assert all(len(row) == len(section.columns) for row in section.rows), section.title
    empty = {section.title for section in made.sections if not section.rows}
    assert empty <= {"Mine", "Waiting"}
    assert {"Refunds", "Cases", "Plan"}.isdisjoint(empty)


def test_no_mail_names_a_buyer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sql("update stockroom.orders set number = name || ' 7' where id = (select max(id) from stockroom.orders)")
    made = read(shop, monkeypatch)
    letter = letters.letter(made.sections, mail_id="1", shop=made.shop, left_out=0, public_url="https://stock.example")
    names = {text for row in shop.rows("select name, email from stockroom.orders") for text in row if text}
    assert names
    assert [name for name in names if name.casefold() in letter.text.casefold()] == []
    assert "@" not in letter.text
    assert letter.html.count("<h2") == len(VIEWS)


@pytest.mark.parametrize(
    ("number", "name", "email", "code"),
    [
        ("WEB-1042", "Ines Hart", "ines@web.example", "WEB-1042"),
        ("hart-7", "Ines Hart", None, PAYMENT),
        ("ines7", None, "ines@shop.example", PAYMENT),
        ("Ring twice", None, None, PAYMENT),
        (None, None, None, PAYMENT),
    ],
)
def test_an_order_is_named_by_its_number_unless_that_may_name_its_buyer(
    shop: Shop, number: str | None, name: str | None, email: str | None, code: str
) -> None:
    order = {"number": number, "name": name, "email": email, "id": shop.sql("select min(id) from stockroom.orders")}
    with shop.owner.connect() as connection:
        changes = "number = :number, name = :name, email = :email, amount = 2400, currency = 'eur', paid_at = :paid"
        connection.execute(text(f"update stockroom.orders set {changes} where id = :id"), order | {"paid": PAID})
        found = orders.codes(connection, Actor(name="Worker"), order_ids=[order["id"], None])
    assert found == {order["id"]: code}


def test_a_mail_reads_the_filters_of_the_pages() -> None:
    asked = pages.parameters("ord_q=%20ines&ord_state=Refunded%20in%20part&ord_from=2026-11-02&ord_to=never")
    assert sales.order_filter(asked) == OrderFilter(
        search="ines", state=OrderState.REFUNDED_IN_PART, since=date(2026, 11, 2)
    )
    assert sales.case_filter({}, 7) == AlertFilter(list=CaseList.FAILED)
    mine = sales.case_filter(pages.parameters("alr_state=Mine&alr_kind=Dispute&alr_kind=Low%20stock"), 7)
    assert mine == AlertFilter(assigned_to=7, kinds=(AlertKind.DISPUTE, AlertKind.LOW_STOCK)), "in every list"
    done = sales.case_filter(pages.parameters("alr_list=Levels&alr_state=Resolved"), 7)
    assert done == AlertFilter(list=CaseList.LEVELS, states=(AlertState.RESOLVED,))


def test_every_page_with_a_list_is_mailed() -> None:
    assert set(pages.PAGES) - set(pages.MAILED) == {"overview", "reconciliation"}
