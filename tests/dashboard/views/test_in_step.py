"""A mail reads the address of a page as the page does, and draws in its colours."""

from __future__ import annotations

import tomllib

from core.ledger.flows import Group, Step
from core.payloads.reading import KINDS
from core.views import flows, levels, mailing, pages, pictures, sales, warehouse
from dashboard.alerts import filters as case_filters
from dashboard.counts import parts as count_parts
from dashboard.deliveries import listing as delivery_list
from dashboard.deliveries import parts as delivery_parts
from dashboard.frame import charts, words
from dashboard.frame.links import PAGES
from dashboard.language import sales as said
from dashboard.language.texts import source
from dashboard.movements import chart as movement_chart
from dashboard.orders import listing as order_list
from dashboard.stock import listing as stock_list
from dashboard.views import listing
from tests.house.reading import ROOT


def test_core_knows_the_choices_of_the_pages_by_the_same_names() -> None:
    assert {label: status for status, label in levels.STATUSES.items()} == stock_list.STATUSES
    assert {label: sort for sort, label in levels.SORTS.items()} == stock_list.SORTS
    assert flows.TYPES == words.TYPE_LABELS
    for label, group in movement_chart._GROUP.options.items():
        assert flows.view_of({"mov_group": [label]}).group is group
    for step in Step:
        assert flows.view_of({"mov_step": [step.value.capitalize()]}).step is step
    assert flows.view_of({"mov_in": ["Money"]}).money
    assert set(flows.GROUPS) == set(Group)
    assert charts.GROUPS
    assert {label: state for state, label in sales.STATES.items()} == order_list.STATES
    assert {sales.REFUNDS, sales.WAITING} < set(order_list.VIEWS)
    assert sales.CASE_STATES == case_filters.STATES
    assert {label: each for each, label in sales.LISTS.items()} == case_filters.LISTS
    assert source(said.KINDS) == sales.KINDS
    assert set(said.STRIPE_EVENTS) == set(KINDS)
    assert source(count_parts.STATES) == warehouse.COUNT_STATES
    assert source(count_parts.SCOPES) == warehouse.SCOPES
    assert warehouse.DELIVERIES == delivery_list.VIEWS
    assert source(delivery_parts.STATES) == warehouse.DELIVERY_STATES


def test_every_page_that_can_be_a_view_exists_and_has_a_title() -> None:
    assert set(listing.TITLES) == set(pages.PAGES)
    assert [page for page in pages.PAGES if not (PAGES / f"{page}.py").is_file()] == []
    assert set(pages.MAILED) <= set(pages.PAGES)
    assert set(mailing.READERS) == set(pages.MAILED)


def test_a_picture_has_the_colours_of_our_charts() -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    assert list(pictures.COLOURS) == theme["light"]["chartCategoricalColors"]
