"""One read for each screen of stock: Overview, Stock, Movements.

All that a page shows comes from one transaction, so it costs one connection and one commit. The screens are composed
of the reads of other packages and have no SQL of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from core.alerts import lists as case_lists
from core.alerts import reads as alerts
from core.alerts.lists import Around, CaseRow
from core.alerts.reads import AlertFilter, CaseList, Stake, Waiting
from core.backups import record as backup_record
from core.backups.record import Proof
from core.catalog import codes, editing
from core.catalog.codes import VariantCode
from core.catalog.editing import VariantChange
from core.database.reading import shared
from core.deliveries import reads as deliveries
from core.deliveries.reads import Expected
from core.foundation import days
from core.foundation.model import Actor, DayFlow, LevelRow, Movement, Reason, Shop
from core.foundation.paging import Count, Page
from core.ledger import charts, movements, reports, size_grid
from core.ledger import holds as reservations
from core.ledger.charts import Chart, LevelMark, View
from core.ledger.holds import Reservation
from core.ledger.level_filter import LevelFilter, LevelSort
from core.ledger.movements import MovementFilter
from core.ledger.reports import Explanation, LevelPage, LevelPoint, Summary
from core.ledger.size_grid import GridPage
from core.orders import refund_reads
from core.orders import waiting as waits
from core.orders.refund_reads import Inspection
from core.replenishment import terms
from core.replenishment.terms import Counting, Terms
from core.screens.frame import Screen, head, page_at
from core.valuation import costs
from core.valuation.costs import CostStep

SISTERS = 200
HISTORY = 20
CHANGES = 50
ATTENTION = 6
CHART_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Screen):
    """The first page: numbers, flows by day, waiting work, the first failed updates, and the latest movements.

    `stake` and `around` are about all failed updates, `last_at` about all movements. `arrived`: orders whose awaited
    goods are here.
    """

    summary: Summary
    flows: tuple[DayFlow, ...]
    waiting: Waiting
    failed: tuple[CaseRow, ...]
    stake: Stake
    around: Around
    recent: tuple[Movement, ...]
    last_at: datetime | None
    proof: Proof
    arrived: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockList(Screen):
    """A page of the list of variants, and what deliveries still bring of them."""

    page: LevelPage
    expected: Mapping[UUID, Expected]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockGrid(Screen):
    """A page of products by size."""

    page: GridPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant(Screen):
    """One variant: its level and how it came about, the other variants of its product, and its latest movements.

    `terms`: its own terms of ordering, and those that count.
    """

    row: LevelRow
    since: date | None
    sisters: tuple[LevelRow, ...]
    points: tuple[LevelPoint, ...]
    marks: tuple[LevelMark, ...]
    explanation: Explanation
    history: tuple[Movement, ...]
    reasons: tuple[Reason, ...]
    holds: tuple[Reservation, ...]
    expected: Expected | None
    changes: tuple[VariantChange, ...]
    codes: tuple[VariantCode, ...]
    costs: tuple[CostStep, ...]
    terms: tuple[Terms, Counting]
    inspections: tuple[Inspection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger(Screen):
    """A page of movements, and the chart of their filter before some of its bars were chosen.

    `wanted` is the filter narrowed to what was chosen. `variants`: how many the filter's search and brand mean.
    `stale`: the cursor was of another list.
    """

    page: Page[Movement]
    count: Count
    chart: Chart
    wanted: MovementFilter
    variants: int | None
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerChoices:
    """The choices that the filters of the ledger offer."""

    shop: Shop
    reasons: tuple[Reason, ...]
    people: tuple[str, ...]
    brands: tuple[str, ...]


@shared
def overview(
    connection: Connection, actor: Actor, *, days: int, chosen: tuple[date, date] | None = None
) -> Overview:  # fmt: skip
    """Return the first page, its chart over the last `days` days of the shop.

    The latest movements are those of the days that were chosen, if any were.
    """
    top = head(connection, actor)
    since, until = chosen or (None, None)
    recent = movements.page(connection, actor, filter=MovementFilter(since=since, until=until), limit=8).rows
    newest = movements.page(connection, actor, limit=1).rows if chosen else recent
    tomorrow = top["shop"].today + timedelta(days=1)
    failed = AlertFilter(list=CaseList.FAILED)
    return Overview(
        **top,
        summary=reports.summary(connection, actor),
        flows=reports.flows(connection, actor, since=tomorrow - timedelta(days=days), until=tomorrow),
        waiting=alerts.waiting(connection, actor),
        failed=case_lists.page(connection, actor, filter=failed, limit=ATTENTION).rows,
        stake=alerts.stake(connection, actor, filter=failed),
        around=case_lists.around(connection, actor, filter=failed),
        recent=recent,
        last_at=newest[0].occurred_at if newest else None,
        proof=backup_record.proof(connection, actor),
        arrived=waits.arrived(connection, actor),
    )


@shared
def stock_list(
    connection: Connection,
    actor: Actor,
    *,
    filter: LevelFilter,  # noqa: A002
    sort: LevelSort,
    offset: int,
    limit: int,
) -> StockList:
    """Return a page of the list of variants, or the first page if the list has become too short for the offset."""
    top = head(connection, actor)
    page = reports.levels(connection, actor, filter=filter, sort=sort, offset=offset, limit=limit)
    if not page.rows and page.total:
        page = reports.levels(connection, actor, filter=filter, sort=sort, limit=limit)
    due = deliveries.expected(connection, actor, variant_ids=[row.variant_id for row in page.rows])
    return StockList(**top, page=page, expected=due)


@shared
def stock_grid(connection: Connection, actor: Actor, *, filter: LevelFilter, offset: int, limit: int) -> StockGrid:  # noqa: A002
    """Return a page of products by size, or the first page if the list has become too short for the offset."""
    top = head(connection, actor)
    page = size_grid.page(connection, actor, filter=filter, offset=offset, limit=limit)
    if not page.rows and page.total:
        page = size_grid.page(connection, actor, filter=filter, offset=0, limit=limit)
    return StockGrid(**top, page=page)


@shared
def variant(
    connection: Connection, actor: Actor, *, sku: str, days: int | None, chosen: tuple[date, date] | None = None
) -> Variant | None:
    """Return the variant with this SKU or code, explained over its last `days` (None: all), or None.

    Its history has the movements of the days that were chosen, if any were.
    """
    top = head(connection, actor)
    row = reports.named(connection, actor, sku=sku)
    if row is None:
        return None
    found = row.variant_id
    since = top["shop"].today - timedelta(days=days - 1) if days else None
    first, last = chosen or (None, None)
    past = MovementFilter(variant_id=found, since=first, until=last)
    return Variant(
        **top,
        row=row,
        since=since,
        sisters=_sisters(connection, actor, row.product_id),
        points=reports.running_level(connection, actor, variant_id=found, since=since),
        marks=charts.marks(connection, actor, variant_id=found, since=since),
        explanation=reports.explain(connection, actor, variant_id=found, since=since),
        history=movements.page(connection, actor, filter=past, limit=HISTORY).rows,
        reasons=reports.reasons(connection, actor),
        holds=reservations.active_on(connection, actor, variant_id=found) if row.reserved else (),
        expected=deliveries.expected(connection, actor, variant_ids=[found]).get(found),
        changes=editing.changes(connection, actor, variant_id=found, limit=CHANGES),
        codes=codes.of_variant(connection, actor, variant_id=found),
        costs=costs.history(connection, actor, variant_id=found, limit=CHANGES),
        terms=terms.of_variant(connection, actor, variant_id=found),
        inspections=refund_reads.inspections(connection, actor, variant_id=found) if row.in_inspection else (),
    )


@shared
def ledger(
    connection: Connection,
    actor: Actor,
    *,
    filter: MovementFilter,  # noqa: A002
    cursor: str | None,
    limit: int,
    view: View = View(),  # noqa: B008 - frozen, so safe to share
) -> Ledger:
    """Return a page of movements and the chart of their days; a cursor of another list is ignored.

    If bars of the chart were chosen, the page has only their movements.
    """
    top = head(connection, actor)
    wanted = charts.chosen(filter, view, reports.reasons(connection, actor)) if view.choice else filter
    page, stale = page_at(lambda at: movements.page(connection, actor, filter=wanted, cursor=at, limit=limit), cursor)
    since, until = _chart_days(filter, page, top["shop"])
    chart = charts.read(connection, actor, filter=filter, since=since, until=until, view=view)
    return Ledger(
        **top,
        page=page,
        count=movements.count(connection, actor, filter=wanted),
        chart=chart,
        wanted=wanted,
        variants=movements.meant_variants(connection, filter),
        stale=stale,
    )


def _chart_days(wanted: MovementFilter, page: Page[Movement], shop: Shop) -> tuple[date, date]:
    """Return the chart's half-open range of days: the filter's, or thirty days up to the first row of the page."""
    newest = days.of(page.rows[0].occurred_at, shop.zone) if page.rows else shop.today
    last = wanted.until or (shop.today if wanted.since else newest)
    first = wanted.since or last - timedelta(days=CHART_DAYS - 1)
    first = min(max(first, last - timedelta(days=reports.LONGEST_RANGE - 1)), last)
    return first, last + timedelta(days=1)


@shared
def ledger_choices(connection: Connection, actor: Actor) -> LedgerChoices:
    """Return the choices that the filters of the ledger offer."""
    return LedgerChoices(
        shop=reports.shop(connection, actor),
        reasons=reports.reasons(connection, actor),
        people=movements.people(connection, actor),
        brands=reports.brands(connection, actor),
    )


def _sisters(connection: Connection, actor: Actor, product_id: UUID) -> tuple[LevelRow, ...]:
    # Sizes are text; the dashboard sorts them.
    wanted = LevelFilter(product_id=product_id)
    return reports.levels(connection, actor, filter=wanted, sort=LevelSort.SKU, limit=SISTERS).rows
