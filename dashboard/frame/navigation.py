"""The page list in the side bar, by role. Hiding a page is only a convenience: core checks every permission."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.people.access import Permission, may
from core.people.accounts import SignedIn
from dashboard.door import session
from dashboard.frame import words
from dashboard.frame.links import PAGES
from dashboard.language.texts import marked, tr

# It is part of each page: Streamlit serves a script in its static folder only as plain text, which no browser runs.
_HANDS = f"<script>{(PAGES.parent / 'dashboard' / 'static' / 'hands.js').read_text(encoding='utf-8')}</script>"


def choose(person: SignedIn) -> StreamlitPage:
    """Show the side bar of a signed-in person and return the page that the address names."""
    account = _page("account", "Your account", "account_circle", hidden=True)
    groups = _groups(person) | marked({"You": [account]})
    page = st.navigation({tr(name): pages for name, pages in groups.items()}, position="sidebar")
    st.set_page_config(page_title=f"{page.title} · Stockroom")
    _show_person(person, account)
    st.html(_HANDS, unsafe_allow_javascript=True)
    return page


def hide() -> None:
    """Show no page list, because nobody is signed in."""
    st.navigation([st.Page(lambda: None, title="Signed out")], position="hidden")


def _groups(person: SignedIn) -> dict[str, list[StreamlitPage]]:
    groups = {
        "": [_page("overview", "Overview", "dashboard", default=True)],
        "Warehouse": [
            _page("stock", "Stock", "inventory_2"),
            _page("scan", "Scan", "barcode_scanner"),
            _page("counts", "Counts", "checklist"),
            _page("deliveries", "Deliveries", "local_shipping"),
            _page("movements", "Movements", "swap_vert"),
        ],
        "Sales": [
            _page("orders", "Orders", "receipt_long"),
            _page("alerts", "Alerts", "notifications"),
            _page("reconciliation", "Reconciliation", "verified"),
        ],
    }
    role = person.actor.role
    # Hidden, not absent: a person who follows a colleague's link reads that their role cannot view the page.
    hidden = not may(role, Permission.MANAGE_USERS)
    groups["Admin"] = [_page("settings", "Settings", "settings", hidden=hidden)]
    groups["Admin"].append(_page("start", "Start my own shop", "storefront", hidden=True))
    importing = may(role, Permission.IMPORT_CATALOG)
    groups["Sales"].append(_page("runbook", "Runbook", "menu_book", hidden=True))
    groups["Warehouse"].append(_page("catalog", "Import", "upload_file", hidden=not importing))
    return groups


def _page(name: str, title: str, icon: str, *, default: bool = False, hidden: bool = False) -> StreamlitPage:
    return st.Page(
        PAGES / f"{name}.py",
        title=title,
        icon=f":material/{icon}:",
        url_path=name,
        default=default,
        visibility="hidden" if hidden else "visible",
    )


def _show_person(person: SignedIn, account: StreamlitPage) -> None:
    with st.sidebar.container(key="person"):
        st.space("xsmall")
        st.page_link(account, label=words.plain(person.actor.name), icon=":material/account_circle:")
        st.caption(words.ROLE_LABELS[person.actor.role])
        if not person.has_password:
            st.caption("You signed in with a one-time link. Set a password to sign in again.")
            session.form_button("Set a password", "/password")
        session.form_button("Sign out", "/sign-out", method="post")
