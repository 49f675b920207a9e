"""The history of the proof: every run with who asked for it and how it went, and what one run found then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.column_config import ButtonColumn, MultiselectColumn, TextColumn

from core.proof import reads as proof_reads
from core.proof.checks import CODES
from core.proof.reads import RunRow
from dashboard.door import session
from dashboard.frame import page as frame
from dashboard.frame import pager, words
from dashboard.frame.tables import PAGE_ROWS, ROW_HEIGHT, TALL_ROW
from dashboard.proof import checks
from dashboard.settings import jobs

PARAM = "run"
CURSOR = "rec_page"
OUTCOMES = {"Held": "green", "Failed": "red", "Not all compared": "orange"}


def show_history(zone: str) -> None:
    """Show a page of runs, the latest first."""
    before = _number(st.query_params.get(CURSOR, ""))
    found = session.run(proof_reads.runs, before=before, limit=PAGE_ROWS + 1)
    rows, more = found[:PAGE_ROWS], len(found) > PAGE_ROWS
    if not rows:
        frame.empty("No run is on record", "Each proof stands here with what it found.", icon=":material/history:")
        return
    st.caption(f"The latest first; open one to see what it found. Times are in {words.plain(zone)}.")
    _show_rows(rows, zone)
    pager.show_pages(
        CURSOR, "first" if before else None, str(rows[-1].id) if more else None,
        names=("Latest", "Newer", "Older"), key="rec",
    )  # fmt: skip


def _show_rows(rows: Sequence[RunRow], zone: str) -> None:
    key = f"rec_runs_{rows[0].id}_{len(rows)}"
    with st.container(key=f"wide_{key}"):
        st.dataframe(
            pa.table(
                {
                    "at": [words.moment(row.ended_at, zone) for row in rows],
                    "by": [row.performed_by for row in rows],
                    "scope": [scope(row) for row in rows],
                    "outcome": [[outcome(row)] for row in rows],
                    "failing": [", ".join(row.failing) for row in rows],
                    "took": [jobs.took(row.took) for row in rows],
                    "head": [row.head_hash[:12] for row in rows],
                }
            ),
            column_config={
                "at": _opener("When", 160, f"{key}_wide", rows),
                "by": TextColumn("By", width=140),
                "scope": TextColumn("Checked", width=170),
                "outcome": MultiselectColumn(
                    "Outcome", width=150, options=list(OUTCOMES), color=list(OUTCOMES.values())
                ),
                "failing": TextColumn("Failing", width=120),
                "took": TextColumn("Took", width=110, alignment="right"),
                "head": TextColumn("Head hash", width=120, help="Its beginning; the whole of it stands in the run"),
            },
            hide_index=True, height="content", row_height=ROW_HEIGHT, key=f"{key}_w", alt="Runs, the latest first",
        )  # fmt: skip
    with st.container(key=f"narrow_{key}"):
        st.dataframe(
            pa.table(
                {
                    "at": [words.short_moment(row.ended_at, zone) for row in rows],
                    "by": [f"{row.performed_by}, {scope(row).lower()}" for row in rows],
                    "outcome": [outcome(row) for row in rows],
                }
            ),
            column_config={
                "at": _opener("When", 112, f"{key}_narrow", rows),
                "by": TextColumn("By", width=130),
                "outcome": TextColumn("Outcome", width=100),
            },
            hide_index=True, height="content", row_height=TALL_ROW, key=f"{key}_n", alt="Runs, the latest first",
        )  # fmt: skip


def _opener(label: str, width: int, key: str, rows: Sequence[RunRow]) -> Any:
    ids = [row.id for row in rows]  # of this very drawing: a click tells a position, not a run

    def picked() -> None:
        open_run(ids[st.session_state[key]["row"]])

    return ButtonColumn(
        label, width=width, pinned=True, type="tertiary", alignment="left", key=key, on_click=picked
    )  # fmt: skip


def scope(row: RunRow) -> str:
    """Return how much a run checked."""
    how = "Everything" if row.is_full else "Only what was new"
    return how if row.checks == len(CODES) else f"{how}, {words.plural(row.checks, 'check')}"


def outcome(row: RunRow) -> str:
    """Return how a run ended."""
    if row.failing:
        return "Failed"
    return "Not all compared" if row.uncompared else "Held"


def open_run(run_id: int) -> None:
    """Open one run."""
    st.query_params[PARAM] = str(run_id)


def close_run() -> None:
    """Go back to the history."""
    st.query_params.pop(PARAM, None)


def show(wanted: str) -> None:
    """Show the run that the address asks for, or say that there is none."""
    st.button("All runs", icon=":material/arrow_back:", on_click=close_run, key="rec_back")
    number = _number(wanted)
    seen = session.run(proof_reads.whole_run, run_id=number) if number else None
    if seen is None:
        frame.empty(
            "There is no such run", "The link may be cut off, or come from another shop.", icon=":material/search_off:"
        )
        return
    run, zone = seen.run, seen.shop.zone
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"Proof of {words.moment(run.ended_at, zone)}", anchor=False, width="content")
        said = outcome(run)
        st.badge(said, color=OUTCOMES[said])  # type: ignore[arg-type]
    st.caption(words.plain(f"{scope(run)}, by {run.performed_by}; it took {jobs.took(run.took)}. What it found then:"))
    for result in seen.results:
        if not result.holds:
            checks.show_failing(result, has_advice=False)
    checks.show_results(list(seen.results))
    checks.show_uncompared(list(seen.results))
    st.markdown("**Head hash of this proof**")
    st.code(run.head_hash, language=None, wrap_lines=True)


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None
