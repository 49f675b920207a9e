"""A mail reads the address of a page as the page does, and draws in its colours."""

from __future__ import annotations

import tomllib

from core.ledger.flows import Group, Step
from core.views import flows, levels, pages, pictures
from dashboard.frame import charts, words
from dashboard.frame.links import PAGES
from dashboard.movements import chart as movement_chart
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


def test_every_page_that_can_be_a_view_exists_and_has_a_title() -> None:
    assert set(listing.TITLES) == set(pages.PAGES)
    assert [page for page in pages.PAGES if not (PAGES / f"{page}.py").is_file()] == []
    assert set(pages.MAILED) <= set(pages.PAGES)


def test_a_picture_has_the_colours_of_our_charts() -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    assert list(pictures.COLOURS) == theme["light"]["chartCategoricalColors"]
