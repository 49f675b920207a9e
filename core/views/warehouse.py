"""Views of Counts and Deliveries in a mail: how many there are, how far they are, and the first rows."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from core.carts.values import minor_digits
from core.counts import past, plan, sessions
from core.counts.past import Accuracy
from core.counts.plan import Planned
from core.counts.sessions import Scope, Session, State
from core.deliveries import reads as deliveries
from core.deliveries.reads import OPEN, DeliveryRow, DeliveryState
from core.foundation.model import Actor, Shop
from core.ledger import reports
from core.views.pages import chosen
from core.views.sections import MOST_ROWS, Section, day, first, moment

PLAN, ACCURACY = "What to count next", "Accuracy"
COUNT_STATES = {
    State.COUNTING: "Counting",
    State.PAUSED: "Paused",
    State.REVIEW: "In review",
    State.APPLIED: "Applied",
    State.CANCELLED: "Cancelled",
    State.UNDONE: "Undone",
}
SCOPES = {
    Scope.EVERYTHING: "Everything",
    Scope.BRAND: "A brand",
    Scope.PRODUCT: "Products",
    Scope.SIZE_RUNS: "Broken size runs",
    Scope.LIST: "A list of SKUs",
    Scope.NOT_COUNTED: "Not counted for some days",
    Scope.MOST_VALUABLE: "The most valuable tenth",
}
DELIVERIES: Mapping[str, tuple[DeliveryState, ...]] = {
    "Open": OPEN,
    "Expected": (DeliveryState.EXPECTED,),
    "In progress": (DeliveryState.IN_PROGRESS,),
    "Received": (DeliveryState.RECEIVED,),
    "All": (),
}
"""The choices of Deliveries, as its address names them."""
DELIVERY_STATES = {
    DeliveryState.EXPECTED: "Expected",
    DeliveryState.IN_PROGRESS: "In progress",
    DeliveryState.RECEIVED: "Received",
    DeliveryState.CANCELLED: "Cancelled",
}


def count_section(
    connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]
) -> Section:
    """Return a view of Counts as a section of a mail: the sessions, what to count next, or past accuracy."""
    shop = reports.shop(connection, actor)
    shown = chosen(values, "cnt_section")
    if shown == PLAN:
        return _plan(connection, actor, title, path, shop)
    if shown == ACCURACY:
        return _accuracy(connection, actor, title, path, shop)
    going = sessions.sessions(connection, actor, is_open=True)
    ended = sessions.sessions(connection, actor, is_open=False)
    rows, more = first([_session(row, shop) for row in (*going, *ended)])
    in_review = sum(row.state is State.REVIEW for row in going)
    counted, lines = sum(row.counted for row in going), sum(row.lines for row in going)
    return Section(
        title=title, path=path, about="Counts, those in progress first.",
        facts=(
            ("In progress", f"{len(going):,}"), ("In review", f"{in_review:,}"),
            ("Lines counted", f"{counted:,} of {lines:,}"),
        ),
        columns=("Name", "State", "Scope", "Counted", "Lines", "Started"), rows=rows, more=more,
    )  # fmt: skip


def _session(row: Session, shop: Shop) -> tuple[str, ...]:
    scope = row.scope_value or SCOPES[row.scope] if row.scope is Scope.BRAND else SCOPES[row.scope]
    return (
        row.name, COUNT_STATES[row.state], scope, f"{row.counted:,}", f"{row.lines:,}",
        moment(row.started_at, shop.zone),
    )  # fmt: skip


def _plan(connection: Connection, actor: Actor, title: str, path: str, shop: Shop) -> Section:
    classes = plan.classes(connection, actor)
    found = plan.due(connection, actor, limit=MOST_ROWS)
    rows, more = first([_planned(row, shop) for row in found], sum(each.due for each in classes))
    return Section(
        title=title, path=path, about="What to count next: class A first, in it the longest not counted.",
        facts=tuple((f"Class {each.class_}", f"{each.due:,} of {each.variants:,} due") for each in classes),
        columns=("SKU", "Variant", "Class", "On hand", "Value", "Last counted"), rows=rows, more=more,
    )  # fmt: skip


def _planned(row: Planned, shop: Shop) -> tuple[str, ...]:
    named = ", ".join(filter(None, (row.product, row.size and f"size {row.size}")))
    value = f"{row.value:,.{minor_digits(shop.currency)}f} {shop.currency}"
    last = "never" if row.last_counted_at is None else moment(row.last_counted_at, shop.zone)
    return row.sku, named, row.class_, f"{row.on_hand:,}", value, last


def _accuracy(connection: Connection, actor: Actor, title: str, path: str, shop: Shop) -> Section:
    found = past.accuracy(connection, actor)
    valid = [row for row in found if not row.is_undone]
    rows, more = first([_accurate(row, shop) for row in found])
    lines, right = sum(row.lines for row in valid), sum(row.right_lines for row in valid)
    net = sum(row.net for row in valid)
    said = f"{net:+,}".replace("-", "−") if net else "0"  # noqa: RUF001
    return Section(
        title=title, path=path, about="Accuracy of the applied counts, the latest first.",
        facts=(
            ("Counts", f"{len(valid):,}"), ("Lines right", _percent(100 * right / lines if lines else None)),
            ("Units off", f"{sum(row.off for row in valid):,}"), ("Net", said),
        ),
        columns=("Name", "Applied", "Lines", "Lines right", "Units right"), rows=rows, more=more,
    )  # fmt: skip


def _accurate(row: Accuracy, shop: Shop) -> tuple[str, ...]:
    name = f"{row.name} (undone)" if row.is_undone else row.name
    right = (_percent(row.lines_right), _percent(row.units_right))
    return name, moment(row.ended_at, shop.zone), f"{row.lines:,}", *right


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return "100 %" if share == 100 else f"{min(share, 99.9):.1f} %"


# ---------------------------------------------------------------- deliveries


def delivery_section(
    connection: Connection, actor: Actor, *, title: str, path: str, values: Mapping[str, list[str]]
) -> Section:
    """Return a view of Deliveries as a section of a mail."""
    state, search = chosen(values, "del_state"), chosen(values, "del_q").strip()
    state = state if state in DELIVERIES else "Open"
    found = deliveries.page(connection, actor, states=DELIVERIES[state], search=search)
    rows, more = first([_delivery(row) for row in found])
    overdue = sum(bool(row.is_overdue) for row in found)
    sums = {
        "Deliveries": len(found), "Overdue": overdue, "Units expected": sum(row.expected for row in found),
        "Counted": sum(row.scanned for row in found), "Received": sum(row.received for row in found),
    }  # fmt: skip
    return Section(
        title=title, path=path,
        about=f"Deliveries, {state.lower()}{f', search “{search}”' if search else ''}.",
        facts=tuple((name, f"{number:,}") for name, number in sums.items()),
        columns=("Reference", "Supplier", "State", "Expected on", "Expected", "Counted", "Received"),
        rows=rows, more=more,
    )  # fmt: skip


def _delivery(row: DeliveryRow) -> tuple[str, ...]:
    return (
        row.reference, row.supplier or "", "Overdue" if row.is_overdue else DELIVERY_STATES[row.state],
        day(row.expected_on) if row.expected_on else "", f"{row.expected:,}" if row.is_announced else "",
        f"{row.scanned:,}", f"{row.received:,}",
    )  # fmt: skip
