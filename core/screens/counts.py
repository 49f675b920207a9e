"""One read for each screen of counts: the sessions, one session, the plan, and the past."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from core.counts import applying, entering, past, plan, review, sessions
from core.counts.applying import Result
from core.counts.entering import Entry, Uncounted
from core.counts.past import Accuracy
from core.counts.plan import ClassSum, Planned, Rules
from core.counts.review import Variance
from core.counts.sessions import Session, State
from core.database.reading import read_only
from core.foundation.model import Actor
from core.ledger import given_up
from core.ledger.given_up import GivenUp
from core.screens.frame import Screen, head

UNCOUNTED = 200
PLANNED = 200
_POSTED = (State.APPLIED, State.UNDONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountList(Screen):
    """The open sessions, and those that have ended."""

    open: tuple[Session, ...]
    ended: tuple[Session, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCount(Screen):
    """A session with what its state shows: entries while counting, variances in review, results when applied."""

    session: Session
    entries: tuple[Entry, ...] = ()
    uncounted: tuple[Uncounted, ...] = ()
    variances: tuple[Variance, ...] = ()
    rules: Rules | None = None
    results: tuple[Result, ...] = ()
    given_up: tuple[GivenUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPlan(Screen):
    """What is due, by class."""

    due: tuple[Planned, ...]
    classes: tuple[ClassSum, ...]
    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPast(Screen):
    """How accurate the applied sessions were, the latest first."""

    rows: tuple[Accuracy, ...]


@read_only
def count_list(connection: Connection, actor: Actor) -> CountList:
    """Return the sessions."""
    top = head(connection, actor)
    is_open = sessions.sessions(connection, actor, is_open=True)
    return CountList(**top, open=is_open, ended=sessions.sessions(connection, actor, is_open=False))


@read_only
def one_count(connection: Connection, actor: Actor, *, count_id: int) -> OneCount | None:
    """Return a session with all that its page shows, or None."""
    top = head(connection, actor)
    found = sessions.session(connection, actor, count_id=count_id)
    if found is None:
        return None
    if found.state in _POSTED:
        return OneCount(
            **top, session=found, results=applying.results(connection, actor, count_id=count_id),
            given_up=given_up.by_operation(connection, actor, operation_id=found.operation_id or 0),
        )  # fmt: skip
    is_shown = found.state is State.REVIEW
    return OneCount(
        **top,
        session=found,
        entries=() if is_shown else entering.recent(connection, actor, count_id=count_id),
        uncounted=entering.uncounted(connection, actor, count_id=count_id, limit=UNCOUNTED),
        variances=review.variances(connection, actor, count_id=count_id) if is_shown else (),
        rules=plan.rules(connection, actor),
    )


@read_only
def count_plan(connection: Connection, actor: Actor) -> CountPlan:
    """Return what to count next."""
    return CountPlan(
        **head(connection, actor),
        due=plan.due(connection, actor, limit=PLANNED),
        classes=plan.classes(connection, actor),
        rules=plan.rules(connection, actor),
    )


@read_only
def count_past(connection: Connection, actor: Actor) -> CountPast:
    """Return how accurate past sessions were."""
    return CountPast(**head(connection, actor), rows=past.accuracy(connection, actor))
