"""Reports about when there was something to sell: days in stock and out, and what was not sold meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, FromClause, Row, func, select

from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.level_filter import LEVELS
from core.people.access import Permission
from core.people.guard import require
from core.reports import choosing
from core.reports.model import Chart, Column, Filter, Grain, Kind, Report, Table
from core.reports.periods import Period
from core.reports.selling import CHARTED

_VARIANT = choosing.names(Grain.VARIANT)
_DAYS = (
    Column(
        name="days_in_stock", title="Days in stock", kind=Kind.DAYS, about="Days with a unit on the shelf at some time"
    ),
    Column(name="days_out", title="Days out", kind=Kind.DAYS, about="Days without a unit, since its first movement"),
)
_RATE = Column(name="rate", title="Sold a day", kind=Kind.DECIMAL, about="Units sold for each day in stock")


def _outs(connection: Connection, period: Period, wanted: Filter) -> list[Row[Any]]:
    given = choosing.variants(connection, wanted)
    names = ("variant_id", "days_in_stock", "days_out", "sold", "rate", "lost", "lost_money")
    outs: FromClause = func.stockroom_api.stock_outs(period.first, period.last, given).table_valued(*names)
    query = select(LEVELS, *(outs.c[name] for name in names[1:])).join(outs, outs.c.variant_id == LEVELS.c.variant_id)
    return list(connection.execute(query))


def stock_days(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return for how many days each variant was in stock and out."""
    require(connection, actor, Permission.VIEW)
    found = _outs(connection, period, filter)
    found.sort(key=lambda row: (-row.days_out, -(row.rate or 0), row.sku))
    columns = (
        *_VARIANT,
        *_DAYS,
        Column(name="in_stock_part", title="In stock", kind=Kind.PERCENT, about="Days in stock of all its days"),
        Column(name="sold", title="Sold", kind=Kind.UNITS, about="Units sold, without sales that were undone"),
        _RATE,
        Column(name="on_hand", title="On hand now", kind=Kind.UNITS),
    )
    rows = tuple(
        (
            *choosing.named(row, Grain.VARIANT), row.days_in_stock, row.days_out,
            _part(row.days_in_stock, row.days_out), row.sold, _short(row.rate, 3), row.on_hand,
        )
        for row in found
    )  # fmt: skip
    days_in, days_out = (sum(row[place] for row in rows) for place in (len(_VARIANT), len(_VARIANT) + 1))
    sums = choosing.total(rows, columns)
    first = len(_VARIANT)
    brands: dict[str, list[Any]] = {}
    for row in found:
        both = brands.setdefault(row.brand or choosing.NO_BRAND, [0, 0])
        both[0] += row.days_in_stock
        both[1] += row.days_out
    parts = sorted(((name, _part(*both)) for name, both in brands.items()), key=lambda each: each[1] or 0)[:CHARTED]
    return Table(
        columns=columns,
        rows=rows,
        totals=(*sums[:first], None, None, _part(days_in, days_out), *sums[first + 3 :]),
        links=tuple(choosing.link(row, Grain.VARIANT) for row in found),
        chart=Chart(
            title="Days in stock of all days by brand, the fewest first", kind=Kind.PERCENT,
            names=tuple(name for name, _ in parts), series={"In stock": tuple(part for _, part in parts)},
        ),
        main=("days_out", "on_hand"),
        currency=reports.shop(connection, actor).currency,
    )  # fmt: skip


def _short(value: Any, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def _part(there: Any, out: Any) -> float | None:
    return round(float(100 * there / (there + out)), 1) if there + out else None


def lost_sales(connection: Connection, actor: Actor, *, period: Period, filter: Filter) -> Table:  # noqa: A002
    """Return what each variant would have sold on its days out of stock."""
    require(connection, actor, Permission.SEE_MONEY)
    shop = reports.shop(connection, actor)
    over = min(period.last, shop.today - timedelta(days=1))
    outs = _outs(connection, replace(period, last=over), filter) if over >= period.first else []
    found = sorted((row for row in outs if row.lost), key=lambda row: (-(row.lost_money or 0), -row.lost, row.sku))
    columns = (
        *_VARIANT,
        *_DAYS,
        _RATE,
        Column(name="lost", title="Not sold", kind=Kind.DECIMAL, about="Sold a day, times the days out"),
        Column(name="lost_money", title="Lost", kind=Kind.MONEY, about="The units not sold at the price of today"),
        Column(name="on_hand", title="On hand now", kind=Kind.UNITS),
    )
    rows = tuple(
        (
            *choosing.named(row, Grain.VARIANT), row.days_in_stock, row.days_out, _short(row.rate, 3),
            _short(row.lost, 1), row.lost_money, row.on_hand,
        )
        for row in found
    )  # fmt: skip
    sums = choosing.total(rows, columns)
    first = len(_VARIANT)
    most = choosing.largest(((row.product, float(row.lost_money or 0)) for row in found), CHARTED)
    unpriced = sum(row.lost_money is None for row in found)
    unknown = sum(row.rate is None and row.is_active for row in outs)
    return Table(
        columns=columns,
        rows=rows,
        totals=(*sums[: first + 3], _short(sum(row.lost for row in found), 1), sums[first + 4], None),
        links=tuple(choosing.link(row, Grain.VARIANT) for row in found),
        chart=Chart(
            title="Money lost while out of stock, by product", kind=Kind.MONEY, names=tuple(name for name, _ in most),
            series={"Lost": tuple(money for _, money in most)},
        ),
        main=("days_out", "lost_money"),
        note=_left_out(unpriced, unknown),
        currency=shop.currency,
    )  # fmt: skip


def _left_out(unpriced: int, unknown: int) -> str:
    said = []
    if unpriced:
        said.append(f"Variants without a price, which are not in the money: {unpriced:,}.")
    if unknown:
        said.append(
            f"Variants that were out for the whole period, so nobody knows what they would have sold: {unknown:,}."
        )
    return " ".join(said)


STOCK_DAYS = Report(
    name="stock-days",
    title="Days in stock",
    about=(
        "On how many days of the period each variant was in stock and out. A day counts as in stock if a unit lay on "
        "the shelf at some time of it; days before the first movement count as neither."
    ),
    run=stock_days,
)
LOST_SALES = Report(
    name="lost-sales",
    title="Lost to stock-outs",
    about=(
        "What would have been sold on the days out of stock: the units sold for each day in stock, times the days out, "
        "at the price of today. The present day is not over and does not count."
    ),
    run=lost_sales,
    permission=Permission.SEE_MONEY,
    nothing="No variant that sold something was out of stock in this period.",
)
