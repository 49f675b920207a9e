"""What to do about a kind of case or a failing check: the paragraphs of the README's runbook, where they are needed."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import streamlit as st

from dashboard.frame import links

README = Path(__file__).resolve().parents[2] / "README.md"


@lru_cache(maxsize=1)
def paragraphs() -> dict[str, str]:
    """Return the runbook: its introduction under an empty name, then each heading with what stands below it."""
    text = README.read_text(encoding="utf-8").partition("\n## Runbook\n")[2].partition("\n## ")[0]
    introduction, *parts = re.split(r"^### (.+)\n", text, flags=re.MULTILINE)
    return {"": _flowing(introduction)} | {
        name: _flowing(said) for name, said in zip(parts[::2], parts[1::2], strict=True)
    }


def about(name: str) -> str:
    """Return what to do about this: the name of a kind of case, or the code of a check such as R1."""
    found = [said for heading, said in paragraphs().items() if heading == name or heading.startswith(f"{name}:")]
    if len(found) != 1:
        raise LookupError(f"the runbook has nothing about {name}")
    return found[0]


def show(name: str) -> None:
    """Show what to do about a kind of case or a check, with the way to the whole runbook."""
    with st.expander("What to do", icon=":material/menu_book:", key=f"runbook_{name}"):
        st.markdown(about(name))
        links.to_page("runbook", "The whole runbook", icon=":material/menu_book:")


def show_all() -> None:
    """Show every paragraph under its heading."""
    for name, said in paragraphs().items():
        if name:
            st.subheader(name, anchor=re.sub(r"\W+", "-", name.lower()).strip("-"))
        st.markdown(said)


def _flowing(text: str) -> str:
    """Join the lines of each paragraph: a page breaks them where it is narrow."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
