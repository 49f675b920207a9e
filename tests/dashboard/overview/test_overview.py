"""Overview: current stock, recent movements, and what needs attention."""

from __future__ import annotations

from core.foundation.errors import Unavailable
from dashboard.door import session
from dashboard.frame.words import MINUS
from tests.dashboard.tabs import Tabs, metric, run, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.selling import Sale, sell

__all__ = ["tabs"]


def test_the_numbers_on_top_are_those_of_the_shop(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=12, price=10, unit_cost=4)
    embedded_shop.variant(on_hand=2, reorder_point=3)
    embedded_shop.variant()
    embedded_shop.adjust(shoe, -2, reason="damaged")
    tab = tabs.open("Mia")
    assert metric(tab, "Units on hand") == "12"
    assert metric(tab, "Stock value") == "€100"
    said = words_of(tab)
    assert "1 out of stock" in said
    assert "1 low" in said
    assert "1 in stock" in said


def test_what_is_low_is_one_line_counted_by_product_below_the_failed_updates(tabs: Tabs, embedded_shop: Shop) -> None:
    for size in ("41", "42", "43"):
        embedded_shop.variant(on_hand=2, reorder_point=3, sku=f"LOW-{size}", product="Runner", size=size)
    embedded_shop.sql("update product_variants set product_id = (select id from products limit 1)")
    sell(embedded_shop, Sale(lines=[("OLD-A", 1)], more={"number": None, "name": "Ana Ruiz", "amount": 2400}))
    tab = tabs.open("Sam")
    labels = [link.proto.label.replace("**", "").replace("\N{NO-BREAK SPACE}", " ") for link in tab.get("page_link")]
    assert [label for label in labels if "failed" in label or "Ana" in label or "product" in label] == [
        "1 failed update",
        "Ana Ruiz, 24\\.00 USD",
        "1 product at a low level",
    ]
    assert "Variants: 3 low" in words_of(tab)


def test_the_chart_says_in_words_what_it_shows_and_has_its_table(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.adjust(embedded_shop.variant(on_hand=7), -3)
    tab = tabs.open("Mia")
    (chart,) = tab.get("plotly_chart")
    assert f"Purchases +7; Adjustments {MINUS}3" in chart.proto.alt
    tab.session_state["ovw_table"] = True
    flows = table(run(tab), "Units in")
    assert tuple(flows.iloc[0])[1:] == ("Purchases", 7, 0)


def test_the_period_is_in_the_address(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=1)
    tab = tabs.open("Mia", ovw_days="90 days")
    assert "in 90 days" in str([metric.proto.delta_description for metric in tab.metric])


def test_an_unknown_period_is_the_default_one(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=1)
    tab = tabs.open("Mia", ovw_days="'; drop table products; --")
    assert "in 30 days" in str([metric.proto.delta_description for metric in tab.metric])


def test_the_banner_says_that_it_is_sample_data_and_who_can_start_a_shop_of_their_own(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    embedded_shop.variant(on_hand=1)
    assert "Sample data." not in words_of(tabs.open("Mia"))
    embedded_shop.sql("update stockroom.shop set is_sample = true, name = 'Corner *Sneakers*'")
    said = words_of(tabs.open("Mia"))
    assert "Sample data. Corner Sneakers is made up" in said
    assert "An admin can start your own shop." in said
    assert "python -m" not in said


def test_what_somebody_else_posts_is_seen_without_a_reload(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(on_hand=5)
    tab = tabs.open("Mia")
    embedded_shop.adjust(shoe, 3, actor="Wanda")
    assert metric(run(tab), "Units on hand") == "8"


def test_a_person_whose_session_ended_sees_no_number(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=5)
    tab = tabs.open("Mia")
    embedded_shop.sql("update stockroom.sessions set revoked_at = now()")
    said = words_of(run(tab))
    assert "Your session has ended" in said
    assert "Units on hand" not in said


def test_a_deactivated_person_sees_nothing(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=5)
    assert "Units on hand" not in words_of(tabs.open("Carl"))


def test_a_database_out_of_reach_is_said_with_the_way_on(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=5)
    tab = tabs.open("Mia")

    def out_of_reach(*_: object, **__: object) -> None:
        raise Unavailable("The database cannot be reached. Try again in a moment.")

    tabs.monkeypatch.setattr(session, "run", out_of_reach)
    said = words_of(run(tab))
    assert "This page cannot be shown right now" in said
    assert "reloads by itself as soon as the database answers" in said
    assert "Units on hand" not in said
