"""Text from outside is text: nothing of it reaches a page where Streamlit would read it as Markdown, HTML or a link."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.database import pool
from dashboard.frame import live
from tests.conftest import open_sample
from tests.dashboard.outside.addresses import addresses
from tests.dashboard.outside.tracing import sent
from tests.dashboard.tabs import Tabs, run
from tests.support.builders import Shop
from tests.support.outside.shop import BEGINS, MARK, make_hostile
from tests.support.servers import Server

PLAIN = frozenset((
    "Text.body", "Code.code_text", "TextInput.default", "TextInput.placeholder", "TextInput.value", "TextArea.default",
    "Selectbox.options", "Selectbox.raw_value", "MultiSelect.options", "Dataframe.arrow_data.cell",
    "Dataframe.arrow_data.styler.cell", "Dataframe.columns.label", "PlotlyChart.alt", "Dataframe.alt",
))  # fmt: skip
"""The fields that the browser draws letter by letter: `tests/browser/test_hostile.py` looks."""
UNDRAWN = ("id", "form_id", "query_string", "query_param_key")
"""Parts of messages that name elements and addresses, and are not drawn."""
LEFT_ALONE = ("Sign out everywhere", "Test the connection", "Back up now", "Verify now")
"""Buttons that end the session, or begin work outside of the page."""


@pytest.fixture(scope="module")
def hostile(embedded: Server) -> Iterator[Shop]:
    """A shop with one of everything, in which every text from outside is hostile."""
    for shop in open_sample(embedded):
        make_hostile(shop)
        yield shop


@pytest.fixture(scope="module")
def tabs(hostile: Shop) -> Iterator[Tabs]:
    """Tabs of that shop."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(pool, "engine", lambda *_: hostile.engine)
        monkeypatch.setattr(live, "_answer", (0.0, 0))
        yield Tabs(shop=hostile, monkeypatch=monkeypatch)


@pytest.fixture(scope="module")
def texts(hostile: Shop, tabs: Tabs) -> list[tuple[str, str, str]]:
    """Each text from outside that a page sends: the address, the field and the text."""
    return [
        (f"{page} {query}", field, said)
        for page, query in addresses(hostile)
        for field, said in outside(tabs.open("Ada", page, **query))
    ]


def test_no_text_from_outside_is_read_as_markdown(texts: list[tuple[str, str, str]]) -> None:
    read = [each for each in texts if each[1] not in PLAIN and each[1] != "PlotlyChart.spec"]
    assert [each for each in read if MARK in each[2].casefold()] == []
    assert len({field for _, field, _ in read}) > 8, "the texts are there, and escaped"


def test_no_text_from_outside_is_read_as_html_by_a_chart(texts: list[tuple[str, str, str]]) -> None:
    drawn = [said for _, field, said in texts if field == "PlotlyChart.spec"]
    assert drawn
    assert [said for said in drawn if re.search("<(?!br>)|%{", said)] == []


def outside(tab: AppTest) -> list[tuple[str, str]]:
    """Each text from outside that a page sends, with its field."""
    return [
        (field, said)
        for field, said in sent(tab)
        if BEGINS in said.casefold() and field.rpartition(".")[2] not in UNDRAWN
    ]


@pytest.mark.slow
def test_no_message_after_an_action_reads_text_from_outside_as_markdown(hostile: Shop, tabs: Tabs) -> None:
    read: list[tuple[str, str, str, str]] = []
    tried: set[tuple[str, str]] = set()
    for page, query in addresses(hostile):
        drawn = tabs.open("Ada", page, **query)
        for button in drawn.button:
            name = button.label if BEGINS not in button.label else "one of many"
            if (page, name) in tried or button.label in LEFT_ALONE or button.disabled:
                continue
            tried.add((page, name))
            tab = tabs.open("Ada", page, **query)
            found = next((each for each in tab.button if each.label == button.label and not each.disabled), None)
            if found is None:  # an earlier action has ended what it was about
                continue
            for each in (*tab.text_input, *tab.text_area):
                if each.proto.form_id == found.proto.form_id and not each.disabled:
                    each.set_value(f"{MARK} <b> https://evil.example")
            found.click()
            run(tab)
            read += [
                (page, button.label, field, said)
                for field, said in outside(tab)
                if field not in PLAIN and field != "PlotlyChart.spec"
            ]
    assert [each for each in read if MARK in each[3].casefold()] == []
    assert len(tried) > 100
