"""Reads of recorded proofs: the last result of each check, and every run with its results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.database.reading import read_only
from core.foundation.model import Actor, Shop
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.proof.checks import CheckResult
from core.proof.words import CHECKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The last result of a check. `ended_at` is None if it has not run. `alert_id` is its open case."""

    result: CheckResult
    run_id: int | None
    ended_at: datetime | None
    is_full: bool
    alert_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as the history shows it, with the codes of failed checks and of those that could not ask Stripe."""

    id: int
    began_at: datetime
    ended_at: datetime
    performed_by: str
    is_full: bool
    head_hash: str
    checks: int
    failing: tuple[str, ...]
    uncompared: tuple[str, ...]

    @property
    def took(self) -> timedelta:
        """How long it took, without the questions to Stripe before it."""
        return self.ended_at - self.began_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofState:
    """The last result of each check, the last run, and the roles of the database that may move stock."""

    shop: Shop
    checks: tuple[Checked, ...]
    last: RunRow | None
    movers: tuple[str, ...]

    @property
    def failing(self) -> tuple[Checked, ...]:
        """The checks that fail."""
        return tuple(each for each in self.checks if not each.result.holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """A run with the result of each check."""

    shop: Shop
    run: RunRow
    results: tuple[CheckResult, ...]


_FOUND = "code, title, checked, failures, examples, faults, not_compared, since"
_STATE = f"select {_FOUND}, run_id, ended_at, is_full, alert_id from stockroom_api.proof_state"  # noqa: S608 - constants
_RUNS = """
    select id, began_at, ended_at, performed_by, is_full, head_hash, checks, failing, uncompared
      from stockroom_api.proof_history"""
_RESULTS = f"select {_FOUND} from stockroom_api.proof_results where run_id = %(id)s order by place"  # noqa: S608


@read_only
def state(connection: Connection, actor: Actor) -> ProofState:
    """Return the last result of each check, in their order; one that has not run has checked 0 rows."""
    require(connection, actor, Permission.VIEW)
    found = {row[0]: _checked(row) for row in call(connection, _STATE, {})}
    checks = tuple(found.get(code) or _never(code, title) for code, (title, _) in CHECKS.items())
    last = runs(connection, actor, limit=1)
    return ProofState(
        shop=reports.shop(connection, actor),
        checks=checks,
        last=last[0] if last else None,
        movers=stock_movers(connection, actor),
    )


def stock_movers(connection: Connection, actor: Actor) -> tuple[str, ...]:
    """Return the roles of the database that may move stock, in alphabetical order. R12 fails if others can."""
    require(connection, actor, Permission.VIEW)
    return tuple(row[0] for row in call(connection, "select name from stockroom_api.stock_movers() order by name", {}))


@read_only
def runs(connection: Connection, actor: Actor, *, before: int | None = None, limit: int = 50) -> tuple[RunRow, ...]:
    """Return runs, latest first, starting after the run `before`."""
    require(connection, actor, Permission.VIEW)
    statement = f"{_RUNS} where %(before)s::bigint is null or id < %(before)s order by id desc limit %(limit)s"
    return _runs(call(connection, statement, {"before": before, "limit": limit}))


@read_only
def whole_run(connection: Connection, actor: Actor, *, run_id: int) -> WholeRun | None:
    """Return one run with its results, or None."""
    require(connection, actor, Permission.VIEW)
    found = call(connection, f"{_RUNS} where id = %(id)s", {"id": run_id})
    if not found:
        return None
    results = tuple(map(_result, call(connection, _RESULTS, {"id": run_id})))
    return WholeRun(shop=reports.shop(connection, actor), run=_runs(found)[0], results=results)


def _runs(rows: Iterable[Any]) -> tuple[RunRow, ...]:
    return rows_of(RunRow, ((*row[:-2], tuple(row[-2]), tuple(row[-1])) for row in rows))


def _result(row: Sequence[Any]) -> CheckResult:
    return rows_of(CheckResult, [[tuple(each) if isinstance(each, list) else each for each in row[:8]]])[0]


def _checked(row: Sequence[Any]) -> Checked:
    return rows_of(Checked, [(_result(row), *row[8:])])[0]


def _never(code: str, title: str) -> Checked:
    result = CheckResult(code=code, title=title, checked=0, failures=0, examples=())
    return Checked(result=result, run_id=None, ended_at=None, is_full=False, alert_id=None)
