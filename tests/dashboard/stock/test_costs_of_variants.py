"""The cost of a variant on its page, typed with a receipt or set by a manager, and money on the Reports page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dashboard.frame import words
from tests.dashboard.tabs import Tabs, field, labels, metric, press, run, table, tabs, words_of
from tests.support.builders import PastLine, Shop

__all__ = ["tabs"]


def acting(tabs: Tabs, who: str) -> None:
    token = tabs.token(who)
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)


def test_a_receipt_with_a_cost_moves_the_average_and_a_manager_corrects_it(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(4, sku="RUN-42", product="Runner")
    tab = tabs.open("Wanda", "stock", sku="RUN-42")
    assert "No cost is known" in words_of(tab)
    assert "Set the cost" not in labels(tab)
    field(tab, "text_input", "Units", 1).set_value("6")
    field(tab, "text_input", "Unit cost").set_value("61,5O")
    said = words_of(press(tab, "Receive"))
    assert 'Unit cost must be an amount such as 129.90, not "61,5O"' in said
    field(tab, "text_input", "Unit cost").set_value("61,50")
    said = words_of(press(tab, "Receive"))
    assert "€61.50 a unit on average, €615.00 for 10 units on hand" in said
    mia, ada = (tabs.open(who, "stock", sku="RUN-42") for who in ("Mia", "Ada"))
    acting(tabs, "Mia")
    field(mia, "text_input", "Unit cost", 1).set_value("60")
    said = words_of(press(mia, "Set the cost"))
    assert "RUN-42 costs €60.00 from now on." in said
    assert "€60.00 a unit on average, €600.00 for 10 units on hand" in said
    acting(tabs, "Ada")
    field(ada, "text_input", "Unit cost", 1).set_value("70")
    said = words_of(press(ada, "Set the cost"))
    assert "Mia changed unit cost of RUN-42 from 61.5" in said
    assert "to 60" in said
    embedded_shop.variant(1, sku="SOCK")
    overview = tabs.open("Mia", "overview")
    (value,) = [each for each in overview.metric if each.label == "Stock value"]
    assert value.delta == "€600 at cost"
    assert f"{words.plural(1, 'variant')} without a cost" in value.help


def test_managers_get_a_month_with_its_money_and_its_files(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(sku="RUN-42", product="Runner", unit_cost=10)
    today = embedded_shop.sql("select today from stockroom_api.shop")
    last = datetime(today.year, today.month, 1, tzinfo=UTC) - timedelta(days=5)
    embedded_shop.post_past(
        PastLine(variant_id=shoe, quantity=9, occurred_at=last, movement_type="purchase", reason="delivery"),
        PastLine(variant_id=shoe, quantity=-2, occurred_at=last, movement_type="adjustment", reason="damaged"),
    )
    tab = tabs.open("Mia", "reports", report="month")
    assert (metric(tab, "Purchases"), metric(tab, "Lost"), metric(tab, "At the end")) == ("€90", "€20", "€70")
    assert [each.proto.label for each in tab.get("download_button")] == ["As Excel", "As Parquet"]
    assert list(table(tab, "brand")["brand"]) == ["No brand"]
    tab = run(tabs.open("Mia", "reports", report="value", rep_period="last-month", rep_by="variant"))
    assert metric(tab, "Value") == "€70"
    assert "Month for the accountant" not in words_of(tabs.open("Wanda", "reports"))
