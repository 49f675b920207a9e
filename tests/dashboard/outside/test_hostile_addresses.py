"""Hostile texts in the address and in the search fields: each page answers with a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

import pytest
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
from streamlit.testing.v1 import AppTest

from core.database import pool
from dashboard.frame import live
from tests.conftest import open_sample
from tests.dashboard.outside.addresses import PAGES, addresses
from tests.dashboard.outside.tracing import sent
from tests.dashboard.tabs import Tabs, field, press, run, words_of
from tests.support.builders import Shop
from tests.support.outside.texts import HOSTILE, SENDABLE
from tests.support.servers import Server

COMMON = frozenset(("movement", "q", "view", "view_opens"))
"""The parameters of every page: what is opened beside it, the text of its search field, and the view."""
TRIED = 6
"""How many texts are typed into each field."""


@pytest.fixture(scope="module")
def sample(embedded: Server) -> Iterator[Shop]:
    """The sample shop."""
    yield from open_sample(embedded)


@pytest.fixture
def tabs(sample: Shop, monkeypatch: pytest.MonkeyPatch) -> Tabs:
    """Tabs of the sample shop."""
    monkeypatch.setattr(pool, "engine", lambda *_: sample.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    return Tabs(shop=sample, monkeypatch=monkeypatch)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The parameters that the pages have read from their address so far."""
    names: set[str] = set()

    def noting(name: str) -> None:
        real = getattr(QueryParamsProxy, name)

        def note(proxy: QueryParamsProxy, key: str, *more: object) -> object:
            names.add(key)
            return real(proxy, key, *more)

        monkeypatch.setattr(QueryParamsProxy, name, note)

    for name in ("get", "get_all", "__getitem__", "__contains__"):
        noting(name)
    return names


def parameters(tab: AppTest, read: set[str]) -> list[str]:
    """The parameters of a page: those that it read, and those to which its widgets are bound."""
    return sorted(read | {said for field, said in sent(tab) if field.endswith(".query_param_key") and said})


def test_every_parameter_of_every_address_has_an_answer(tabs: Tabs, sample: Shop, read: set[str]) -> None:
    tried = 0
    found = addresses(sample)
    kinds = {(page, *query, *(each for each in query.values() if not each.isdecimal())): query for page, query in found}
    for (page, *_), query in kinds.items():
        read.clear()
        for name in parameters(tabs.open("Ada", page, **query), set(read)):
            said = words_of(tabs.open("Ada", page, **(query | {name: "a\0b"})))
            assert said or page == "scan", (page, query, name)
            tried += 1
    assert tried > 200


@pytest.mark.parametrize("page", PAGES)
def test_every_hostile_text_in_all_parameters_of_a_page_has_an_answer(tabs: Tabs, read: set[str], page: str) -> None:
    found = parameters(tabs.open("Ada", page), read)
    own = [name for name in found if name not in COMMON]
    for text in (*HOSTILE, *SENDABLE) if len(own) > 1 else SENDABLE:
        assert words_of(tabs.open("Ada", page, **dict.fromkeys(own or found, text))) or page == "scan"


@pytest.mark.parametrize("page", PAGES)
def test_every_field_that_searches_as_it_is_typed_has_an_answer(tabs: Tabs, page: str) -> None:
    tab = tabs.open("Ada", page)
    texts = cycle((*SENDABLE, *HOSTILE))
    for at in [at for at, each in enumerate(tab.text_input) if not each.proto.form_id]:
        for _ in range(TRIED):
            tab.text_input[at].set_value(next(texts))
            run(tab)
            tab.text_input[at].set_value("")
            run(tab)


@pytest.mark.parametrize("text", [*SENDABLE[:-1], *HOSTILE[::7]])
def test_the_search_field_of_every_page_has_an_answer(tabs: Tabs, text: str) -> None:
    tab = tabs.open("Ada", "movements")
    field(tab, "text_input", "Find an order, a buyer, a variant").set_value(text)
    said = words_of(press(tab, "Find"))
    assert "Nothing found" in said or "result" in said or "cannot be stored or searched for" in said, said
