"""What to do about a kind of case or a failing check: the paragraphs of `docs/runbook.md`, shown where they apply."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import streamlit as st

from dashboard.frame import links
from dashboard.language.texts import tr

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"


@lru_cache(maxsize=1)
def paragraphs() -> dict[str, str]:
    """Return the runbook: its introduction under an empty name, then each heading with its text."""
    introduction, *parts = re.split(r"^## (.+)\n", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": _flowing(introduction.partition("\n")[2])} | {
        name: _flowing(text) for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


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
            st.subheader(name, anchor=re.sub(r"\W+", "-", name.lower()).strip("-"))
        st.markdown(text)


def _flowing(text: str) -> str:
    """Join the lines of each paragraph, so that the page wraps them at its own width."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
