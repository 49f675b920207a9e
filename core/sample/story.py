"""The simulation of the sample shop: its levels, its agenda, and what happened so far, step by step.

Each event waits on the agenda and is decided at its time, from the levels at that time. All random numbers come from
one fixed seed, so the same day gives the same story.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import count
from typing import Any

from core.foundation import days as shop_days
from core.sample.models import Model, variants

ZONE = "Europe/Berlin"
DAYS = 90
WANDA, SAM, MIA = "Wanda Weber", "Sam Okafor", "Mia Keller"
_SEED = 524
Action = Callable[[datetime], object]


class Kind(StrEnum):
    """What a step is. STOCK is a movement by a person; PAY to CLOSE happen at Stripe; the others are decisions here."""

    STOCK = "stock"
    PAY = "pay"
    CHECKOUT = "checkout"
    ABANDON = "abandon"
    PROCESS = "process"
    REFUND = "refund"
    FAIL_REFUND = "fail_refund"
    DISPUTE = "dispute"
    CLOSE_DISPUTE = "close_dispute"
    RETURN = "return"
    RESOLVE = "resolve"


AT_STRIPE = frozenset(
    {
        Kind.PAY, Kind.CHECKOUT, Kind.ABANDON, Kind.PROCESS, Kind.REFUND, Kind.FAIL_REFUND, Kind.DISPUTE,
        Kind.CLOSE_DISPUTE,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the ledger: its lines share type, reason, reference and note. `undoes` is another's key."""

    key: str
    kind: str
    performed_by: str
    at: datetime
    movement_type: str
    reason: str
    lines: Mapping[str, int]
    reference_type: str | None = None
    reference: str | None = None
    note: str | None = None
    undoes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the story. `what` has its facts as JSON; `name` is the order, for those about an order."""

    kind: Kind
    at: datetime
    name: str = ""
    what: Mapping[str, Any] = field(default_factory=dict)


class Story:
    """A shop of these models from its opening, so many days ago, until `now`."""

    def __init__(self, models: tuple[Model, ...], now: datetime, days: int = DAYS) -> None:
        self.models = models
        self.days = days
        self.variants = variants(models)
        self.random = random.Random(_SEED)  # noqa: S311 - a story, not a secret
        self.levels: dict[str, int] = {}
        self.delivered: dict[str, datetime] = {}
        self.steps: list[Step] = []
        self.numbers = {"order": count(10_001), "receipt": count(2_001), "operation": count(1)}
        self.counted = 0
        self.now = now
        self._agenda: list[tuple[datetime, int, Action]] = []
        self._places = count()
        self._opening = shop_days.of(now, ZONE) - timedelta(days=days)

    def moment(self, day: int, hour: float) -> datetime:
        """Return a time of the shop's clock on a day after the opening."""
        clock = time(int(hour), int(hour * 60 % 60), int(hour * 3600 % 60))
        return shop_days.moment(datetime.combine(self._opening + timedelta(days=day), clock), ZONE)

    def day(self, at: datetime) -> int:
        """Return the day of a moment, counted from the opening."""
        return (shop_days.of(at, ZONE) - self._opening).days

    def weekday(self, day: int) -> int:
        """Return the weekday of a day after the opening; Monday is 0."""
        return (self._opening + timedelta(days=day)).weekday()

    def plan(self, day: int, hour: float, action: Action) -> None:
        """Put an action on the agenda for an hour of a day, up to a minute later."""
        self.plan_at(self.moment(day, hour + self.random.random() / 60), action)

    def plan_at(self, at: datetime, action: Action) -> None:
        """Put an action on the agenda for a moment."""
        heapq.heappush(self._agenda, (at.astimezone(UTC), next(self._places), action))

    def run(self) -> list[Step]:
        """Run the agenda in order until now, and return all steps."""
        while self._agenda and self._agenda[0][0] <= self.now:
            at, _, action = heapq.heappop(self._agenda)
            action(at)
        return self.steps

    def tell(self, kind: Kind, at: datetime, name: str = "", **what: Any) -> None:
        """Add a step."""
        self.steps.append(Step(kind=kind, at=at, name=name, what=what))

    def do(self, at: datetime, kind: str, who: str, movement_type: str, reason: str, lines: Mapping[str, int],
           **more: str | None) -> Operation:  # fmt: skip
        """Add an operation of the ledger and change the levels."""
        self.move(lines)
        operation = Operation(
            key=f"sample:{next(self.numbers['operation'])}", kind=kind, performed_by=who, at=at,
            movement_type=movement_type, reason=reason, lines=lines, **more,
        )  # fmt: skip
        self.steps.append(Step(kind=Kind.STOCK, at=at, what={"operation": operation}))
        return operation

    def move(self, lines: Mapping[str, int]) -> None:
        """Change the levels."""
        for sku, units in lines.items():
            self.levels[sku] = self.levels.get(sku, 0) + units
            assert self.levels[sku] >= 0, f"{sku} would fall below zero"

    def deliver(self, at: datetime, lines: Mapping[str, int]) -> None:
        """Receive a delivery."""
        number = f"LS-{next(self.numbers['receipt'])}"
        self.do(at, "receive", WANDA, "purchase", "delivery", lines, reference_type="receipt", reference=number)

    def some_sku(self, units: int) -> str:
        """Return a random SKU with at least so many units."""
        return self.random.choice([sku for sku, level in self.levels.items() if level >= units])
