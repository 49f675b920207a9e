"""Deciding a line of a review: whose number counts, recount, or the number that somebody sees now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.counts import review
from core.counts.review import Decision, Question, Variance
from core.foundation.errors import StockError
from core.ledger.changes import new_key
from core.screens.counts import OneCount
from dashboard.counts import parts
from dashboard.door import session
from dashboard.frame import forms, links, lists, outcome, words
from dashboard.language.texts import tr

_LINE = "line"
_SHOWN = 25


def choose(sku: str | None) -> None:
    """Show one line with its decisions above the table, or none."""
    lists.put(_LINE, sku)


def show_chosen(seen: OneCount, decides: bool) -> None:
    """Show the line that the address names."""
    sku = st.query_params.get(_LINE, "")
    found = next((line for line in seen.variances if line.sku == sku), None)
    if found is None or found.question is not None:
        return
    with st.container(border=True, key="cnt_chosen"):
        _show_line(found, seen)
        if decides:
            _show_ways(found, seen.session.count_id)
        st.button(
            tr("Close"), key="cnt_line_close", type="tertiary", icon=":material/close:", on_click=choose, args=(None,)
        )


def show_questions(seen: OneCount, decides: bool) -> None:
    """Show the lines that cannot be applied before somebody has decided."""
    asked = [line for line in seen.variances if line.question is not None]
    if not asked:
        return
    st.subheader(tr("To decide: {lines}", lines=words.plural(len(asked), "line")), anchor=False)
    for line in asked[:_SHOWN]:
        with st.container(border=True, key=f"cnt_ask_{line.sku}"):
            _show_line(line, seen)
            if decides:
                _show_ways(line, seen.session.count_id)
    if len(asked) > _SHOWN:
        st.caption(tr("{more_lines} after these.", more_lines=words.plural(len(asked) - _SHOWN, "more line")))


def _show_line(line: Variance, seen: OneCount) -> None:
    st.markdown(f"**{words.plain(parts.named(line.sku, line.product, line.size, line.color))}**")
    said = [
        tr("{person}: {units} scanned", person=tally.person, units=words.units(tally.units))
        if tally.is_scanned
        else f"{tally.person}: {words.units(tally.units)}"
        for tally in line.people
    ]
    at = words.short_moment(line.counted_at, seen.shop.zone)
    st.markdown(
        words.plain(
            tr("Expected {units} at {at}. {said}.", units=words.units(line.expected), at=at, said="; ".join(said))
        )
    )
    if line.question is Question.CONFLICT:
        st.caption(tr("Did they count different places, or the same one twice?"))
    elif line.question is Question.MOVED:
        st.caption(tr("Units moved while this line was being counted, so it is not certain what the shelf held."))
    if line.since_movements:
        moved = words.plural(line.since_movements, "movement")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(
                tr("Since then: {units} in {moved}.", units=words.signed_units(line.since), moved=moved),
                width="content",
            )
            links.to_page("movements", tr("Show them"), mov_sku=line.sku)


def _show_ways(line: Variance, count_id: int) -> None:
    key = f"{line.sku}_{line.round}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"cnt_ways_{key}"):
        if line.question is Question.MOVED:
            _button(tr("Apply the variance"), line, count_id, Decision.ACCEPT)
        if len(line.people) > 1:
            total = sum(tally.units for tally in line.people)
            _button(
                tr("Different places: {total}", total=words.number(total)), line, count_id, Decision.SUM, seen=total
            )
            for tally in line.people:
                label = tr(
                    "{person} is right: {units}", person=words.plain(tally.person), units=words.number(tally.units)
                )
                _button(label, line, count_id, Decision.PERSON, person_id=tally.person_id, seen=tally.units)
        _button(tr("Recount"), line, count_id, Decision.RECOUNT)
        with st.popover(tr("Set to what I see now"), key=f"cnt_now_{key}"):
            forms.number_field(tr("Units on the shelf now"), key=f"cnt_seen_{key}", value=line.counted)
            st.button(
                tr("Set"),
                key=f"cnt_set_{key}",
                type="primary",
                on_click=_set_now,
                args=(line, count_id, f"cnt_seen_{key}"),
            )


def _button(label: str, line: Variance, count_id: int, what: Decision, **more: Any) -> None:
    said = {Decision.RECOUNT: tr("{sku} must be counted again.", sku=line.sku)}.get(
        what, tr("{sku} is decided.", sku=line.sku)
    )
    st.button(
        label,
        key=f"cnt_{what}_{line.sku}_{more.get('person_id', '')}",
        on_click=_decide(said, line, count_id, what, **more),
    )


def _decide(said: str, line: Variance, count_id: int, what: Decision, **more: Any) -> Callable[[], None]:
    def do() -> None:
        key = f"decide:{count_id}:{line.variant_id}:{line.round}:{what}:{new_key()}"[:200]
        outcome.do(said, review.decide, count_id=count_id, variant_id=line.variant_id, what=what, key=key, **more)

    return do


def _set_now(line: Variance, count_id: int, widget: str) -> None:
    memory = outcome.remembered()
    try:
        seen = forms.read_units(st.session_state[widget], lowest=0)
        session.run(
            review.decide,
            count_id=count_id,
            variant_id=line.variant_id,
            what=Decision.NOW,
            units=seen,
            key=f"now:{count_id}:{line.variant_id}:{line.round}:{seen}",
        )
    except StockError as problem:
        memory.problem = problem
    else:
        memory.done, memory.problem = (
            tr("{sku} is set to {units} as of now.", sku=line.sku, units=words.units(seen)),
            None,
        )
