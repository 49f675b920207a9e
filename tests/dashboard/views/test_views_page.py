"""Views: saved from a list, opened from the side bar, managed on a page; columns; where one begins; the mail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.settings import load_settings
from core.views import mailing, saved, schedule
from core.views.schedule import Rhythm
from dashboard.stock import listing as stock_list
from dashboard.views import mail
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import Shop
from tests.support.receivers import mailbox

__all__ = ["tabs"]


@pytest.fixture
def shop(embedded_shop: Shop) -> Shop:
    embedded_shop.variant(4, sku="A-1", product="Runner", reorder_point=9)
    embedded_shop.variant(40, sku="B-1", product="Boot")
    return embedded_shop


def side_bar(tab: AppTest) -> list[str]:
    return [link.proto.label for link in tab.sidebar.get("page_link")]


def save(tab: AppTest, name: str, *, shared: bool = False) -> AppTest:
    press(tab, "Save this view")
    field(tab, "text_input", "Name").set_value(name)
    if shared:
        field(tab, "toggle", "Share with everybody").set_value(True)
    return press(tab, "Save")


def use_account(monkeypatch: pytest.MonkeyPatch, mail_url: str | None) -> None:
    found = replace(load_settings(), mail_url=mail_url)
    for module in (mailing, mail):
        monkeypatch.setattr(module, "load_settings", lambda: found)


def test_a_list_is_saved_as_a_view_updated_and_listed_for_those_it_is_shared_with(tabs: Tabs, shop: Shop) -> None:
    tab = save(tabs.open("Mia", "stock", stk_status="Low", stk_columns="cover.product"), "Short", shared=True)
    assert "The view “Short” is saved." in words_of(tab)
    (kept,) = shop.run(saved.views, "Mia")
    assert (kept.page, kept.query) == ("stock", "stk_columns=cover.product&stk_status=Low")
    assert str(kept.view_id) in tab.query_params["view"]
    assert "Short" in side_bar(tab)
    tab.query_params["stk_columns"] = "product"
    press(tab, "Save this view")
    press(tab, "Update “Short”")
    assert shop.run(saved.views, "Mia")[0].query == "stk_columns=product&stk_status=Low"
    tab = tabs.open("Sam", "stock")
    assert "Short" in side_bar(tab)
    press(tab, "Save this view")
    assert "Update “Short”" not in labels(tab)
    assert "Save this view" not in labels(tabs.open("Ada", "settings"))


def test_a_link_to_a_view_replaces_the_filters_of_the_page_that_is_open(tabs: Tabs, shop: Shop) -> None:
    tab = tabs.open("Mia", "stock", stk_status="Low")
    assert list(table(tab, "available")["sku"]) == ["A-1"]
    tab.query_params.clear()
    tab.query_params["stk_sort"] = "By SKU"
    tab.query_params["view_opens"] = "1"
    run(tab)
    assert "view_opens" not in tab.query_params
    assert list(table(tab, "available")["sku"]) == ["A-1", "B-1"]


@pytest.mark.parametrize(("page", "columns", "shown"), [
    ("stock", "available.product.nonsense", ["sku", "available", "product"]),
    ("movements", "change.sku", ["change", "sku", "open"]),
])  # fmt: skip
def test_a_list_shows_the_chosen_columns_in_their_order(
    tabs: Tabs, shop: Shop, page: str, columns: str, shown: list[str]
) -> None:
    assert stock_list.COLUMNS == "stk_columns"
    tab = tabs.open("Sam", page, **{f"{page[:3].replace('sto', 'stk')}_columns": columns})
    assert list(table(tab, shown[0] if page == "stock" else "open").columns) == shown
    field(tab, "multiselect", "Columns in their order").set_value([])
    run(tab)
    assert len(table(tab, "sku").columns) > len(shown)


def test_on_an_older_page_a_deleted_view_is_neither_renamed_nor_shared(tabs: Tabs, shop: Shop) -> None:
    shop.run(saved.save, "Mia", name="Gone", page="movements", query="mov_type=Sale")
    older = tabs.open("Mia", "you/views")
    assert "Movements, Sale." in words_of(older)
    newer = tabs.open("Mia", "you/views")
    press(newer, "Delete")
    assert "The view “Gone” is deleted." in words_of(newer)
    field(older, "text_input", "Name").set_value("Kept")
    press(older, "Rename it")
    assert "it was deleted. Nothing was changed." in words_of(older)
    assert "You have no views yet" in words_of(older)
    press(newer, "Undo")
    assert [view.name for view in shop.run(saved.views, "Mia")] == ["Gone"]


def test_only_a_manager_makes_the_view_of_another_person_private(tabs: Tabs, shop: Shop) -> None:
    shop.run(saved.save, "Wanda", name="Shelf", page="stock", query="", is_shared=True)
    assert "Make private" not in labels(tabs.open("Sam", "you/views"))
    tab = press(tabs.open("Mia", "you/views"), "Make private")
    assert "The view “Shelf” is listed for Wanda alone now." in words_of(tab)
    assert "Shelf" not in side_bar(tab)


def test_a_person_begins_where_they_chose(tabs: Tabs, shop: Shop) -> None:
    tab = tabs.open("Sam", "you/views")
    field(tab, "selectbox", "Begin on").set_value("page:orders")
    run(tab)
    assert "You begin on Orders from now on." in words_of(tab)
    assert tabs.open("Sam").title[0].value == "Orders"
    assert tabs.open("Mia").title[0].value == "Overview"
    shop.run(saved.begin_on, "Sam")
    assert tabs.open("Sam").title[0].value == "Overview"


def test_the_mail_is_chosen_sent_now_and_stopped_with_the_outcome_said(
    tabs: Tabs, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_account(monkeypatch, None)
    assert "Overview and Reconciliation can be mailed" in words_of(tabs.open("Mia", "you/views"))
    shop.run(saved.save, "Mia", name="All", page="stock", query="")
    tab = tabs.open("Mia", "you/views")
    assert "has no mail account yet" in words_of(tab)
    field(tab, "multiselect", "Views").set_value(chosen(shop))
    press(tab, "Start the mail")
    assert shop.run(schedule.subscription, "Mia").rhythm is Rhythm.WEEKLY
    with mailbox() as box:
        use_account(monkeypatch, box.url)
        tab = press(tabs.open("Mia", "you/views"), "Send me one now")
        assert "The mail is on its way." in words_of(tab)
    assert len(box.got) == 1
    tab = press(tab, "Stop these mails")
    assert "The mails are stopped." in words_of(tab)
    assert not shop.run(schedule.subscription, "Mia").is_on
    assert "Stop these mails" not in labels(tab)


def chosen(shop: Shop) -> list[Any]:
    return [view.view_id for view in shop.run(saved.views, "Mia")]
