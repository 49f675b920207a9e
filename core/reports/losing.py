"""The report about what left the shelf without a sale."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from core.foundation.model import Actor, MovementType
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Kind, Link, Report, Table
from core.reports.periods import Period


def losses(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the units lost by reason and person."""
    require(connection, actor, Permission.VIEW)
    labels = {(row.movement_type, row.reason): row.label for row in reports.reasons(connection, actor)}
    given = choosing.variants(connection, filter)
    lost = func.stockroom_api.variant_losses(period.first, period.last, given).table_valued(
        "variant_id", "movement_type", "reason", "performed_by", "lost", "found", "value", "uncosted"
    )
    key = (lost.c.movement_type, lost.c.reason, lost.c.performed_by)
    query = select(
        *key, func.sum(lost.c.lost).label("lost"), func.sum(lost.c.found).label("found"),
        func.sum(lost.c.value).label("value"), func.sum(lost.c.uncosted).label("uncosted"),
    ).group_by(*key)  # fmt: skip
    found = [row for row in connection.execute(query) if row.lost]
    found.sort(key=lambda row: (-row.lost, row.reason, row.performed_by))
    columns = (
        Column(name="reason", title="Reason"),
        Column(name="performed_by", title="By"),
        Column(name="lost", title="Lost", kind=Kind.UNITS, about="Units that left the shelf"),
        Column(name="found", title="Found", kind=Kind.UNITS, about="Units that came by the same reason, as in counts"),
        Column(name="net", title="Net", kind=Kind.UNITS, about="Found less lost"),
        Column(name="value", title="Value", kind=Kind.MONEY, about="What the lost units were worth, at cost"),
    )
    names = [labels.get((MovementType(row.movement_type), row.reason), row.reason) for row in found]
    rows = tuple(
        (name, row.performed_by, row.lost, row.found, row.found - row.lost, row.value)
        for name, row in zip(names, found, strict=True)
    )
    most = choosing.largest((name, row.lost) for name, row in zip(names, found, strict=True))
    uncosted = sum(row.uncosted for row in found)
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(_movements(name, row, period) for name, row in zip(names, found, strict=True)),
        chart=Chart(
            title="Units lost by reason", kind=Kind.UNITS, names=tuple(name for name, _ in most),
            series={"Lost": tuple(units for _, units in most)},
        ),
        main=("performed_by", "lost"),
        note=f"{uncosted:,} lost units have no known cost and are not in the value." if uncosted else "",
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _movements(label: str, row: Any, period: Period) -> Link:
    """Return the movements of a row."""
    query = {
        "mov_reason": label,
        "mov_by": row.performed_by,
        "mov_from": period.first.isoformat(),
        "mov_to": period.last.isoformat(),
    }
    return Link(page="movements", query=query)


LOSSES = Report(
    name="losses",
    title="Losses",
    about=(
        "Units that left the shelf by an adjustment or a count in the period, by reason and person. What was undone is "
        "no loss, and a first count finds nothing."
    ),
    run=losses,
    nothing="No units were lost in this period.",
)
