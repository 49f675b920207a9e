"""The headline of the Reconciliation page: the latest result, the button that starts a proof, and its progress.

The proof runs in its own thread (`dashboard/frame/long_work.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from core.database import pool
from core.foundation.errors import StockError
from core.foundation.model import Actor
from core.foundation.settings import load_settings
from core.people.access import Permission, may
from core.proof import runs as proof
from core.proof.reads import ProofState
from core.sandbox import connection
from dashboard.door import session
from dashboard.frame import long_work, outcome, words
from dashboard.frame.long_work import LongWork
from dashboard.language import widgets
from dashboard.language.texts import marked, tr

SCOPES = (FULL, RECENT) = marked((marked("Everything"), marked("New records only")))


@dataclass(slots=True, kw_only=True)
class Running(LongWork):
    """A running proof, or the last one."""

    called: str = "proof"
    is_full: bool
    doing: str = marked("Starting")
    done: int = 0
    of: int = 1

    def tell(self, doing: str, done: int, of: int) -> None:
        """Record the step that begins."""
        self.doing, self.done, self.of = doing, done, of


proofs = long_work.OneAtATime[Running]()


def show(seen: ProofState, person: Actor) -> None:
    """Show the latest result, and the button that starts a proof or the progress of the running one."""
    with st.container(border=True, key="rec_now"):
        _show_headline(seen)
        found = proofs.latest
        if found is not None and not found.is_over:
            st.caption(tr("Started by {who}. It continues if you close this page.", who=words.plain(found.who)))
            _watch(found)
            return
        if found is not None and found.problem is not None:
            long_work.show_problem(found, found.problem)
        if may(person.role, Permission.PROVE):
            _show_button()
        else:
            st.caption(tr("The checks run once a day. A manager or an admin can run them now."))


def _show_headline(seen: ProofState) -> None:
    now, failing = datetime.now(UTC), len(seen.failing)
    if seen.last is None:
        st.markdown(tr(":gray-badge[:material/help: First run pending]"))
        st.caption(tr("The checks run once a day. The result of the first run appears here."))
        return
    if failing:
        st.markdown(tr(":red-badge[:material/error: {checks} failed]", checks=words.plural(failing, "check")))
    else:
        away = sum(each.result.not_compared is not None for each in seen.checks)
        rest = tr(", {away} not compared with Stripe", away=words.number(away)) if away else ""
        st.markdown(tr(":green-badge[:material/verified: All checks passed{rest}]", rest=rest))
    scope = tr("everything") if seen.last.is_full else tr("new records only")
    st.caption(
        words.plain(
            tr(
                "Last verified {ended_at} by {performed_by}, {scope}. Checks never change data: to "
                "correct a level, adjust it.",
                ended_at=words.ago(seen.last.ended_at, now),
                performed_by=words.who(seen.last.performed_by),
                scope=scope,
            )
        )
    )


def _show_button() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(tr("Verify now"), key="rec_prove", type="primary", icon=":material/verified:", on_click=_start)
        widgets.segmented_control(
            tr("Scope"),
            SCOPES,
            default=FULL,
            required=True,
            key="rec_scope",
            label_visibility="collapsed",
            help=tr(
                "“Everything” checks every record from the first. “New records only” checks what was "
                "written after the last proof: faster, but it does not detect an edited older "
                "movement or a removed record."
            ),
        )


def _start() -> None:
    try:
        person = session.actor()
        session.run(proof.may_prove)
        gateway = connection.find(load_settings(), pool.engine())
    except StockError as problem:
        outcome.remembered().problem = problem
        return
    running = Running(who=person.name, is_full=st.session_state.get("rec_scope", FULL) == FULL)

    def do() -> None:
        proof.prove(pool.engine(), gateway, person, full=running.is_full, tell=running.tell)

    proofs.begin(running, do)


@st.fragment(run_every=long_work.EVERY_SECONDS)
def _watch(running: Running) -> None:
    long_work.look(running)
    st.progress(min(running.done / max(running.of, 1), 1.0), text=progress(running))


def progress(running: Running) -> str:
    """Return the current step of a proof: Step 2 of 11 · R2: No movement was edited, removed or slipped in."""
    step = min(running.done + 1, running.of)
    return (
        tr("Step {step} of {of}{dot}{doing}", step=step, of=running.of, dot=words.DOT, doing=running.doing)
        if running.of > 1
        else f"{running.doing} ..."
    )
