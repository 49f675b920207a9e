"""Proving the books now: the headline of the Reconciliation page, its button, and how far a proof under way is.

The work goes on in a thread of its own (dashboard/frame/long_work.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from core.database import pool
from core.foundation.errors import SignInRequired, StockError, Unavailable
from core.foundation.model import Actor
from core.foundation.settings import load_settings
from core.people.access import Permission, may
from core.proof import runs as proof
from core.proof.reads import ProofState
from core.stripe import gateway as stripe_gateway
from dashboard.door import session
from dashboard.frame import feedback, long_work, outcome, words
from dashboard.frame.long_work import LongWork

SCOPES = (FULL, RECENT) = ("Everything", "Only what is new")


@dataclass(slots=True, kw_only=True)
class Running(LongWork):
    """A proof under way, or the last one."""

    called: str = "proof"
    is_full: bool
    doing: str = "Beginning"
    done: int = 0
    of: int = 1

    def tell(self, doing: str, done: int, of: int) -> None:
        """Take note of a step that begins."""
        self.doing, self.done, self.of = doing, done, of


proofs = long_work.OneAtATime[Running]()


def show(seen: ProofState, person: Actor) -> None:
    """Show how the books stand, and the way to prove them now or how far that is."""
    with st.container(border=True, key="rec_now"):
        _show_headline(seen)
        found = proofs.latest
        if found is not None and not found.is_over:
            st.caption(f"{words.plain(found.who)} began a proof. It goes on when this page is closed.")
            _watch(found)
            return
        if found is not None and found.problem is not None:
            _show_problem(found, found.problem)
        if may(person.role, Permission.PROVE):
            _show_button()
        else:
            st.caption("Once a day it is proven by itself; a manager or an admin can do it now.")


def _show_headline(seen: ProofState) -> None:
    now, failing = datetime.now(UTC), len(seen.failing)
    if seen.last is None:
        st.markdown(":gray-badge[:material/help: Not proven yet]")
        st.caption("Once a day the shop proves its books by itself; the first proof will stand here.")
        return
    if failing:
        st.markdown(f":red-badge[:material/error: {words.plural(failing, 'check')} {_fail(failing)}]")
    else:
        away = sum(each.result.not_compared is not None for each in seen.checks)
        rest = f", {words.number(away)} not compared with Stripe" if away else ""
        st.markdown(f":green-badge[:material/verified: Every check holds{rest}]")
    how = "everything" if seen.last.is_full else "only what was new"
    st.caption(
        words.plain(
            f"Proven last {words.ago(seen.last.ended_at, now)} by {seen.last.performed_by}, {how}. "
            "Nothing is repaired: a correction is a movement with a reason."
        )
    )


def _fail(count: int) -> str:
    return "fails" if count == 1 else "fail"


def _show_button() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Prove now", key="rec_prove", type="primary", icon=":material/verified:", on_click=_start)
        st.segmented_control(
            "How much", SCOPES, default=FULL, required=True, key="rec_scope", label_visibility="collapsed",
            help="Everything follows each variant's history from its first movement. Only what is new goes on from "
            "where it was proven last: quicker, but it does not see an older movement that was edited.",
        )  # fmt: skip


def _start() -> None:
    try:
        person = session.actor()
        session.run(proof.may_prove)
        gateway = stripe_gateway.from_settings(load_settings())
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
    st.progress(min(running.done / max(running.of, 1), 1.0), text=said(running))


def said(running: Running) -> str:
    """Return how far a proof is: Step 2 of 11, R2: No movement was edited, removed or slipped in."""
    step = min(running.done + 1, running.of)
    return f"Step {step} of {running.of}{words.DOT}{running.doing}" if running.of > 1 else f"{running.doing} ..."


def _show_problem(running: Running, problem: StockError) -> None:
    if isinstance(problem, SignInRequired):  # of who started it, not of who looks
        st.error(f"The last proof ended because {words.plain(running.who)} was signed out meanwhile.")
    elif isinstance(problem, Unavailable) or type(problem) is StockError:
        st.error(words.plain(problem.message), icon=":material/error:")
    else:
        feedback.show(problem)
