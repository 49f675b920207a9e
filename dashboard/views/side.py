"""The views in the side bar, and the form that saves the page that is open as one."""

from __future__ import annotations

from urllib.parse import parse_qsl

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.foundation.errors import StockError
from core.people.accounts import SignedIn
from core.views import pages, saved
from core.views.saved import LONGEST_NAME, View
from dashboard.door import session
from dashboard.frame import feedback, forms, lists, words
from dashboard.frame.feedback import Notice
from dashboard.frame.links import to
from dashboard.language import widgets
from dashboard.language.texts import marked, tr

MOST_LISTED = 12
_FRESH = "view_opens"
"""The parameter of a link to a view: its filters replace those of the page, also if that page is open already."""
_DONE = "_view_saved"
# Streamlit marks each link to the page that is open, but only one view of it is open.
_STYLE = """<style>
[class*="st-key-view_side_"] a[data-testid="stPageLink-NavLink"]:not(:hover) { background: transparent; }
[class*="st-key-view_side_"] a[data-testid="stPageLink-NavLink"] p { font-weight: 400; }
</style>"""


def show(person: SignedIn, page: StreamlitPage) -> None:
    """List the views of a person, and offer to save the page that is open."""
    _take_on()
    try:
        found = session.run(saved.views)
    except StockError:
        return  # the page itself shows the error
    name = page.url_path or pages.OVERVIEW
    with st.sidebar.container(key="views_side", gap="xxsmall"):
        st.html(_STYLE)
        st.caption(tr("Views"))
        opened = _opened(found, name)
        for view in found[:MOST_LISTED]:
            kind = "here" if view is opened else "side"
            with st.container(key=f"view_{kind}_{view.view_id}"):
                link(view)
        st.page_link(to("you/views"), label=tr("All views"), icon=":material/bookmarks:")
        if name in pages.PAGES:
            _offer(name, opened)


def _take_on() -> None:
    """Let the address win over the widgets of the page, as Streamlit does for Back, if a link opened a view."""
    context = get_script_run_ctx()
    if _FRESH in st.query_params and context is not None:
        context.is_history_navigation = True
        st.query_params.pop(_FRESH)


def link(view: View) -> None:
    """Draw the link that opens a view in this tab."""
    query = [*parse_qsl(view.path.partition("?")[2]), (_FRESH, "1")]
    st.page_link(
        to(view.page), label=words.plain(view.name), query_params=query,
        icon=":material/bookmark:" if view.is_own else ":material/group:",
        help=None if view.is_own else words.plain(tr("Shared by {owner}", owner=view.owner)),
    )  # fmt: skip


def _opened(found: tuple[View, ...], page: str) -> View | None:
    """Return the view with which the page was opened, or None."""
    number = st.query_params.get(pages.VIEW, "")
    return next((view for view in found if str(view.view_id) == number and view.page == page), None)


def _offer(page: str, opened: View | None) -> None:
    if st.button(tr("Save this view"), icon=":material/bookmark_add:", key="view_save", type="tertiary"):
        st.session_state.pop(_DONE, None)
        _save_dialog(page, opened)


@widgets.dialog(marked("Save this view"), icon=":material/bookmark_add:")
def _save_dialog(page: str, opened: View | None) -> None:
    """Ask for the name of a view, or update the one that is open."""
    if st.session_state.pop(_DONE, False):
        st.rerun()  # closes the dialog
    is_own = opened is not None and opened.is_own
    st.caption(tr("Keeps the filters and columns of this page under a name, in the side bar."))
    if opened is not None and is_own:
        st.button(
            tr("Update “{name}”", name=words.plain(opened.name)), key=f"view_update_{opened.view_id}_{opened.version}",
            icon=":material/save:", type="primary", width="stretch", on_click=_update, args=(opened, page),
        )  # fmt: skip
        st.caption(tr("Or save a new view:"))
    form = forms.begin("view_save")
    kept: list[int] = []
    with st.form("view_save_form", border=False):
        st.text_input(tr("Name"), key=form.input("name"), max_chars=LONGEST_NAME, required=True)
        st.toggle(tr("Share with everybody"), key=form.input("shared"), help=tr("Each opens it with their own rights."))
        forms.submit(
            form, tr("Save"), lambda _, values: _save(page, values, kept), say=lambda text: Notice(text=text),
            after=lambda: _saved(kept[-1]), is_main=not is_own,
        )  # fmt: skip


def _saved(number: int) -> None:
    lists.put(pages.VIEW, number)
    st.session_state[_DONE] = True


def here() -> str:
    """Return the filters of the page that is open, as the query string of a view."""
    found = [(name, value) for name in st.query_params for value in st.query_params.get_all(name)]
    return pages.query_of(found)


def _save(page: str, values: forms.Values, kept: list[int]) -> str:
    name = str(values["name"] or "")
    kept.append(session.run(saved.save, name=name, page=page, query=here(), is_shared=bool(values["shared"])))
    return tr("The view “{name}” is saved.", name=name.strip())


def _update(view: View, page: str) -> None:
    shown = feedback.messages()
    try:
        session.run(saved.replace, view_id=view.view_id, version=view.version, page=page, query=here())
    except StockError as problem:
        shown.put(Notice(text="", problem=problem))
    else:
        shown.put(Notice(text=f"The view “{view.name}” is updated."))
    st.session_state[_DONE] = True
