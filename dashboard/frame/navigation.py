"""The page list in the side bar, by role. Hiding a page is only a convenience: core checks every permission."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from html import escape
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.people.access import Permission, may
from core.people.accounts import SignedIn
from dashboard.door import session
from dashboard.frame import links, words
from dashboard.frame.links import PAGES
from dashboard.language import theirs
from dashboard.language.texts import marked, tr

SKIP = marked("Skip to the main action")
"""The first stop of the Tab key on every page."""
KEYS = marked(
    (
        "Keys", "Find an order, a buyer or a variant", "Decide the refund of the open order", "Adjust the open variant",
        "Receive", "Set the level", "Undo your last change, while its message is shown",
        "Open the row of a list that has the focus", "Show these keys", "Close",
    )
)  # fmt: skip
"""The texts of `dashboard/static/hands.js`."""


def choose(person: SignedIn, own: Callable[[SignedIn, StreamlitPage], None] | None = None) -> StreamlitPage:
    """Show the side bar of a signed-in person and return the page that the address names. `own` draws their views."""
    account = _page("you/account", tr("Your account"), "account_circle", hidden=True)
    views = st.Page(links.VIEWS, title=tr("Views"), icon=":material/bookmarks:", url_path="views", visibility="hidden")
    groups = _groups(person) | marked({"You": [account, views]})
    page = st.navigation({tr(name): pages for name, pages in groups.items()}, position="sidebar")
    st.set_page_config(page_title=tr("{title} · Stockroom", title=page.title))
    if own:
        own(person, page)
    _show_person(person, account)
    _tell_scripts(person)
    return page


def hide() -> None:
    """Show no page list, because nobody is signed in."""
    st.navigation([st.Page(lambda: None, title=tr("Signed out"))], position="hidden")


def _tell_scripts(person: SignedIn) -> None:
    """Tell the scripts in `dashboard/static` whose page it is, and their texts in the reader's language.

    A draft is given back to its author alone.
    """
    who, session_id = (_digest(str(id_)) for id_ in (person.actor.user_id, person.actor.session_id))
    texts = json.dumps({text: tr(text) for text in KEYS}, ensure_ascii=False)
    st.html(
        f'<span class="stockroom-person" data-person="{who}" data-session="{session_id}"'
        f' data-skip="{escape(tr(SKIP))}" data-texts="{escape(texts)}" data-theirs="{escape(theirs.words())}"'
        " hidden></span>"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _groups(person: SignedIn) -> dict[str, list[StreamlitPage]]:
    groups = marked(
        {
            "": [_page("overview", tr("Overview"), "dashboard", default=not person.start), *_start(person.start)],
            "Warehouse": [
                _page("stock", tr("Stock"), "inventory_2"),
                _page("scan", tr("Scan"), "barcode_scanner"),
                _page("counts", tr("Counts"), "checklist"),
                _page("deliveries", tr("Deliveries"), "local_shipping"),
                _page("movements", tr("Movements"), "swap_vert"),
            ],
            "Sales": [
                _page("reports", tr("Reports"), "query_stats"),
                _page("orders", tr("Orders"), "receipt_long"),
                _page("alerts", tr("Alerts"), "notifications"),
                _page("reconciliation", tr("Reconciliation"), "verified"),
            ],
        }
    )
    role = person.actor.role
    # Hidden, not absent: a person who follows a colleague's link reads that their role cannot view the page.
    hidden = not may(role, Permission.MANAGE_USERS)
    groups["Admin"] = [_page("settings", tr("Settings"), "settings", hidden=hidden)]
    groups["Admin"].append(_page("start", tr("Start my own shop"), "storefront", hidden=True))
    importing = may(role, Permission.IMPORT_CATALOG)
    groups["Sales"].append(_page("you/search", tr("Search"), "search", hidden=True))
    groups["Sales"].append(_page("runbook", tr("Runbook"), "menu_book", hidden=True))
    groups["Warehouse"].append(_page("catalog", tr("Import"), "upload_file", hidden=not importing))
    return groups


def _start(start: str | None) -> list[StreamlitPage]:
    """Return the page at the root that leads to where a person begins, if that is not Overview."""
    if not start:
        return []

    def begin() -> None:
        page, _, query = start.partition("?")
        st.switch_page(PAGES / f"{page}.py", query_params=parse_qsl(query))

    return [st.Page(begin, title=tr("Start"), url_path="start-page", default=True, visibility="hidden")]


def _page(name: str, title: str, icon: str, *, default: bool = False, hidden: bool = False) -> StreamlitPage:
    """Return a page of the side bar: a copy, because Streamlit notes on it which page runs."""
    return copy(_made(name, title, icon, default=default, hidden=hidden))


@lru_cache(maxsize=500)
def _made(name: str, title: str, icon: str, *, default: bool, hidden: bool) -> StreamlitPage:
    # Kept, because Streamlit looks for the file of each page on the disk, on every run of every tab.
    return st.Page(
        PAGES / f"{name}.py",
        title=title,
        icon=f":material/{icon}:",
        url_path=name.rpartition("/")[2],
        default=default,
        visibility="hidden" if hidden else "visible",
    )


def _show_person(person: SignedIn, account: StreamlitPage) -> None:
    with st.sidebar.container(key="person"):
        st.space("xsmall")
        st.page_link(account, label=words.plain(person.actor.name), icon=":material/account_circle:")
        st.caption(words.ROLE_LABELS[person.actor.role])
        if not person.has_password:
            st.caption(tr("You signed in with a one-time link. Set a password to sign in again."))
            session.form_button(tr("Set a password"), "/password")
        session.form_button(tr("Sign out"), "/sign-out", method="post")
