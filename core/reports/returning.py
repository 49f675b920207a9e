"""Reports about what comes back: restorations by product, and what people said about refunded goods."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, text

from core.foundation.model import Actor
from core.foundation.sales import Disposition
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.choosing import whole
from core.reports.model import Chart, Column, Filter, Grain, Kind, Link, Report, Table
from core.reports.periods import Period
from core.reports.selling import CHARTED, GRAINS, flows

_REASONS = text("select reason, label from stockroom_api.reasons where movement_type = 'restoration'")
_DISPOSITIONS = {
    Disposition.RESTOCK: "Back on the shelf",
    Disposition.DAMAGED: "Came back damaged",
    Disposition.NOT_RETURNED: "Not returned",
    Disposition.GOODWILL: "Goodwill",
    Disposition.INSPECT: "In inspection",
}
_REFUND_REASONS = {
    "requested_by_customer": "Requested by the buyer",
    "duplicate": "Paid twice",
    "fraudulent": "Fraud",
    "expired_uncaptured_charge": "Payment expired",
}
NO_REASON = "No reason given"


def restorations(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return the units that were put back, by reason, against those sold."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    given = choosing.variants(connection, filter)
    source = func.stockroom_api.variant_restorations(period.first, period.last, given)
    back = source.table_valued("variant_id", "reason", "units")
    reasons = {row.reason: row.label for row in connection.execute(_REASONS)}
    moved = flows(connection, period, filter)
    sold = {
        choosing.named(row, by): int(row.sold)
        for row in connection.execute(choosing.summed(moved, by, sold=whole(moved.c.sold)))
    }
    query = choosing.summed(back, by, reason=back.c.reason, units=whole(back.c.units)).group_by(back.c.reason)
    found: dict[tuple[Any, ...], tuple[Row[Any], dict[str, int]]] = {}
    for row in connection.execute(query):
        found.setdefault(choosing.named(row, by), (row, {}))[1][row.reason] = row.units
    order = sorted(found.items(), key=lambda each: (-sum(each[1][1].values()), choosing.sorted_by(each[1][0], by)))
    seen = [reason for reason in reasons if any(reason in units for _, units in found.values())]
    columns = (
        *choosing.names(by),
        *(Column(name=f"restored_{reason}", title=reasons[reason], kind=Kind.UNITS) for reason in seen),
        Column(name="restored", title="Put back", kind=Kind.UNITS, about="All units put back, without undone ones"),
        Column(name="sold", title="Sold", kind=Kind.UNITS, about="Units sold in the period"),
        Column(name="restored_part", title="Of those sold", kind=Kind.PERCENT),
    )
    rows = tuple(
        (*name, *(units.get(reason, 0) for reason in seen), sum(units.values()), sold.get(name, 0),
         _part(sum(units.values()), sold.get(name, 0)))
        for name, (_, units) in order
    )  # fmt: skip
    totals = choosing.total(rows, columns)
    all_sold = sum(sold.values())
    return Table(
        columns=columns,
        rows=rows,
        totals=(*totals[:-2], all_sold, _part(totals[-3], all_sold)),
        links=tuple(choosing.link(row, by) for _, (row, _) in order),
        chart=Chart(
            title="Units put back, most first", kind=Kind.UNITS,
            names=tuple(choosing.label(row, by) for _, (row, _) in order[:CHARTED]),
            series={"Put back": tuple(sum(units.values()) for _, (_, units) in order[:CHARTED])},
        ),
        main=("restored", "restored_part"),
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _part(back: int, sold: int) -> float | None:
    return round(100 * back / sold, 1) if sold > 0 else None


def refund_reasons(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return why goods were refunded, and what became of them, by product."""
    require(connection, actor, Permission.VIEW)
    by = filter.by or Grain.PRODUCT
    given = choosing.variants(connection, filter)
    source = func.stockroom_api.variant_returns(period.first, period.last, given)
    said = source.table_valued("variant_id", "refund_reason", "disposition", "refunds", "units")
    query = choosing.summed(
        said, by, refund_reason=said.c.refund_reason, disposition=said.c.disposition, units=whole(said.c.units)
    ).group_by(said.c.refund_reason, said.c.disposition)
    found: dict[tuple[Any, ...], tuple[Row[Any], dict[str, int]]] = {}
    for row in connection.execute(query):
        name = (*choosing.named(row, by), reason_label(row.refund_reason))
        units = found.setdefault(name, (row, {}))[1]
        units[row.disposition] = units.get(row.disposition, 0) + row.units
    order = sorted(found.items(), key=lambda each: (-sum(each[1][1].values()), tuple(map(str, each[0]))))
    columns = (
        *choosing.names(by),
        Column(name="refund_reason", title="Reason of the refund"),
        *(Column(name=what, title=title, kind=Kind.UNITS) for what, title in _DISPOSITIONS.items()),
        Column(name="units", title="Units", kind=Kind.UNITS, about="All units that people decided about"),
    )
    rows = tuple(
        (*name, *(units.get(what, 0) for what in _DISPOSITIONS), sum(units.values())) for name, (_, units) in order
    )
    most = choosing.largest((name[-1], sum(units.values())) for name, (_, units) in order)
    return Table(
        columns=columns,
        rows=rows,
        totals=choosing.total(rows, columns),
        links=tuple(_orders(row, by) for _, (row, _) in order),
        chart=Chart(
            title="Units by the reason of their refund", kind=Kind.UNITS, names=tuple(name for name, _ in most),
            series={"Units": tuple(units for _, units in most)},
        ),
        main=("refund_reason", "units"),
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _orders(row: Row[Any], by: Grain) -> Link | None:
    """Return the orders of a variant that were refunded, or the variants of the product."""
    if by is Grain.VARIANT:
        return Link(page="orders", query={"ord_q": row.sku})
    return choosing.link(row, by)


def reason_label(reason: str | None) -> str:
    """Return a refund's reason as people read it."""
    return _REFUND_REASONS.get(reason or "", (reason or NO_REASON).replace("_", " ").capitalize())


RESTORATIONS = Report(
    name="restorations",
    title="Restorations",
    about=(
        "Units that were put back on the shelf in the period, by reason, and how many that is of those sold in the "
        "same period. Restorations that were undone are left out."
    ),
    run=restorations,
    grains=GRAINS,
    nothing="No units were put back in this period.",
)
REFUND_REASONS = Report(
    name="refund-reasons",
    title="Refund reasons",
    about=(
        "Why goods were refunded, as Stripe has it, and what people decided about them in the period. Decisions that "
        "were taken back are left out."
    ),
    run=refund_reasons,
    grains=GRAINS,
    nothing="Nobody decided about refunded goods in this period.",
)
