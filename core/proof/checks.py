"""The checks R1, R2 and so on, of ledger, sales and installation. They report faults and never repair them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.database.engine import array, call
from core.foundation import errors
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ASKER, asker
from core.proof import words as proof_words

EXAMPLES = 20
CODES = tuple(proof_words.CHECKS)
_RUN = f"select * from stockroom_api.run_checks({ASKER}, %(examples)s, cast(%(codes)s as text[]), %(full)s)"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of a check: rows checked, rows that fail, and the first of these as sentences and as facts.

    `not_compared` says why a check could not compare with Stripe; then it covers only our own data. `since` is the end
    of the run after which a recent check looked; None: it looked at everything.
    """

    code: str
    title: str
    checked: int
    failures: int
    examples: tuple[str, ...]
    faults: tuple[proof_words.Fault, ...] = ()
    not_compared: str | None = None
    since: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether the check passes."""
        return self.failures == 0

    @property
    def covers(self) -> str | None:
        """What a recent check covered, as a sentence; None: everything."""
        return proof_words.RECENT.get(self.code) if self.since else None


def run_checks(
    connection: Connection, actor: Actor, *, codes: Sequence[str] = CODES, full: bool = True
) -> tuple[CheckResult, ...]:
    """Run checks over the whole ledger, which takes some seconds for a million movements.

    Unless `full`, most checks cover only what came after an earlier run: `CheckResult.covers` says what. Raises
    InvalidInput for an unknown code, Forbidden, SignInRequired.
    """
    if unknown := [code for code in codes if code not in CODES]:
        raise errors.invalid("check", f"{unknown[0]!r} is not one of {', '.join(CODES)}")
    values = {"examples": EXAMPLES, "codes": array(codes), "full": full} | asker(actor, Permission.VIEW)
    return tuple(_result(row) for row in call(connection, _RUN, values))


def _result(row: Any) -> CheckResult:
    code, checked, failures, examples, since = row
    title, tell = proof_words.CHECKS[code]
    sentences = tuple(tell(fault) for fault in examples)
    return CheckResult(
        code=code,
        title=title,
        checked=checked,
        failures=failures,
        examples=sentences,
        faults=tuple(examples),
        since=since,
    )
