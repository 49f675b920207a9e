"""The history of the proof: all runs, and the results of one run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import TextColumn

from core.proof import reads as proof_reads
from core.proof.checks import CODES
from core.proof.reads import RunRow
from dashboard.door import session
from dashboard.frame import columns, lists, words
from dashboard.frame import page as frame
from dashboard.frame.tables import PAGE_ROWS
from dashboard.language.texts import inside, marked, tr
from dashboard.proof import checks
from dashboard.settings import jobs

PARAM = "run"
CURSOR = "rec_page"
OUTCOMES = marked({"Passed": "green", "Failed": "red", "Not all compared": "orange"})


def show_history(zone: str) -> None:
    """Show a page of runs, the latest first."""
    before = lists.number(st.query_params.get(CURSOR, ""))
    found = session.run(proof_reads.runs, before=before, limit=PAGE_ROWS + 1)
    rows, more = found[:PAGE_ROWS], len(found) > PAGE_ROWS
    if not rows:
        frame.empty(tr("No runs yet"), tr("Every run is listed here with its results."), icon=":material/history:")
        return
    st.caption(tr("Latest first. Open a run to see its results. Times are in {zone}.", zone=words.plain(zone)))
    _show_rows(rows, zone)
    lists.show_pages(
        CURSOR, "first" if before else None, str(rows[-1].id) if more else None,
        names=(tr("Latest"), tr("Newer"), tr("Older")), key="rec",
    )  # fmt: skip


def _show_rows(rows: Sequence[RunRow], zone: str) -> None:
    ids = [row.id for row in rows]
    outcomes = [outcome(row) for row in rows]
    head = TextColumn(tr("Head hash"), width=120, help=tr("Its beginning. Open the run to see the whole hash."))
    columns.show(
        {
            "at": ([words.moment(row.ended_at, zone) for row in rows], columns.opener(tr("When"), 160, ids, open_run)),
            "by": ([words.who(row.performed_by) for row in rows], TextColumn(tr("By"), width=140)),
            "scope": ([scope(row) for row in rows], TextColumn(tr("Scope"), width=170)),
            "outcome": ([[each] for each in outcomes], columns.tags(tr("Result"), 150, OUTCOMES)),
            "failing": ([", ".join(row.failing) for row in rows], TextColumn(tr("Failed checks"), width=120)),
            "took": ([jobs.took(row.took) for row in rows], TextColumn(tr("Duration"), width=110, alignment="right")),
            "head": ([row.head_hash[:12] for row in rows], head),
        },
        {
            "at": (
                [words.short_moment(row.ended_at, zone) for row in rows],
                columns.opener(tr("When"), 112, ids, open_run),
            ),
            "by": (
                [f"{words.who(row.performed_by)}, {inside(scope(row))}" for row in rows],
                TextColumn(tr("By"), width=130),
            ),
            "outcome": (outcomes, TextColumn(tr("Result"), width=100)),
        },
        key=f"rec_runs_{rows[0].id}_{len(rows)}",
        alt=tr("Runs, the latest first"),
    )


def scope(row: RunRow) -> str:
    """Return how much a run checked."""
    how = tr("Everything") if row.is_full else tr("New records only")
    return how if row.checks == len(CODES) else f"{how}, {words.plural(row.checks, 'check')}"


def outcome(row: RunRow) -> str:
    """Return the result of a run."""
    if row.failing:
        return tr("Failed")
    return tr("Not all compared") if row.uncompared else tr("Passed")


def open_run(run_id: int) -> None:
    """Open one run."""
    lists.put(PARAM, run_id)


def close_run() -> None:
    """Go back to the history."""
    lists.put(PARAM, None)


def show(wanted: str) -> None:
    """Show the run that the address names, or say that there is none."""
    st.button(tr("All runs"), icon=":material/arrow_back:", on_click=close_run, key="rec_back")
    number = lists.number(wanted)
    seen = session.run(proof_reads.whole_run, run_id=number) if number else None
    if seen is None:
        frame.missing("run")
        return
    run, zone = seen.run, seen.shop.zone
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(
            tr("Proof of {ended_at}", ended_at=words.moment(run.ended_at, zone)), anchor=False, width="content"
        )
        result = outcome(run)
        st.badge(result, color=OUTCOMES[result])  # type: ignore[arg-type]
    st.caption(
        words.plain(
            tr(
                "{run}, by {performed_by}, in {took}. Results at that time:",
                run=scope(run),
                performed_by=words.who(run.performed_by),
                took=jobs.took(run.took),
            )
        )
    )
    for each in seen.results:
        if not each.holds:
            checks.show_failing(each, has_advice=False)
    checks.show_results(list(seen.results))
    checks.show_uncompared(list(seen.results))
    checks.show_covered(list(seen.results), zone)
    st.markdown(tr("**Head hash of this proof**"))
    st.code(run.head_hash, language=None, wrap_lines=True)
