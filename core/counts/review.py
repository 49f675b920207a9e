"""The review of a session: each counted line against the ledger at the counted second, and what people decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.text import clean
from core.ledger.changes import units as whole
from core.people.access import Permission
from core.people.guard import ask


class Decision(StrEnum):
    """What a person decides about a line. The variance is applied if nobody decides anything."""

    ACCEPT = "accept"
    RECOUNT = "recount"
    NOW = "now"
    SUM = "sum"
    PERSON = "person"


class Question(StrEnum):
    """Why a line needs a decision. Conflict: people disagree. Moved: units moved while it was being counted."""

    CONFLICT = "conflict"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one person has counted of a line. `is_scanned`: unit by unit, without a typed number."""

    person_id: int
    person: str
    units: int
    is_scanned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variance:
    """One counted line. `expected`: the level at the counted second; `since`: net units moved after it.

    `counted` and `variance` are None while people disagree. `target`: the level after applying; `missing`: units that
    were sold since though they were not there; `is_over`: the variance is over the limit; `valued_by`: cost or price.
    """

    sku: str
    product: str
    size: str | None
    color: str | None
    variant_id: UUID
    place: int
    is_extra: bool
    round: int
    people: tuple[Tally, ...]
    who: str
    is_zeroed: bool
    counted: int | None
    counted_at: datetime
    expected: int
    variance: int | None
    on_hand: int
    reserved: int
    since: int
    since_movements: int
    target: int | None
    missing: int | None
    unit_value: Decimal | None
    valued_by: str | None
    question: Question | None
    is_over: bool
    approved_by: str | None
    decided_by: str | None

    @property
    def money(self) -> Decimal | None:
        """The variance in money, or None where the variant has neither a cost nor a price."""
        if self.unit_value is None or self.variance is None:
            return None
        return self.variance * self.unit_value

    @property
    def held_too_much(self) -> int:
        """Units that checkouts hold beyond the level after applying."""
        return max(0, self.reserved - self.target) if self.target is not None else 0

    @property
    def waits_for_approval(self) -> bool:
        """Whether a second person has to approve it."""
        return self.is_over and self.approved_by is None

    def counted_by(self, actor: Actor) -> bool:
        """Return whether this person has counted the line."""
        return any(tally.person_id == (actor.user_id or 0) for tally in self.people)


def variances(connection: Connection, actor: Actor, *, count_id: int) -> tuple[Variance, ...]:
    """Return the counted lines of a session as people walk past them.

    Raises InvalidInput while a blind session is still being counted, Forbidden, SignInRequired.
    """
    rows = ask(connection, actor, Permission.VIEW, "review_lines", count_id=count_id)
    return rows_of(Variance, rows, people=_people, question=lambda said: Question(said) if said else None)


def _people(rows: Sequence[Mapping[str, Any]]) -> tuple[Tally, ...]:
    names = Tally.__dataclass_fields__
    return tuple(Tally(**{name: row[name] for name in names}) for row in rows)


def decide(
    connection: Connection,
    actor: Actor,
    *,
    count_id: int,
    variant_id: UUID,
    what: Decision,
    units: int | None = None,
    person_id: int | None = None,
    seen: int | None = None,
    key: str,
) -> None:
    """Decide one line of a session in review. `units` is what a person sees now, `person_id` whose number counts.

    `seen`: the sum, or the number of that person, that this person was shown. Raises InvalidInput, also if
    it is another one now, Forbidden, SignInRequired.
    """
    if what is Decision.PERSON and person_id is None:
        raise invalid("person", "is required")
    now = whole(units, "units", lowest=0) if what is Decision.NOW else None
    ask(
        connection, actor, Permission.COUNT, "decide_line", count_id=count_id, variant_id=variant_id,
        what=Decision(what).value, units=now, person_id=person_id, seen=seen, key=clean(key, "key", 200),
    )  # fmt: skip


def approve(connection: Connection, actor: Actor, *, count_id: int, lines: Sequence[Variance]) -> int:
    """Approve lines over the limit at the variances shown, as the second person, and return how many.

    Raises InvalidInput for a person who counted one of them or if a variance has changed, Forbidden, SignInRequired.
    """
    found = ask(
        connection, actor, Permission.APPROVE_COUNT, "approve_lines", count_id=count_id,
        variant_ids=array(line.variant_id for line in lines), variances=array(line.variance for line in lines),
    )  # fmt: skip
    return int(found[0][0])


def zero_uncounted(connection: Connection, actor: Actor, *, count_id: int, lines: int, key: str) -> int:
    """Set every line that nobody has counted to zero; `lines` is how many this person was shown.

    This person counts as the one who counted them. Raises InvalidInput if they are not that many any more.
    """
    shown = whole(lines, "lines", lowest=1)
    return int(ask(connection, actor, Permission.COUNT, "zero_uncounted", count_id=count_id, lines=shown,
                   key=clean(key, "key", 150))[0][0])  # fmt: skip
