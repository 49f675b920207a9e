"""Outside text in a real browser: what Streamlit draws of it is the text and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browsing import Desk, settle
from tests.support.dashboards import ROOT, free_port
from tests.support.outside.texts import HOSTILE

SCRIPT = """
import streamlit as st
from dashboard.frame import words
from tests.support.outside.texts import HOSTILE

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
"""
FOUND = """() => [...document.querySelectorAll("[class*=st-key-text_]")].map((box) => ({
    at: Number([...box.classList].find((name) => name.startsWith("st-key-text_")).slice(12)),
    texts: [...box.querySelectorAll("[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer]")]
        .map((each) => each.textContent),
    odd: [...box.querySelectorAll("[data-testid=stMarkdownContainer] *, [data-testid=stCaptionContainer] *")]
        .filter((each) => !["P", "STRONG"].includes(each.tagName) && (each.tagName !== "SPAN" || each.textContent))
        .map((each) => each.outerHTML),
}))"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    """The address of a page that draws every hostile text in every way."""
    script, port = tmp_path / "page.py", free_port()
    script.write_text(SCRIPT)
    options = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    options += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        next(line for line in process.stdout if "URL" in line)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def test_what_is_drawn_of_a_hostile_text_is_its_letters(desk: Desk, page: str) -> None:
    tab = desk.browser.new_page()
    tab.goto(page)
    tab.locator(f".st-key-text_{len(HOSTILE) - 1} [data-testid=stTable]").wait_for(timeout=60_000)
    settle(tab)
    found = tab.evaluate(FOUND)
    tab.context.close()
    assert len(found) == len(HOSTILE)
    for each in found:
        text = HOSTILE[each["at"]]
        assert each["odd"] == [], text
        drawn = {" ".join(said.split()) for said in each["texts"]}
        assert drawn == {text, f"{text}: {text}.", f"{text} and {text}"}
