"""The proof: run the checks, compare with Stripe, keep what was found, and tell of it by cases.

Stripe is asked before any transaction begins. The checks and their record share one snapshot of the
database, so that the head hash on record is that of the very ledger which was checked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import array, call, run
from core.foundation.errors import StockError
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import load_settings
from core.people.access import Permission
from core.people.guard import ASKER, asker, require
from core.proof import notice
from core.proof import words as proof_words
from core.proof.checks import CODES, EXAMPLES, CheckResult, run_checks
from core.stripe.gateway import Gateway

COMPARED = "R3"
Tell = Callable[[str, int, int], None]
"""Told of each step before it begins: what is done now, how many steps are done, of how many."""
GRACE = timedelta(hours=1)
"""How long a payment may be on its way before it counts as lost."""
AT_ONCE = 500
NO_KEY = "Not compared with Stripe: no key is set."
NOT_LIVE = "Not compared with Stripe: the shop is not live yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the comparison with Stripe came to: how many were looked at, which are unknown here, or why nobody asked."""

    looked_at: int = 0
    unknown: tuple[str, ...] = ()
    why_not: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of checks on record."""

    id: int
    results: tuple[CheckResult, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found; what was not compared is neither found nor proven."""
        return all(result.holds for result in self.results)


def prove(
    engine: Engine,
    gateway: Gateway | None,
    actor: Actor,
    *,
    codes: Sequence[str] = CODES,
    full: bool = True,
    tell: Tell = lambda *_: None,
) -> Run:
    """Run checks, R3 with Stripe itself, and keep what they found. Raises InvalidInput, Forbidden, SignInRequired."""
    run(engine, may_prove, actor)
    began = datetime.now(UTC)
    if COMPARED in codes and gateway is not None:
        tell("Comparing payments and refunds with Stripe", 0, len(codes))
    compared = compare(engine, gateway, actor) if COMPARED in codes else Compared()
    done: Run = run(engine, _prove, actor, codes=tuple(codes), full=full, compared=compared, began=began, tell=tell)
    return done


def may_prove(connection: Connection, actor: Actor) -> None:
    """Raise Forbidden or SignInRequired unless this person may prove."""
    require(connection, actor, Permission.PROVE)


def compare(engine: Engine, gateway: Gateway | None, actor: Actor) -> Compared:
    """Compare the payments and refunds at Stripe with the books, with no transaction open while Stripe is asked."""
    if gateway is None:
        return Compared(why_not=NO_KEY)
    since = run(engine, _compare_since, actor)
    if since is None:
        return Compared(why_not=NOT_LIVE)
    until = datetime.now(UTC) - GRACE
    looked_at, unknown = 0, list[str]()
    try:
        for asked, ids in (("payments", _paid(gateway.payments(since, until), gateway.livemode)),
                           ("refunds", _went_through(gateway.refunds(since, until)))):  # fmt: skip
            while some := list(islice(ids, AT_ONCE)):
                looked_at += len(some)
                unknown += run(engine, _not_known, actor, **{asked: some})
    except StockError as error:
        return Compared(why_not=f"Not compared with Stripe: {error.message}")
    return Compared(looked_at=looked_at, unknown=tuple(unknown))


def reconcile_daily(engine: Engine, gateway: Gateway | None, say: Callable[[str], None], _: threading.Event) -> bool:
    """The daily proof, as a chore: everything, in full, and its head hash told. Who dies before that proves anew."""
    done = prove(engine, gateway, COMMAND_LINE)
    names = list(load_settings().destinations)
    run(engine, notice.tell, COMMAND_LINE, run_id=done.id, results=done.results, destinations=names)
    failing = [result.code for result in done.results if not result.holds]
    say(f"Proved the books: {', '.join(failing) + ' fail' if failing else 'every check holds'}.")
    return False


def _paid(payments: Iterable[dict[str, Any]], livemode: bool) -> Iterator[str]:
    for payment in payments:
        if payment.get("status") == "succeeded" and payment.get("livemode", livemode) == livemode:
            yield str(payment["id"])


def _went_through(refunds: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (str(refund["id"]) for refund in refunds if refund.get("status") == "succeeded")


def _compare_since(connection: Connection, actor: Actor) -> datetime | None:
    require(connection, actor, Permission.PROVE)
    since: datetime | None = call(connection, "select stockroom_api.compare_since()", {})[0][0]
    return since


def _not_known(
    connection: Connection, actor: Actor, *, payments: Sequence[str] = (), refunds: Sequence[str] = ()
) -> list[str]:
    require(connection, actor, Permission.PROVE)
    statement = "select stockroom_api.not_known(cast(%(payments)s as text[]), cast(%(refunds)s as text[]))"
    found = call(connection, statement, {"payments": array(payments), "refunds": array(refunds)})
    return [name for (name,) in found]


def _prove(
    connection: Connection,
    actor: Actor,
    *,
    codes: Sequence[str],
    full: bool,
    compared: Compared,
    began: datetime,
    tell: Tell,
) -> Run:
    connection.exec_driver_sql("set transaction isolation level repeatable read")
    found = _found(connection, actor, codes=codes, full=full, tell=tell)
    results = tuple(_with_stripe(each, compared) for each in found)
    told = json.dumps([asdict(result) for result in results])
    statement = f"select stockroom_api.record_run({ASKER}, %(began)s, %(full)s, %(told)s::jsonb)"
    values = {"began": began, "full": full, "told": told} | asker(actor, Permission.PROVE)
    return Run(id=call(connection, statement, values)[0][0], results=results)


def _found(
    connection: Connection, actor: Actor, *, codes: Sequence[str], full: bool, tell: Tell
) -> Iterator[CheckResult]:
    """Yield what each check finds, one after the other, so that somebody who waits sees how far it is."""
    wanted = [code for code in CODES if code in codes]
    if len(wanted) < len(set(codes)):
        run_checks(connection, actor, codes=codes)  # refuses the one that is unknown
    for place, code in enumerate(wanted):
        tell(f"{code}: {proof_words.CHECKS[code][0]}", place, len(wanted))
        yield from run_checks(connection, actor, codes=[code], full=full)


def _with_stripe(result: CheckResult, compared: Compared) -> CheckResult:
    if result.code != COMPARED:
        return result
    told = tuple(f"Stripe has {name}, and it is not in the books" for name in compared.unknown)
    return replace(
        result,
        checked=result.checked + compared.looked_at,
        failures=result.failures + len(told),
        examples=(result.examples + told)[:EXAMPLES],
        faults=(result.faults + tuple(map(_named, compared.unknown)))[:EXAMPLES],
        not_compared=compared.why_not,
    )


def _named(name: str) -> dict[str, Any]:
    return {"refund_id" if name.startswith(("re_", "pyr_")) else "payment_id": name}
