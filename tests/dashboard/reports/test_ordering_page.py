"""What to order, as managers see it: each sum in words, and terms that are changed where they are seen."""

from __future__ import annotations

from datetime import timedelta

from core.foundation import days
from core.people.access import Permission, may
from dashboard.frame.words import MINUS, TIMES
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import ZONE, PastLine, Shop

__all__ = ["tabs"]


def sells_daily(shop: Shop, sku: str, product: str) -> None:
    """Add a variant that sold a pair a day on ten days; three are left."""
    variant = shop.variant(sku=sku, product=product, size="42")
    today = shop.sql("select today from stockroom_api.shop")
    begins = days.start(today - timedelta(days=10), ZONE) + timedelta(hours=9)
    moves = [(13, "purchase", "delivery"), *[(-1, "sale", "stock_decrease")] * 10]
    shop.post_past(
        *(
            PastLine(variant_id=variant, quantity=units, movement_type=kind, reason=reason,
                     occurred_at=begins + timedelta(days=max(n - 1, 0), minutes=n))
            for n, (units, kind, reason) in enumerate(moves)
        )
    )  # fmt: skip


def typed(tab: object, **values: str) -> None:
    for label, value in values.items():
        field(tab, "text_input", label.replace("_", " ")).set_value(value)  # type: ignore[arg-type]


def test_each_row_says_why_and_a_manager_changes_the_terms_where_they_are_seen(tabs: Tabs, embedded_shop: Shop) -> None:
    sells_daily(embedded_shop, "RUN-42", "Runner")
    embedded_shop.variant(4, sku="STILL-1", product="Still")
    tab = tabs.open("Mia", "reports", report="to-order")
    shown = table(tab, "why")
    assert list(shown["sku"]) == ["RUN-42"]
    why = shown["why"][0].replace("\N{NO-BREAK SPACE}", " ")
    assert why.startswith(f"0.909 a day {TIMES} 44 days (14 lead time + 30 cover)")
    assert why.endswith(f"= 40 {MINUS} 3 available {MINUS} 0 expected = 37, rounded up to 37.")
    assert "1 variant to order" in words_of(tab)
    typed(tab, Supplier="House", Units_in_a_pack="12", Lead_time_in_days="soon")
    said = words_of(press(tab, "Save terms"))
    assert "Lead time in days must be a whole number" in said
    assert "Nothing was changed." in said
    typed(tab, Lead_time_in_days="20")
    press(tab, "Save terms")
    assert table(tab, "why")["why"][0].endswith(
        f"= 45.45 {MINUS} 3 available {MINUS} 0 expected = 42.45, in packs of 12: 48."
    )
    tab = tabs.open("Mia", "stock", sku="RUN-42")
    (facts,) = [each.value for each in tab.table if "Lead time" in each.value.index]
    assert list(facts.loc["Lead time"]) == ["20\N{NO-BREAK SPACE}days, of the shop"]
    typed(tab, Lead_time_in_days="5")
    press(tab, "Save terms")
    tab = tabs.open("Wanda", "reports", report="to-order", rep_every="true")
    assert set(table(tab, "why")["sku"]) == {"RUN-42", "STILL-1"}
    assert "Save terms" not in labels(tab)
    assert not may("warehouse", Permission.SET_ORDER_TERMS)


def test_of_two_open_pages_the_second_hears_what_the_first_saved_and_what_was_ordered_is_expected(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    sells_daily(embedded_shop, "RUN-42", "Runner")
    early = tabs.open("Ada", "reports", report="to-order")
    other = tabs.open("Mia", "reports", report="to-order")
    typed(other, Supplier="House")
    press(other, "Save terms")
    token = tabs.token("Ada")
    tabs.monkeypatch.setattr("dashboard.door.session.presented_token", lambda: token)
    typed(early, Supplier="Other")
    said = words_of(press(early, "Save terms"))
    assert "In the meantime: Mia changed supplier of The shop from empty to House. Nothing was changed." in said
    press(early, "Start from the new values")
    press(early, "Save terms")
    tab = tabs.open("Wanda", "reports", report="to-order", rep_supplier="Other")
    said = words_of(press(tab, "Create the delivery"))
    assert "Delivery 1 created" in said
    assert "There is nothing to order" in words_of(run(tab))
