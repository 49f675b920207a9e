"""The frame of every page: its title, the message about the last action, and the empty, missing and error states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.foundation.errors import Forbidden, SignInRequired, StockError, Unavailable
from core.foundation.model import Actor, Shop
from core.people.access import Permission, may
from dashboard.frame import drawer, feedback, links, live, words

PHONE = "640px"
_IMPORT = "`.venv/bin/python -m core import-catalog FILE`"
# Selects only our own keys: which of two tables is visible, and where the message about an action floats.
_STYLE = f"""<style>
[class*="st-key-narrow_"] {{ display: none; }}
@media (max-width: {PHONE}) {{
  [class*="st-key-wide_"] {{ display: none; }}
  [class*="st-key-narrow_"] {{ display: flex; }}
}}
.st-key-notice {{
  position: fixed; z-index: 1000; right: 1.5rem; bottom: 1.5rem; width: min(30rem, calc(100vw - 2rem));
}}
@media (max-width: {PHONE}) {{ .st-key-notice {{ right: 1rem; top: 4rem; bottom: auto; }} }}
[class*="st-key-flush_"] a {{ padding-left: 0; }}
.st-key-stk_explain p {{ font-size: 0.95rem; }}
[class*="st-key-notice_"] {{
  background: light-dark(#FFFFFF, #18232A); box-shadow: 0 6px 24px rgb(0 0 0 / 18%);
  animation: stockroom-leave 0.4s {feedback.SECONDS}s forwards;
}}
@keyframes stockroom-leave {{ to {{ opacity: 0; visibility: hidden; }} }}
</style>"""


@contextmanager
def page(title: str, person: Actor) -> Iterator[DeltaGenerator]:
    """Draw a page: its title, the message about the last action, and the body of the `with`, or its error.

    Yields the container below the title, for captions and banners that depend on the page's data.
    """
    st.html(_STYLE)
    with st.container(gap="xsmall"):
        st.title(title, anchor=False)
        top = st.container(gap="small")
    feedback.show_notice(person)
    try:
        yield top
        drawer.show(person)
    except SignInRequired:
        raise
    except StockError as error:
        show_failure(error)


def show_failure(error: StockError) -> None:
    """Say why the page cannot be shown, and what to do."""
    with st.container(border=True, key="failure"):
        st.subheader(_headline(error), anchor=False)
        if isinstance(error, Forbidden):
            st.write("Ask an admin of your shop for another role.")
            return
        st.write(words.plain(error.message))
        if isinstance(error, Unavailable):
            st.write("No data was changed. This page reloads by itself as soon as the database answers.")
            st.button("Try again", icon=":material/refresh:", key="try_again")
            live.wait_for_database()


def _headline(error: StockError) -> str:
    if isinstance(error, Forbidden):
        return "Your role cannot view this page"
    return "This page cannot be shown right now"


def empty(headline: str, sentence: str, *, icon: str = ":material/inbox:") -> None:
    """Say that there is nothing yet, or nothing that matches, with the next step."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"### {icon}", text_alignment="center")
        st.markdown(f"**{headline}**", text_alignment="center")
        st.caption(sentence, text_alignment="center")
        st.space("small")


def missing(noun: str) -> None:
    """Say that the address names an order, a case, a run that does not exist."""
    empty(f"There is no such {noun}", drawer.MISSING, icon=":material/search_off:")


@contextmanager
def heading(title: str) -> Iterator[None]:
    """Draw the heading of a card, with the body of the `with` at its right."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(title, anchor=False)
        yield


def empty_shop(person: Actor) -> None:
    """Say how to fill a shop without variants, and who can."""
    empty(
        "There are no variants yet",
        "Import your catalogue as a CSV file with one row for each SKU and, optionally, the units in stock.",
        icon=":material/inventory_2:",
    )
    if may(person.role, Permission.IMPORT_CATALOG):
        links.to_page("catalog", "Import a catalogue", icon=":material/upload_file:")
    else:
        st.caption("A manager or an admin of your shop can import it.")


def show_sample_banner(shop: Shop, person: Actor) -> None:
    """Say that this is sample data and how to start with your own."""
    if not shop.is_sample:
        return
    with st.container(key="sample_banner", horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f":material/science: **Sample data.** {words.plain(shop.name)} is made up, and a sandbox stands in for "
            f"Stripe. Start with your own: {_IMPORT}",
            width="content",
        )
        if may(person.role, Permission.IMPORT_CATALOG):
            links.to_page("catalog", "or import a catalogue here", icon=":material/upload_file:")


def show_sample_line(shop: Shop) -> None:
    """Say in one line that this is sample data."""
    if shop.is_sample:
        st.caption(f":material/science: Sample data. Start with your own: {_IMPORT}")
