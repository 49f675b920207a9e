"""Sending the daily proof with the head hash of the ledger, and comparing a received head hash with the ledger.

A message stored elsewhere cannot be changed by an administrator of the database. If history is rewritten later, even
consistently, the ledger no longer has the head hash in that message.
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
    """A head hash compared with the ledger: the run that had it, and the state of the movements up to that run."""

    run_id: int
    ended_at: datetime
    movements: int
    is_same: bool
    broken: int
    first_broken: int | None

    @property
    def holds(self) -> bool:
        """Whether all movements up to that run are unchanged."""
        return self.is_same and not self.broken


def tell(
    connection: Connection, _: Actor, *, run_id: int, results: Sequence[CheckResult], destinations: Sequence[str]
) -> int:
    """Put the result of a run and its head hash into the outbox of each destination that receives daily proofs.

    A run is sent once. Returns the number of destinations.
    """
    statement = """select r.ended_at, r.head_hash, s.name, s.zone
                     from stockroom_api.proof_history r, stockroom_api.shop s where r.id = %(run_id)s"""
    ((ended_at, head, shop, zone),) = call(connection, statement, {"run_id": run_id})
    message = _message(results, run_id=run_id, at=ended_at, head=head, shop=shop, zone=zone)
    values = {"run_id": run_id, "names": list(destinations), "title": message.title, "body": message.body}
    statement = "select stockroom_api.enqueue_proof(%(run_id)s, %(names)s::text[], %(title)s, %(body)s)"
    count: int = call(connection, statement, values)[0][0]
    return count


def _message(results: Sequence[CheckResult], *, run_id: int, at: datetime, head: str, shop: str, zone: str) -> Message:
    """Return the message of the daily proof: failing checks, the number of movements, and the whole head hash."""
    failing = [result for result in results if not result.holds]
    found = f"{', '.join(result.code for result in failing)} fail" if failing else "every check passes"
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
        "Keep this message. This command shows, at any later time, whether an earlier movement was changed or removed:",
        f"python -m core reconcile --head {head}",
    ]
    return Message(title=f"{shop}: the daily proof, {found}"[:180], body="\n".join(lines))


def check_head(connection: Connection, actor: Actor, *, head: str) -> HeadCheck | None:
    """Compare a received head hash with the ledger, or return None if no recorded run had it.

    Raises InvalidInput if `head` is not a head hash, Forbidden, SignInRequired.
    """
    head = head.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", head):
        raise errors.invalid("head hash", "must be 64 hexadecimal digits")
    statement = f"""select run_id, ended_at, movements, computed = decode(%(head)s, 'hex'), broken, first_broken
                      from stockroom_api.check_head({ASKER}, decode(%(head)s, 'hex'))"""  # noqa: S608 - constants
    found = rows_of(HeadCheck, call(connection, statement, {"head": head} | asker(actor, Permission.PROVE)))
    return found[0] if found else None
