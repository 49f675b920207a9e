"""What to do about a kind of case or a failing check: the paragraphs of `docs/runbook.md`, shown where they apply.

Another language has a runbook beside its catalogue. The names of cases and the labels in italics are English there, and
are shown as the pages show them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import streamlit as st

from dashboard.frame import links
from dashboard.language.reader import reader
from dashboard.language.texts import LOCALE, tr

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"


def paragraphs() -> dict[str, str]:
    """Return the reader's runbook: its introduction under an empty name, then each heading with its text."""
    return _read(reader().language)


@lru_cache
def _read(language: str) -> dict[str, str]:
    own = LOCALE / language / "runbook.md"
    text = (own if own.is_file() else RUNBOOK).read_text(encoding="utf-8")
    introduction, *parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    found = {"": introduction.partition("\n")[2], **dict(zip(parts[::2], parts[1::2], strict=True))}
    flowing = {name: _flowing(text) for name, text in found.items()}
    return {name: _labelled(text) for name, text in flowing.items()} if own.is_file() else flowing


def about(name: str) -> str:
    """Return what to do about `name`: a kind of case, or the code of a check such as R1. Raises LookupError."""
    found = [text for heading, text in paragraphs().items() if heading == name or heading.startswith(f"{name}:")]
    if len(found) != 1:
        raise LookupError(tr("the runbook has nothing about {name}", name=name))
    return found[0]


def show(name: str) -> None:
    """Show what to do about a kind of case or a check, with a link to the whole runbook."""
    with st.expander(tr("What to do"), icon=":material/menu_book:", key=f"runbook_{name}"):
        st.markdown(about(name))
        links.to_page("runbook", tr("The whole runbook"), icon=":material/menu_book:")


def show_all() -> None:
    """Show every paragraph under its heading."""
    for name, text in paragraphs().items():
        if name:
            st.subheader(tr(name), anchor=re.sub(r"\W+", "-", name.lower()).strip("-"))
        st.markdown(text)


def _labelled(text: str) -> str:
    return re.sub(r"(?<!\*)\*([^*`]+)\*(?!\*)", lambda match: f"*{tr(match[1])}*", text)


def _flowing(text: str) -> str:
    """Join the lines of each paragraph, so that the page wraps them at its own width."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
