"""The frame of every page: its title, the message of the last action, and designed words where something fails."""

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
# Nothing but places named by our own keys: which of two tables is seen, and where the message of an action floats.
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
    """Draw a page: its title, what the last action did, and what stands in the `with`; a failure becomes words.

    Gives the place below the title, for what is known only later: the caption and the banner.
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
    """Say why there is nothing to see, and what to do."""
    with st.container(border=True, key="failure"):
        st.subheader(_headline(error), anchor=False)
        if isinstance(error, Forbidden):
            st.write("Ask an admin of your shop for a role that may.")
            return
        st.write(words.plain(error.message))
        if isinstance(error, Unavailable):
            st.write("Nothing was changed by looking. This page comes back by itself as soon as the database answers.")
            st.button("Try again", icon=":material/refresh:", key="try_again")
            live.wait_for_database()


def _headline(error: StockError) -> str:
    if isinstance(error, Forbidden):
        return "Your role does not show this page"
    return "This page cannot be shown right now"


def empty(headline: str, sentence: str, *, icon: str = ":material/inbox:") -> None:
    """Say that there is nothing yet, or nothing that matches; the next step stands below."""
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.space("small")
        st.markdown(f"### {icon}", text_alignment="center")
        st.markdown(f"**{headline}**", text_alignment="center")
        st.caption(sentence, text_alignment="center")
        st.space("small")


def empty_shop(person: Actor) -> None:
    """Say how a shop without a variant begins, and who can begin it."""
    empty(
        "There is no variant yet",
        "Bring your catalogue in as a CSV file: one row for each SKU, with what is on the shelf if you like.",
        icon=":material/inventory_2:",
    )
    if may(person.role, Permission.IMPORT_CATALOG):
        links.to_page("catalog", "Import a catalogue", icon=":material/upload_file:")
    else:
        st.caption("A manager or an admin of your shop can import it.")


def show_sample_banner(shop: Shop, person: Actor) -> None:
    """Say that this is sample data and how to begin with one's own."""
    if not shop.is_sample:
        return
    with st.container(key="sample_banner", horizontal=True, vertical_alignment="center", border=True):
        st.markdown(
            f":material/science: **Sample data.** {words.plain(shop.name)} is made up. Start with your own: {_IMPORT}",
            width="content",
        )
        if may(person.role, Permission.IMPORT_CATALOG):
            links.to_page("catalog", "or import a catalogue here", icon=":material/upload_file:")


def show_sample_line(shop: Shop) -> None:
    """Say the same in one line, on the pages where people work."""
    if shop.is_sample:
        st.caption(f":material/science: Sample data. Start with your own: {_IMPORT}")
