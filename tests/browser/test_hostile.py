"""Text from outside in a real browser: on every page it is drawn as text, and nothing of it is a link or markup."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Dialog

from core.foundation.model import Role
from tests.browser.browsing import Desk, open_desk, settle
from tests.browser.test_everybody import GO
from tests.conftest import open_sample
from tests.dashboard.outside.addresses import addresses
from tests.support.dashboards import ROOT, free_port
from tests.support.outside.shop import MARK, make_hostile
from tests.support.outside.texts import HOSTILE
from tests.support.people import new_person
from tests.support.servers import Server

SCRIPT = """
import streamlit as st
from dashboard.frame import charts, words
from tests.support.outside.texts import HOSTILE

st.set_page_config(layout="wide")
charts.show(charts.ranking({text: 1 for text in HOSTILE}, "units"), key="chart", alt="chart")
for at, text in enumerate(HOSTILE):
    said = words.plain(text)
    with st.container(key=f"text_{at}"):
        st.markdown(said)
        st.markdown(f"**{said}**: {said}.")
        st.caption(f"{said} and {said}")
        st.error(said)
        st.checkbox(said, key=f"check_{at}")
        st.button(said, key=f"button_{at}")
        st.table({said: said})
    with st.container(key=f"plain_{at}"):
        st.text(text)
        st.code(text, language=None)
        st.selectbox("One", [text], key=f"one_{at}")
        st.multiselect("Many", [text], [text], key=f"many_{at}")
        st.text_input("Typed", text, placeholder=text, key=f"typed_{at}")
"""
DRAWN = """() => [...document.querySelectorAll("[class*=st-key-text_]")].map((box) => ({
    at: Number([...box.classList].find((name) => name.startsWith("st-key-text_")).slice(12)),
    texts: [...box.querySelectorAll("[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer]")]
        .map((each) => each.textContent),
    odd: [...box.querySelectorAll("[data-testid=stMarkdownContainer] *, [data-testid=stCaptionContainer] *")]
        .filter((each) => !["P", "STRONG"].includes(each.tagName) && (each.tagName !== "SPAN" || each.textContent))
        .map((each) => each.outerHTML),
}))"""
NAMED = "() => [...document.querySelectorAll('.ytick text')].map((each) => each.textContent)"
LINKED = "() => [...document.querySelectorAll('[data-testid=stMain] :is(a, img, svg a)')].map((each) => each.outerHTML)"
# What is odd: a way out of this machine, or markup of a paragraph in which a text from outside is.
ODD = """([mark, own]) => [
    ...[...document.querySelectorAll("a[href], area[href]")]
        .filter((each) => !each.href.startsWith(own) && !each.href.startsWith("https://dashboard.stripe.com/")),
    ...[...document.querySelectorAll("img, iframe, embed, object, video, audio, source")]
        .filter((each) => each.src && !each.src.startsWith(own) && !each.src.startsWith("data:image/")),
    ...[...document.querySelectorAll("[onerror], [onload], [onmouseover], [href^='javascript:' i], [src='x']")],
    ...[...document.querySelectorAll("[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer]")]
        .filter((each) => each.textContent.toLowerCase().includes(mark))
        .flatMap((each) => [...each.querySelectorAll(
            "em, del, code, pre, li, blockquote, hr, img, a, sup, input, .katex, b, streamlit-help-icon, "
            + ":is(h1, h2, h3, h4, h5, h6):not([data-testid=stHeading] *)")]),
].map((each) => each.outerHTML.slice(0, 300))"""


MOST_OPENED = 4
"""So many cases, orders, movements are opened."""


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    """A dashboard of a shop in which every text from outside is hostile."""
    for shop in open_sample(embedded):
        make_hostile(shop)
        with open_desk(shop) as desk:
            yield desk


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The address of a page that draws every hostile text in every way."""
    script, port = tmp_path / "page.py", free_port()
    script.write_text(SCRIPT)
    options = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    options += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), *options],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        next(line for line in process.stdout if "URL" in line)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def line(text: str) -> str:
    """The text with single spaces, as a browser shows it."""
    return " ".join(text.split())


def test_what_is_drawn_of_a_hostile_text_is_its_letters(desk: Desk, page: str) -> None:
    tab = desk.browser.new_page()
    tab.goto(page)
    tab.locator(f".st-key-plain_{len(HOSTILE) - 1} input[type=text]").last.wait_for(timeout=60_000)
    tab.locator(".ytick text").last.wait_for()
    settle(tab)
    found, named, linked = tab.evaluate(DRAWN), tab.evaluate(NAMED), tab.evaluate(LINKED)
    tab.context.close()
    assert len(found) == len(HOSTILE)
    for each in found:
        text = HOSTILE[each["at"]]
        assert each["odd"] == [], text
        assert {line(said) for said in each["texts"]} == {text, f"{text}: {text}.", f"{text} and {text}"}
    assert sorted(map(line, named)) == sorted(HOSTILE)
    assert linked == []


def refuse(dialog: Dialog) -> None:
    """Fail if a script from outside runs."""
    raise AssertionError(dialog.message)


def test_no_page_has_a_link_an_image_or_markup_of_a_text_from_outside(desk: Desk) -> None:
    tab = desk.tab()
    tab.on("dialog", refuse)
    desk.enter(tab, new_person(desk.shop, Role.ADMIN, password=None))
    odd: dict[str, Any] = {}
    shown, opened = 0, Counter[str]()
    for name, query in addresses(desk.shop):
        kind = f"{name} {[each for each in query if query[each].isdecimal()]}"
        opened[kind] += 1
        if name == "scan" or (opened[kind] > MOST_OPENED and kind.endswith("']")):
            continue
        address = f"/{name.removeprefix('you/')}{f'?{urlencode(query)}' if query else ''}"
        tab.evaluate(GO, address)
        tab.wait_for_timeout(50)
        settle(tab)
        found = tab.evaluate(ODD, [MARK, desk.url])
        shown += MARK in tab.locator("[data-testid=stMain]").inner_text()
        if found:
            odd[address] = found
    assert odd == {}
    assert shown > 15
