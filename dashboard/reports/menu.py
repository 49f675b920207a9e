"""The list of reports, and the one that the address names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.foundation.model import Actor
from core.people.access import Permission, may
from core.reports.menu import REPORT, REPORTS
from dashboard.frame import links, lists
from dashboard.language.said import translated
from dashboard.language.texts import tr
from dashboard.reports import desk, instant, money, ordering
from dashboard.reports.cells import leave

__all__ = ["ENTRIES", "Entry", "leave", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A report as the page lists it: its name in the address, its title, what it means, and what draws it.

    `show` draws everything below title and explanation.
    """

    name: str
    title: str
    about: str
    show: Callable[[Actor], None]
    permission: Permission = Permission.VIEW


_OWN: dict[str, Callable[[Actor], None]] = {"to-order": ordering.show, "instant": instant.show}
"""The reports of core that have a page of their own shape."""
ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        *(
            Entry(
                name=report.name, title=report.title, about=report.about,
                show=_OWN.get(report.name) or partial(desk.show, report),
                permission=report.permission,
            )
            for report in REPORTS.values()
        ),
        Entry(
            name=money.NAME, title=money.TITLE, about=money.ABOUT, show=money.show, permission=Permission.EXPORT_ALL
        ),
    )
}  # fmt: skip
"""Every report, by its name, in the order of the list."""


def show(person: Actor) -> None:
    """Show the report that the address names, or the list of all."""
    entries = {name: entry for name, entry in ENTRIES.items() if may(person.role, entry.permission)}
    chosen = ENTRIES.get(st.query_params.get(REPORT, ""))
    if chosen is None:
        _show_list(tuple(entries.values()))
        return
    _show_choice(entries, chosen)
    st.header(translated(chosen.title), anchor=False)
    st.caption(translated(chosen.about))
    chosen.show(person)


def _show_list(entries: tuple[Entry, ...]) -> None:
    with st.grid(3, min_column_width=280, gap="small", key="rep_list"):
        for entry in entries:
            with st.container(border=True, height="stretch", gap="xsmall", key=f"rep_entry_{entry.name}"):
                links.to_page("reports", f"**{translated(entry.title)}**", **{REPORT: entry.name})
                st.caption(translated(entry.about))


def _show_choice(entries: dict[str, Entry], chosen: Entry) -> None:
    names = list(entries if chosen.name in entries else {chosen.name: chosen, **entries})
    with st.container(horizontal=True, vertical_alignment="center", key="rep_choice"):
        st.button(
            tr("All reports"), key="rep_all", icon=":material/arrow_back:", type="tertiary", on_click=lists.put,
            args=(REPORT, None),
        )  # fmt: skip
        desk.choose(
            tr("Report"), REPORT, {name: translated(ENTRIES[name].title) for name in names}, usual="", width=260
        )
