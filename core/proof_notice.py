"""The head hash leaves the house: the daily proof as a message, and a hash that was received held against the ledger.

Whoever keeps the message elsewhere has what no administrator of the database can change: a history that was rewritten
since, however consistently, does not come to the hash in it any more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core import delivery_texts, errors
from core.access import Permission
from core.database import call
from core.guard import ASKER, asker
from core.model import Actor
from core.reconciliation import CheckResult


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
    message = delivery_texts.about_proof(results, run_id=run_id, at=ended_at, head=head, shop=shop, zone=zone)
    values = {"run_id": run_id, "names": list(destinations), "title": message.title, "body": message.body}
    statement = "select stockroom_api.enqueue_proof(%(run_id)s, %(names)s::text[], %(title)s, %(body)s)"
    told: int = call(connection, statement, values)[0][0]
    return told


def check_head(connection: Connection, actor: Actor, *, head: str) -> HeadCheck | None:
    """Hold a head hash that was received against the ledger; None where no run on record had it.

    Raises InvalidInput for what is no head hash, Forbidden, SignInRequired.
    """
    head = head.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", head):
        raise errors.invalid("head hash", "has 64 digits and letters from a to f")
    statement = f"""select run_id, ended_at, movements, computed = decode(%(head)s, 'hex'), broken, first_broken
                      from stockroom_api.check_head({ASKER}, decode(%(head)s, 'hex'))"""  # noqa: S608 - constants
    rows = call(connection, statement, {"head": head} | asker(actor, Permission.PROVE))
    if not rows:
        return None
    run_id, ended_at, movements, is_same, broken, first_broken = rows[0]
    return HeadCheck(
        run_id=run_id, ended_at=ended_at, movements=movements, is_same=is_same, broken=broken, first_broken=first_broken
    )
