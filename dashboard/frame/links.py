"""Links from one page to another, with the filters under which they open it, and links to whole lists as files."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.files import Format
from core.screens.lists import LISTS
from dashboard.door.downloads import EVERYTHING

PAGES = Path(__file__).resolve().parents[2] / "pages"


def to_page(name: str, label: str, *, icon: str | None = None, help: str | None = None, **query: str) -> None:  # noqa: A002
    """Draw a link to the page of that name; it opens in this tab without a reload."""
    st.page_link(PAGES / f"{name}.py", label=label, icon=icon, help=help, query_params=query or None)


def to_files(person: Actor, *names: str, label: str = "Files") -> None:
    """Draw the whole lists of these names as CSV and Parquet, those that the person may have; nothing if none."""
    allowed = [LISTS[name] for name in names if may(person.role, LISTS[name].permission)]
    if not allowed:
        return
    with st.popover(label, icon=":material/download:", key=f"files_{allowed[0].name}"):
        st.caption("Whole lists, without the filters of this page. Moments are in UTC.")
        for each in allowed:
            st.markdown(f"{each.title}: {_file(each.name, Format.CSV)}, {_file(each.name, Format.PARQUET)}")
        if may(person.role, Permission.EXPORT_ALL):
            st.markdown(f"Every list in one file: [ZIP](/download/{EVERYTHING})")


def _file(name: str, kind: Format) -> str:
    return f"[{'CSV' if kind is Format.CSV else 'Parquet'}](/download/{name}.{kind})"
