"""The views of a person as a list: open, rename, share, delete; and the page on which they begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.foundation.errors import StockError
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.reports.menu import REPORT, REPORTS
from core.views import pages, saved
from core.views.saved import LONGEST_NAME, View
from dashboard.door import session
from dashboard.frame import feedback, words
from dashboard.frame import page as frame
from dashboard.frame.feedback import Notice
from dashboard.language.said import label
from dashboard.language.texts import lazy, tr
from dashboard.views import side

TITLES = lazy(
    {
        "overview": "Overview",
        "stock": "Stock",
        "counts": "Counts",
        "deliveries": "Deliveries",
        "movements": "Movements",
        "reports": "Reports",
        "orders": "Orders",
        "alerts": "Alerts",
        "reconciliation": "Reconciliation",
    }
)
_START = "view_start"
TEXT_WIDTH = 320  # pixels; on a phone the buttons follow below


def show(found: Sequence[View], person: Actor, start: str | None) -> None:
    """Show the views of a person, those that others share, and the choice of the page on which they begin."""
    own, others = [view for view in found if view.is_own], [view for view in found if not view.is_own]
    st.subheader(tr("Your views"), anchor=False)
    if not own:
        frame.empty(
            tr("You have no views yet"),
            tr(
                "Open a list such as Stock or Movements, choose filters and columns, and press Save "
                "this view in the side bar."
            ),
            icon=":material/bookmarks:",
        )
    for view in own:
        with st.container(border=True, key=f"view_own_{view.view_id}"):
            _show_own(view)
    if others:
        st.subheader(tr("Shared by others"), anchor=False)
        st.caption(tr("A shared view opens with your own rights."))
    for view in others:
        with st.container(border=True, key=f"view_shared_{view.view_id}"):
            _show_shared(view, person)
    _show_start(found, start)


def _show_own(view: View) -> None:
    key, of_it = f"{view.view_id}_{view.version}", {"view_id": view.view_id, "version": view.version}
    row = st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"view_head_{view.view_id}"
    )
    with row, st.container(width=TEXT_WIDTH, gap="xxsmall", key=f"flush_view_{view.view_id}"):
        side.link(view)
        st.caption(words.plain(described(view)))
        if view.is_shared:
            st.badge(tr("Shared"), icon=":material/group:", color="blue")
    with row, st.container(horizontal=True, width="content"):
        with st.popover(tr("Rename"), icon=":material/edit:", key=f"view_rename_{key}"):
            with st.form(f"view_rename_form_{key}", border=False):
                st.text_input(tr("Name"), view.name, key=f"view_name_{key}", max_chars=LONGEST_NAME, required=True)
                st.form_submit_button(tr("Rename it"), key=f"view_rename_it_{key}", on_click=_rename, args=(view,))
        st.button(
            tr("Make private") if view.is_shared else tr("Share"),
            icon=":material/lock:" if view.is_shared else ":material/group:", key=f"view_share_{key}",
            on_click=act, args=(_shared(view), saved.share), kwargs={**of_it, "is_shared": not view.is_shared},
            help=tr("Everybody sees a shared view in the side bar and opens it with their own rights."),
        )  # fmt: skip
        st.button(
            tr("Delete"), icon=":material/delete:", key=f"view_delete_{key}", type="tertiary", on_click=_delete,
            args=(view,),
        )  # fmt: skip


def _shared(view: View) -> str:
    if view.is_shared:
        return tr("The view “{name}” is yours alone now.", name=view.name)
    return tr("The view “{name}” is shared with everybody.", name=view.name)


def _show_shared(view: View, person: Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"view_of_{view.view_id}"):
        with st.container(width="stretch", gap="xxsmall", key=f"flush_view_{view.view_id}"):
            side.link(view)
            st.caption(words.plain(tr("{view} Shared by {owner}.", view=described(view), owner=view.owner)))
        if may(person.role, Permission.WITHDRAW_VIEW):
            st.button(
                tr("Make private"),
                icon=":material/lock:",
                key=f"view_withdraw_{view.view_id}",
                type="tertiary",
                on_click=act,
                args=(
                    tr("The view “{name}” is listed for {owner} alone now.", name=view.name, owner=view.owner),
                    saved.withdraw,
                ),
                kwargs={"view_id": view.view_id},
                help=tr("Its owner keeps it."),
            )


def described(view: View) -> str:
    """Return the page and the filters of a view: Stock, Low, Tidewater. Columns are left out."""
    given = pages.parameters(view.query)
    filters = {name: each for name, each in given.items() if not name.endswith("_columns")}
    values = [
        value if name.endswith("_q") else label(value) for name, each in filters.items() for value in each if value
    ]
    report = REPORTS.get(pages.chosen(given, REPORT))
    named = [report.title if report and value == report.name else value for value in values]
    return f"{', '.join([TITLES.get(view.page, view.page), *named])}."


def _rename(view: View) -> None:
    name = str(st.session_state[f"view_name_{view.view_id}_{view.version}"] or "")
    act(
        tr("The view is called “{name}” now.", name=name.strip()),
        saved.rename,
        view_id=view.view_id,
        version=view.version,
        name=name,
    )


def _delete(view: View) -> None:
    def again() -> Notice:
        session.run(saved.save, name=view.name, page=view.page, query=view.query, is_shared=view.is_shared)
        return Notice(text=tr("The view “{name}” is back.", name=view.name))

    act(tr("The view “{name}” is deleted.", name=view.name), saved.delete, again, view_id=view.view_id)


def act(done: str, operation: Callable[..., Any], again: Callable[[], Notice] | None = None, **values: Any) -> None:
    """Run an operation of this page and show `done`, with Undo where `again` takes it back, or why it was refused."""
    shown = feedback.messages()
    try:
        session.run(operation, **values)
    except StockError as problem:
        shown.put(Notice(text="", problem=problem))
    else:
        shown.put(Notice(text=done, take_back=again))


# ---------------------------------------------------------------- where a person begins


def _show_start(found: Sequence[View], start: str | None) -> None:
    labels = {f"page:{name}": title for name, title in TITLES.items()}
    labels |= {f"view:{view.view_id}": view.name for view in found}
    now = next((f"view:{view.view_id}" for view in found if view.is_start), None)
    now = now or f"page:{(start or 'overview').partition('?')[0]}"
    st.subheader(tr("Start page"), anchor=False)
    st.caption(tr("The page after you sign in and at the address of the dashboard. Overview stays in the side bar."))
    key = f"{_START}_{now}"
    st.selectbox(
        tr("Begin on"), list(labels), list(labels).index(now) if now in labels else 0, labels.__getitem__, key=key,
        on_change=_begin_on, args=(key, labels), width=360,
    )  # fmt: skip


def _begin_on(key: str, labels: dict[str, str]) -> None:
    chosen = str(st.session_state[key])
    kind, _, name = chosen.partition(":")
    where = {"view_id": int(name)} if kind == "view" else {"page": name}
    act(tr("You begin on {labels} from now on.", labels=labels[chosen]), saved.begin_on, **where)
