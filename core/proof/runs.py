"""Running a proof: compare with Stripe, run the checks, record the results, and open a case for each check that fails.

Stripe is asked before the transaction begins. The checks and the record share one snapshot of the database, so that
the recorded head hash is that of the ledger that was checked.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from core.alerts import places
from core.database import replicas
from core.database.engine import array, call, run, sqlstate
from core.foundation.errors import StockError
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import load_settings
from core.people.access import Permission
from core.people.guard import ASKER, asker, require
from core.proof import notice
from core.proof import words as proof_words
from core.proof.checks import CODES, EXAMPLES, CheckResult, run_checks
from core.stripe.gateway import Gateway

log = logging.getLogger("stockroom")

COMPARED = "R3"
Tell = Callable[[str, int, int], None]
"""Called before each step with its name, the number of steps done, and the number of all steps."""
GRACE = timedelta(hours=1)
"""How long a payment may take to arrive before it counts as missing."""
AT_ONCE = 500
NO_KEY = "Not compared with Stripe: no key is set."
NOT_LIVE = "Not compared with Stripe: the shop is not live yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The result of the comparison with Stripe: objects looked at, ids unknown here, or why Stripe was not asked."""

    looked_at: int = 0
    unknown: tuple[str, ...] = ()
    why_not: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A recorded run of checks."""

    id: int
    results: tuple[CheckResult, ...]

    @property
    def holds(self) -> bool:
        """Whether all checks pass; a comparison that was not made does not count."""
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
    """Run checks, R3 also with Stripe, and record the results. Raises InvalidInput, Forbidden, SignInRequired."""
    run(engine, may_prove, actor)
    began = datetime.now(UTC)
    if COMPARED in codes and gateway is not None:
        tell("Comparing payments and refunds with Stripe", 0, len(codes))
    compared = compare(engine, gateway, actor) if COMPARED in codes else Compared()
    done: Run = run(engine, _prove, actor, codes=tuple(codes), full=full, compared=compared, began=began, tell=tell)
    return done


def may_prove(connection: Connection, actor: Actor) -> None:
    """Raise Forbidden or SignInRequired unless this person may run a proof."""
    require(connection, actor, Permission.PROVE)


def compare(engine: Engine, gateway: Gateway | None, actor: Actor) -> Compared:
    """Compare the payments and refunds at Stripe with ours. No transaction is open while Stripe is asked."""
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
    """Run the daily proof in full and send its head hash. After a crash before the sending, it runs again."""
    done = prove(engine, gateway, COMMAND_LINE)
    names = list(run(engine, places.destinations, COMMAND_LINE, settings=load_settings()))
    run(engine, notice.tell, COMMAND_LINE, run_id=done.id, results=done.results, destinations=names)
    failing = [result.code for result in done.results if not result.holds]
    say(f"Verified the books: {', '.join(failing) + ' fail' if failing else 'every check passes'}.")
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
    results = tuple(_with_stripe(each, compared) for each in _checked(connection, actor, codes, full, tell))
    rows = json.dumps([asdict(result) for result in results], default=datetime.isoformat)
    statement = f"select stockroom_api.record_run({ASKER}, %(began)s, %(full)s, %(rows)s::jsonb)"
    values = {"began": began, "full": full, "rows": rows} | asker(actor, Permission.PROVE)
    return Run(id=call(connection, statement, values)[0][0], results=results)


def _checked(
    connection: Connection, actor: Actor, codes: Sequence[str], full: bool, tell: Tell
) -> tuple[CheckResult, ...]:
    """Return the results of the checks; a full run reads from a replica, if there is one.

    The replica's snapshot contains that of `connection`, in which the run is recorded with its head hash.
    """
    if full:
        try:
            with replicas.beside(connection) as reader:
                if reader is not None:
                    return tuple(_found(reader, actor, codes=codes, full=full, tell=tell))
        except DBAPIError as error:  # such as a conflict with what the replica had to replay
            log.warning("A replica did not finish the proof: the primary runs it (%s)", sqlstate(error))
    return tuple(_found(connection, actor, codes=codes, full=full, tell=tell))


def _found(
    connection: Connection, actor: Actor, *, codes: Sequence[str], full: bool, tell: Tell
) -> Iterator[CheckResult]:
    """Yield the result of each check in turn, reporting progress before each."""
    wanted = [code for code in CODES if code in codes]
    if len(wanted) < len(set(codes)):
        run_checks(connection, actor, codes=codes)  # refuses the unknown one
    for place, code in enumerate(wanted):
        tell(f"{code}: {proof_words.CHECKS[code][0]}", place, len(wanted))
        yield from run_checks(connection, actor, codes=[code], full=full)


def _with_stripe(result: CheckResult, compared: Compared) -> CheckResult:
    if result.code != COMPARED:
        return result
    missing = tuple(f"Stripe has {name}, but the shop does not" for name in compared.unknown)
    return replace(
        result,
        checked=result.checked + compared.looked_at,
        failures=result.failures + len(missing),
        examples=(result.examples + missing)[:EXAMPLES],
        faults=(result.faults + tuple(map(_named, compared.unknown)))[:EXAMPLES],
        not_compared=compared.why_not,
    )


def _named(name: str) -> dict[str, Any]:
    return {"refund_id" if name.startswith(("re_", "pyr_")) else "payment_id": name}
