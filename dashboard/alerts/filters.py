"""The lists of cases, and the filters of each, kept in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from core.alerts.reads import STILL_OPEN, AlertFilter, CaseList
from core.foundation.model import Actor
from core.foundation.sales import AlertState
from dashboard.frame import lists, words
from dashboard.frame.lists import Wanted
from dashboard.language import sales, widgets
from dashboard.language.texts import marked, source, tr

STATES = marked(
    {
        "Not resolved": STILL_OPEN,
        "Open": (AlertState.OPEN,),
        "Acknowledged": (AlertState.ACKNOWLEDGED,),
        "Mine": STILL_OPEN,
        "Snoozed": STILL_OPEN,
        "Resolved": (AlertState.RESOLVED,),
        "All": (),
    }
)
LISTS = marked(
    {
        "Failed updates": CaseList.FAILED,
        "Decisions": CaseList.DECISIONS,
        "Levels": CaseList.LEVELS,
        "Machinery": CaseList.MACHINERY,
    }
)
_SLEEPING = marked({"Snoozed": True, "All": None})
_KINDS = {label: kind for kind, label in source(sales.KINDS).items()}
_USUAL = "Not resolved"
FILTERS = lists.Filters(empty={"alr_q": "", "alr_kind": [], "alr_state": _USUAL}, cursor="alr_page")
LIST = lists.Choice(label=marked("List"), key="alr_list", options=LISTS, usual="Failed updates")


def show(person: Actor) -> Wanted[AlertFilter]:
    """Draw the lists and filters and return their values. Until a list is chosen, a filter looks in every list."""
    bound = FILTERS.bound
    chosen = LIST.show(FILTERS.first_page)
    with st.grid(2, min_column_width=220, gap="small", key="alr_filters"):
        text = st.text_input(
            tr("Search"),
            key="alr_q",
            type="search",
            placeholder=tr("Order, buyer, payment, SKU, text of the case"),
            **bound,
        )
        kinds = widgets.multiselect(tr("Case"), list(_KINDS), placeholder=tr("Any"), key="alr_kind", **bound)
    state = widgets.pills(
        tr("State"), list(STATES), default=_USUAL, required=True, key="alr_state", label_visibility="collapsed", **bound
    )
    wanted = AlertFilter(
        search=(text or "").strip(), states=STATES.get(state or _USUAL, STILL_OPEN),
        kinds=tuple(_KINDS[kind] for kind in kinds), snoozed=_SLEEPING.get(state or _USUAL, False),
        assigned_to=person.user_id if state == "Mine" else None,
    )  # fmt: skip
    everywhere = chosen is CaseList.FAILED and wanted != AlertFilter()
    wanted = wanted if everywhere else replace(wanted, list=chosen)
    return Wanted(filter=wanted, cursor=st.query_params.get(FILTERS.cursor))


def narrowed(wanted: AlertFilter) -> bool:
    """Return whether a filter narrows the list."""
    return wanted != AlertFilter(list=wanted.list)


def counted(count: int, of: CaseList | None) -> str:
    """Return how many rows of a list there are: 3 failed updates, 31 products at a low level."""
    return {
        CaseList.FAILED: words.plural(count, "failed update"),
        CaseList.DECISIONS: words.plural(count, "decision about a payment", "decisions about payments"),
        CaseList.LEVELS: words.plural(count, "product at a low level", "products at a low level"),
        CaseList.MACHINERY: words.plural(count, "case of the machinery", "cases of the machinery"),
        None: words.plural(count, "row from every list", "rows from every list"),
    }[of]


def others(counts: Mapping[CaseList, int], shown: CaseList | None) -> str:
    """Return what the other lists hold under the same filter; empty if that is nothing."""
    found = [counted(counts[each], each) for each in CaseList if each is not shown and counts.get(each)]
    return tr("Other lists: {found}.", found=words.listing(found)) if found and shown else ""
