"""The tables of cases: one row an order with its next step, one row a product with its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from streamlit.column_config import TextColumn

from core.alerts.lists import CaseRow
from core.alerts.reads import Alert, CaseList
from core.catalog.size_runs import size_order
from core.foundation.sales import AlertKind
from dashboard.alerts import steps
from dashboard.frame import columns, selling, words
from dashboard.frame.tables import fitting
from dashboard.language import sales
from dashboard.language.said import translated
from dashboard.language.texts import first_upper, marked, tr

Pick = Callable[[Alert], None]
_NOTHING_TAKEN = marked(", so nothing was taken off the shelf")


def show(rows: Sequence[CaseRow], of: CaseList | None, *, key: str, pick: Pick, select: bool) -> list[int]:
    """Show rows, the most urgent first; a click on one calls `pick` with its first case. `key` must change with them.

    Returns the positions of the selected rows, if `select`.
    """
    cases, now = [row.first for row in rows], datetime.now(UTC)
    texts = [_text(row, now) for row in rows]
    return columns.show(
        _levels(rows, now, cases, pick) if of is CaseList.LEVELS else _orders(rows, now, cases, pick),
        {
            "what": (texts, TextColumn(tr("Case"), width=224)),
            "next": (_next(cases), columns.opener(tr("Next step"), 124, cases, pick, align="right")),
        },
        key=key,
        alt=tr("Cases, the most urgent first"),
        heights=(columns.TALL_ROW, columns.TALLER_ROW),
        select=select,
    )


def name(row: CaseRow) -> str:
    """Return what a row is about: the name of its order, its product, or the kind of its case."""
    case = row.first
    return case.order_name or (case.product if case.list is CaseList.LEVELS else None) or sales.KINDS[case.kind]


def kinds(row: CaseRow) -> list[str]:
    """Return the kinds of the cases of a row, each once."""
    return list(dict.fromkeys(sales.KINDS[alert.kind] for alert in row.alerts))


def said(row: CaseRow) -> str:
    """Return what a row says now, without the name of its order."""
    if row.first.list is CaseList.LEVELS:
        return _sizes(row)
    return "; ".join(_short(alert) for alert in row.alerts)


def _short(alert: Alert) -> str:
    """Return the sentence of a case without what the list says anyway: the order, and that nothing was taken."""
    head, _, rest = alert.sentence.partition(": ")
    is_named = head.startswith("Order ") and " looks like " not in head
    open_now = rest if is_named else alert.sentence
    open_now = open_now.partition(" lines not taken off the shelf: ")[2] or open_now
    return first_upper(translated(open_now).removesuffix(tr(_NOTHING_TAKEN)))


def _sizes(row: CaseRow) -> str:
    """Return the sizes of a product that are out of stock, and those that are low with their level."""
    sized = sorted(row.alerts, key=lambda alert: (size_order(alert.size), alert.sku or ""))
    out = [_size(alert) for alert in sized if alert.kind is AlertKind.OUT_OF_STOCK]
    low = [
        tr("{alert} ({on_hand} left)", alert=_size(alert), on_hand=alert.on_hand)
        for alert in sized
        if alert.kind is AlertKind.LOW_STOCK
    ]
    return ". ".join(f"{label}: {', '.join(some)}" for label, some in ((tr("Out"), out), (tr("Low"), low)) if some)


def _size(alert: Alert) -> str:
    return alert.size or alert.sku or ""


def _text(row: CaseRow, now: datetime) -> str:
    """Return a row as text, for a narrow screen."""
    first = row.first
    what = said(row) if first.list is CaseList.LEVELS else f"{', '.join(kinds(row))}: {said(row)}"
    about = name(row) if first.order_name or first.list is CaseList.LEVELS else ""
    money = selling.money(row.money, row.currency) if row.money else ""
    return words.joined(about, money, words.ago(row.first_at, now), what)


def _next(cases: Sequence[Alert]) -> list[str]:
    return [tr("Open" if case.list is CaseList.LEVELS else steps.of(case) or "Open") for case in cases]


def _orders(rows: Sequence[CaseRow], now: datetime, cases: Sequence[Alert], pick: Pick) -> columns.Table:
    colours = dict.fromkeys(sales.KINDS.values(), "orange")
    colours |= {sales.KINDS[kind]: "red" for kind in list(sales.KINDS)[:6]}
    buyers = [row.first.buyer or row.first.email or words.NOTHING for row in rows]

    def number(label: str, width: int, about: str) -> Any:
        return TextColumn(label, width=width, alignment="right", help=about)

    people = _people(rows)
    kind = fitting((each for row in rows for each in kinds(row)), 124, 190)
    units = [words.number(row.units) if row.units else words.NOTHING for row in rows]
    money = [selling.money(row.money, row.currency) if row.money else words.NOTHING for row in rows]
    table: columns.Table = {
        "name": ([name(row) for row in rows], TextColumn(tr("Order"), width=104)),
        "kind": ([kinds(row) for row in rows], columns.tags(tr("Case"), kind, colours)),
        "what": (
            [said(row) for row in rows],
            TextColumn(tr("What is open now"), width=max((264 if "who" in people else 336) - kind, 140)),
        ),
        "buyer": (buyers, TextColumn(tr("Buyer"), width=96)),
        "units": (units, number(tr("Units"), 48, tr("Units that were paid for and are not off the shelf"))),
        "money": (
            money,
            number(tr("At stake"), 80, tr("What is open: missing units, a payment without lines, a difference")),
        ),
        "since": ([words.ago(row.first_at, now) for row in rows], TextColumn(tr("Since"), width=86)),
        **people,
        "step": (_next(cases), columns.opener(tr("Next step"), 128, cases, pick, align="right")),
    }
    empty = {"units": units, "money": money, "buyer": buyers}
    return {key: cells for key, cells in table.items() if set(empty.get(key, [""])) != {words.NOTHING}}


def _levels(rows: Sequence[CaseRow], now: datetime, cases: Sequence[Alert], pick: Pick) -> columns.Table:
    return {
        "name": ([name(row) for row in rows], TextColumn(tr("Product"), width=220)),
        "sizes": ([said(row) for row in rows], TextColumn(tr("Sizes"), width=420)),
        "since": ([words.ago(row.first_at, now) for row in rows], TextColumn(tr("Since"), width=104)),
        **_people(rows),
        "step": ([tr("Open")] * len(rows), columns.opener("", 72, cases, pick)),
    }


def _people(rows: Sequence[CaseRow]) -> columns.Table:
    states = [words.listing(list(dict.fromkeys(map(selling.alert_state, row.alerts)))) for row in rows]
    names = [", ".join(dict.fromkeys(a.assigned_name for a in row.alerts if a.assigned_name)) for row in rows]
    who = (
        {"who": ([each or words.NOTHING for each in names], TextColumn(tr("Assignee"), width=80))} if any(names) else {}
    )
    return {"state": (states, TextColumn(tr("State"), width=86)), **who}
