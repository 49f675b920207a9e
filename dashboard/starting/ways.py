"""The four ways to begin with one's own shop, and what each leads to."""

from __future__ import annotations

import streamlit as st

from dashboard.frame import links
from dashboard.language import widgets
from dashboard.language.texts import lazy, marked, tr

WAY = "sta_way"
CATALOGUE, DATABASE, STRIPE, EMPTY = (
    marked("Import a catalogue"),
    marked("Move in with a database"),
    marked("Connect Stripe"),
    marked("Start empty"),
)
WAYS = lazy(
    {
        CATALOGUE: "One CSV file with a row for each SKU and the units in stock",
        DATABASE: "Products and stock that are already in PostgreSQL, such as Supabase",
        STRIPE: "Paid orders take their units off the shelf by themselves",
        EMPTY: "Type in the first product and count it",
    }
)
_MOVING_IN = marked(
    "Stockroom then works in the database of your shop, and this one is no longer used: you need not remove the sample "
    "data. The person who runs the server does it: first a trial, which lists what would change and changes nothing, "
    "then the move. It is described under *Moving in* in the documentation. They set `DATABASE_URL` to your database."
)
_FIRST = marked("Remove the sample data below first.")


def choose(*, is_sample: bool) -> str:
    """Ask how to begin, say what the chosen way leads to, and return it. The address names it alone."""
    with st.container(border=True, key="sta_ways"):
        st.subheader(tr("How to begin"), anchor=False)
        way = widgets.radio(
            tr("How to begin"), list(WAYS), captions=list(WAYS.values()), key=WAY, bind="query-params",
            label_visibility="collapsed",
        )  # fmt: skip
        _show_next(way or CATALOGUE, is_sample=is_sample)
    return way or CATALOGUE


def _show_next(way: str, *, is_sample: bool) -> None:
    if way == DATABASE:
        st.markdown(tr(_MOVING_IN))
        return
    if way == STRIPE:
        links.to_page("settings", tr("Settings, Stripe: key and webhook"), icon=":material/link:", set_section="Stripe")
        st.caption(tr("Import a catalogue too, or add products: orders need variants to take units from."))
    if is_sample:
        st.markdown(tr(_FIRST))
    elif way == CATALOGUE:
        links.to_page("catalog", tr("Import a catalogue"), icon=":material/upload_file:")
    elif way == EMPTY:
        links.to_page("stock", tr("Add the first product on Stock"), icon=":material/add:")
