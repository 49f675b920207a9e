"""Links from one page to another, with the filters under which they open it, and links to whole lists as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.columns import ListFile
from core.screens.files import Format
from core.screens.lists import LISTS
from dashboard.door.downloads import EVERYTHING
from dashboard.language.texts import tr

PAGES = Path(__file__).resolve().parents[2] / "pages"
VIEWS = PAGES / "you" / "views.py"


def begin(name: str, label: str, *, icon: str, is_main: bool = True, **query: str) -> None:
    """Draw the button that begins what is not there yet; it opens the page of that name."""
    key = f"begin_{name}_{'_'.join(query) or 'page'}"
    if st.button(label, key=key, icon=icon, type="primary" if is_main else "secondary"):
        st.switch_page(PAGES / f"{name}.py", query_params=query)


def to_files(person: Actor, *names: str) -> None:
    """Draw links to the whole lists of these names as CSV, Excel and Parquet, those that the person may have."""
    allowed = [LISTS[name] for name in names if may(person.role, LISTS[name].permission)]
    if allowed:
        unfolded(tr("Files"), f"files_{allowed[0].name}", lambda: _show_files(person, allowed))


def unfolded(label: str, key: str, show: Callable[[], None]) -> None:
    """Draw a button that unfolds what `show` draws. It is drawn when it is opened, without the rest of the page."""

    def box() -> None:
        folded = st.popover(label, icon=":material/download:", key=key, on_change="rerun")
        if folded.open:
            with folded:
                show()

    with st.container(width="content"):  # alone, a fragment takes a place of its own width, and may begin a new row
        st.fragment(box)()


def _show_files(person: Actor, files: Sequence[ListFile]) -> None:
    for each in files:
        with st.container(horizontal=True, gap="small", key=f"file_{each.name}"):
            about = tr(
                "{title}: the whole list, without the filters of this page. Moments are in UTC.", title=each.title
            )
            st.link_button(
                tr("{title}, CSV", title=each.title),
                f"/download/{each.name}.{Format.CSV}",
                type="tertiary",
                help=about,
            )
            st.link_button("Excel", f"/download/{each.name}.{Format.XLSX}", type="tertiary")
            st.link_button("Parquet", f"/download/{each.name}.{Format.PARQUET}", type="tertiary")
    to_everything(person)


def to_everything(person: Actor) -> None:
    """Draw a link to all lists in one file, for those who may have it."""
    if may(person.role, Permission.EXPORT_ALL):
        st.link_button(
            tr("Export every list"), f"/download/{EVERYTHING}", icon=":material/folder_zip:",
            help=tr("All lists as CSV and Parquet in one ZIP file. Large shops wait some minutes for it."),
        )  # fmt: skip


def to_page(name: str, label: str, *, icon: str | None = None, help: str | None = None, **query: str) -> None:  # noqa: A002
    """Draw a link to the page of that name; it opens in this tab without a reload."""
    st.page_link(to(name), label=label, icon=icon, help=help, query_params=query or None)


def to(name: str) -> Path | StreamlitPage:
    """Return what Streamlit's links take for the page of that name.

    Overview is the root for most people and not for those who begin elsewhere, so it is looked up for each link.
    """
    return PAGES / f"{name}.py" if name == "overview" else _made(name)


@cache
def _made(name: str) -> StreamlitPage:
    # Kept, because Streamlit looks for the file of each link on the disk and compares it with that of every page.
    return st.Page(PAGES / f"{name}.py", title=name, url_path=name.rpartition("/")[2])
