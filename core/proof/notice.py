"""The head hash leaves the house: the daily proof as a message, and a hash that was received held against the ledger.

Whoever keeps the message elsewhere has what no administrator of the database can change: a history that was rewritten
since, however consistently, does not come to the hash in it any more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core.alerts.notifier import Message
from core.database.engine import call, rows_of
from core.foundation import errors
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ASKER, asker
from core.proof.checks import CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadCheck:
    """A head hash held against the ledger: the run that had it, and what the movements up to there come to now."""

    run_id: int
    ended_at: datetime
    movements: int
    is_same: bool
    broken: int
    first_broken: int | None

    @property
    def holds(self) -> bool:
        """Whether every movement up to that run is there as it was."""
        return self.is_same and not self.broken


def tell(
    connection: Connection, _: Actor, *, run_id: int, results: Sequence[CheckResult], destinations: Sequence[str]
) -> int:
    """Put what a run found, with its head hash, into the outbox of each destination that wishes it, once for a run.

    Returns for how many.
    """
    statement = """select r.ended_at, r.head_hash, s.name, s.zone
                     from stockroom_api.proof_history r, stockroom_api.shop s where r.id = %(run_id)s"""
    ((ended_at, head, shop, zone),) = call(connection, statement, {"run_id": run_id})
    message = _message(results, run_id=run_id, at=ended_at, head=head, shop=shop, zone=zone)
    values = {"run_id": run_id, "names": list(destinations), "title": message.title, "body": message.body}
    statement = "select stockroom_api.enqueue_proof(%(run_id)s, %(names)s::text[], %(title)s, %(body)s)"
    told: int = call(connection, statement, values)[0][0]
    return told


def _message(results: Sequence[CheckResult], *, run_id: int, at: datetime, head: str, shop: str, zone: str) -> Message:
    """Return the message of the daily proof: what holds, how many movements, and the head hash, whole."""
    failing = [result for result in results if not result.holds]
    found = f"{', '.join(result.code for result in failing)} fail" if failing else "every check holds"
    when = f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    movements = next((result.checked for result in results if result.code == "R2"), 0)
    lines = [
        f"Run {run_id} of {when}: {found}.",
        *(f"{result.code} fails: {result.title}. {result.failures:,} found." for result in failing),
        *(result.not_compared for result in results if result.not_compared),
        "",
        f"{movements:,} movement{'' if movements == 1 else 's'}. The head hash of the ledger:",
        head,
        "",
        "Keep this message. At any later time this tells whether a movement before it was changed or removed since:",
        f"python -m core reconcile --head {head}",
    ]
    return Message(title=f"{shop}: the daily proof, {found}"[:180], body="\n".join(lines))


def check_head(connection: Connection, actor: Actor, *, head: str) -> HeadCheck | None:
    """Hold a head hash that was received against the ledger; None where no run on record had it.

    Raises InvalidInput for what is no head hash, Forbidden, SignInRequired.
    """
    head = head.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", head):
        raise errors.invalid("head hash", "has 64 digits and letters from a to f")
    statement = f"""select run_id, ended_at, movements, computed = decode(%(head)s, 'hex'), broken, first_broken
                      from stockroom_api.check_head({ASKER}, decode(%(head)s, 'hex'))"""  # noqa: S608 - constants
    found = rows_of(HeadCheck, call(connection, statement, {"head": head} | asker(actor, Permission.PROVE)))
    return found[0] if found else None
