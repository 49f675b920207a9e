"""How accurate past sessions were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from core.database.engine import call, rows_of
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require

LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """An applied session. `off`: the sum of its variances without their signs; `net`: with them."""

    count_id: int
    name: str
    ended_at: datetime
    is_undone: bool
    lines: int
    right_lines: int
    expected: int
    off: int
    net: int
    expected_money: Decimal
    off_money: Decimal
    net_money: Decimal

    @property
    def lines_right(self) -> float:
        """The percentage of lines without a variance."""
        return 100 * self.right_lines / self.lines

    @property
    def units_right(self) -> float | None:
        """The percentage of the expected units that was not off; None if none was expected."""
        return _right(self.off, self.expected)

    @property
    def money_right(self) -> float | None:
        """The same of the value of the units."""
        return _right(float(self.off_money), float(self.expected_money))


def _right(off: float, expected: float) -> float | None:
    return max(0.0, 100 * (1 - off / expected)) if expected else None


def accuracy(connection: Connection, actor: Actor) -> tuple[Accuracy, ...]:
    """Return the applied sessions, the latest first."""
    require(connection, actor, Permission.VIEW)
    statement = f"""select * from stockroom_api.count_accuracy order by ended_at desc, count_id desc
                     limit {LISTED}"""  # noqa: S608 - a number of ours
    return rows_of(Accuracy, call(connection, statement, {}))
