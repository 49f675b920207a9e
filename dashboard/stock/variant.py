"""One variant on the Stock page: its level, the movements that explain it, and the forms that change it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.catalog.size_runs import size_order
from core.foundation import days
from core.foundation.model import Actor, LevelRow, MovementType
from core.ledger import reports
from core.ledger.reports import LevelPoint
from core.people.access import Permission, may
from core.screens.stock import Variant
from dashboard.door import session
from dashboard.frame import charts, drawer, links, lists, tables, words
from dashboard.frame import page as frame
from dashboard.frame.charts import choosing
from dashboard.language.texts import marked, tr
from dashboard.stock import codes, costs, details, holds, inspections, level_forms, terms
from dashboard.stock.listing import open_variant

_DAYS: dict[str, int | None] = marked({"30 days": 30, "90 days": 90, "1 year": 365, "All": None})
PERIOD = lists.Choice(label=marked("Period"), key="stk_range", options=_DAYS, usual="90 days")
"""The days that chart and explanation cover."""


LONG_SIZE = 6
"""Letters of a size beyond which its button must be wider, so that its level is not cut off."""
CHOSEN = "stk_pick"
"""The parameter of the days that were chosen in the chart."""
_CHOOSE = lists.Choice(
    label=marked("Choose"), key="stk_choose", options={marked("A day"): False, choosing.RANGE: True}, usual="A day"
)  # fmt: skip


def show_unknown(code: str) -> None:
    """Say that no variant has this SKU or code, or show those that share it."""
    if shared := session.run(reports.sharing, code=code):
        frame.empty(
            tr("Several variants have this code"),
            tr("{code} is a code of more than one. Choose the one in your hand.", code=words.plain(code[:80])),
            icon=":material/help:",
            begin=lambda: _show_shared(shared),
        )
        return
    frame.empty(
        tr("No variant has this SKU or barcode"),
        tr("{code} may be spelled differently, or not be imported yet.", code=words.plain(code[:80])),
        icon=":material/search_off:",
    )


def _show_shared(shared: Sequence[LevelRow]) -> None:
    for row in shared:
        name = words.plain(f"{row.sku}, {words.variant(row)}")
        st.button(name, key=f"shared_{row.sku}", on_click=open_variant, args=(row.sku,))


def show(seen: Variant, person: Actor) -> None:
    """Show everything about a variant. The forms come first, also on a phone."""
    _show_head(seen)
    _show_numbers(seen)
    act, look = st.columns([1, 2], gap="small")
    with act:
        with st.container(border=True, key="stk_actions"):
            level_forms.show(seen, person)
        inspections.show(seen.inspections, seen.shop.zone)
        holds.show_on_variant(seen.holds, seen.row, seen.shop.zone)
        if len(seen.sisters) > 1:
            with st.container(border=True, key="stk_sizes"):
                _show_sizes(seen)
        with st.container(border=True, key="stk_codes"):
            codes.show(seen, person)
    with look:
        with st.container(border=True, key="stk_running"):
            _show_running(seen)
        with st.container(border=True, key="stk_explain"):
            _show_explanation(seen)
        with st.container(border=True, key="stk_details"):
            details.show(seen, person)
        with st.container(border=True, key="stk_terms"):
            terms.show(seen, person)
        with st.container(border=True, key="stk_cost"):
            costs.show(seen, person)
    with st.container(border=True, key="stk_history"):
        _show_history(seen, may(person.role, Permission.UNDO))


def _show_head(seen: Variant) -> None:
    row = seen.row
    colour = tables.STATUSES[words.status(row)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="stk_head"):
        st.subheader(words.plain(words.variant(row)), anchor=False, width="content")
        st.badge(words.status(row), color=colour)  # type: ignore[arg-type]
    price = words.money(row.price, seen.shop.currency) if row.price is not None else None
    barcode = tr("barcode {barcode}", barcode=row.barcode) if row.barcode else None
    place = tr("on shelf {shelf_place}", shelf_place=row.shelf_place) if row.shelf_place else None
    st.caption(words.plain(words.joined(row.sku, row.brand, barcode, price, place)))


def _show_numbers(seen: Variant) -> None:
    row, now = seen.row, datetime.now(UTC)
    cover = words.cover(row.cover_days)
    with st.grid(7, min_column_width=124, gap="small", key="stk_numbers"):
        st.metric(tr("On hand"), words.number(row.on_hand), border=True, help=tr("Units physically in stock"))
        st.metric(tr("Reserved"), words.number(row.reserved), border=True, help=tr("Units held for checkouts"))
        st.metric(tr("Available"), words.number(row.available), border=True, help=tr("On hand minus reserved"))
        inspected = words.number(row.in_inspection)
        st.metric(tr("In inspection"), inspected, border=True, help=tr("Units that came back and wait for a decision"))
        st.metric(
            tr("Reorder at"),
            words.number(row.reorder_point),
            border=True,
            help=tr("At this level on hand, the variant is low"),
        )
        st.metric(tr("Sold"), words.number(row.sold), border=True, help=tr("Units sold in the last 30 days"))
        st.metric(tr("Cover"), cover, border=True, help=tr(tables.COVER_HELP))
    if seen.expected is not None:
        day = seen.expected.next_on
        when = tr("was due") if day and day < seen.shop.today else tr("is due")
        due = tr(", the next {when} on {day}", when=when, day=words.day(day)) if day else ""
        label = tr("{units} expected{due}", units=words.units(seen.expected.units), due=due)
        links.to_page(
            "deliveries", label, icon=":material/local_shipping:", delivery=str(seen.expected.delivery_id)
        )  # fmt: skip
    moved, counted = words.ago(row.last_moved_at, now), words.ago(row.last_counted_at, now)
    st.caption(
        tr(
            "Last moved {moved}, last counted {counted}. Times are in {zone}.",
            moved=moved,
            counted=counted,
            zone=words.plain(seen.shop.zone),
        )
    )


def _show_sizes(seen: Variant) -> None:
    st.subheader(tr("Sizes"), anchor=False)
    is_long = any(len(row.size or row.sku) > LONG_SIZE for row in seen.sisters)
    with st.grid("auto", min_column_width=190 if is_long else 92, gap="xsmall", key="stk_size_grid"):
        for row in sorted(seen.sisters, key=lambda row: size_order(row.size)):
            _show_size(row, here=row.variant_id == seen.row.variant_id)


def _show_size(row: LevelRow, *, here: bool) -> None:
    colour = None if here else {tr("Out"): "red", tr("Low"): "orange"}.get(words.status(row))
    level = words.number(row.available)
    label = f"{words.plain(row.size or row.sku)}{words.DOT}" + (f":{colour}[**{level}**]" if colour else f"**{level}**")
    st.button(
        label,
        key=f"size_{row.sku}",
        type="primary" if here else "secondary",
        width="stretch",
        on_click=open_variant,
        args=(row.sku,),
        help=tr("{sku}: {units} available", sku=words.plain(row.sku), units=words.units(row.available)),
    )


def _show_running(seen: Variant) -> None:
    with frame.heading(tr("Running level")):
        PERIOD.show()
        _CHOOSE.show()
    points = _points(seen)
    row = seen.row
    alt = tr(
        "Units of {sku} on hand over time: {value}.", sku=row.sku, value=_course([point.level for point in points])
    )
    if seen.marks:
        alt = tr("{alt} Marked are {marks}.", alt=alt, marks=charts.spoken(seen.marks))
    figure = charts.level_chart(points, row.on_hand, row.reorder_point, seen.shop.zone, seen.marks)
    choosing.show(
        figure, key=f"stk_chart_{row.sku}_{seen.since}", alt=alt, param=CHOSEN, days_of=lambda day: (day, day),
        by_range=_CHOOSE.value(),
    )  # fmt: skip
    if not seen.points and row.movement_count:
        st.caption(tr("There are no movements in this period. Choose All to see the whole history."))
    charts.show_as_table(
        lambda: {
            tr("When"): [words.moment(point.at, seen.shop.zone) for point in reversed(points)],
            tr("On hand"): [point.level for point in reversed(points)],
        },
        "stk_chart_table", tr("Units on hand over time, newest first"),
    )  # fmt: skip


def _course(levels: list[int]) -> str:
    first, last, highest, lowest = map(words.number, (levels[0], levels[-1], max(levels), min(levels)))
    return tr(
        "from {first} to {last}, highest {highest}, lowest {lowest}",
        first=first,
        last=last,
        highest=highest,
        lowest=lowest,
    )


def _points(seen: Variant) -> list[LevelPoint]:
    """Return the level at the beginning of the period, at each point in it, and now."""
    points = list(seen.points)
    if seen.since is not None:
        points.insert(0, LevelPoint(at=days.start(seen.since, seen.shop.zone), level=seen.explanation.opening))
    now = datetime.now(UTC)
    if not points or points[-1].at < now:
        points.append(LevelPoint(at=now, level=seen.row.on_hand))
    return points


def _show_explanation(seen: Variant) -> None:
    st.subheader(tr("Explain this number"), anchor=False)
    found = seen.explanation
    if seen.since is not None:
        _term(
            "opening", tr("On hand at the start of {since}", since=words.day(seen.since)), words.number(found.opening)
        )
    for kind, (came, went) in found.flows.items():
        if came or went:
            _term(kind.value, words.TYPE_PLURALS[kind], words.came_and_went(came, went), _behind(seen, kind))
    _term("closing", tr("**On hand now**"), f"**{words.number(found.closing)}**")
    _show_proof(seen)


def _behind(seen: Variant, kind: MovementType) -> dict[str, str]:
    """Return the filters that show the movements of a term."""
    query = {"mov_sku": seen.row.sku, "mov_type": words.TYPE_LABELS[kind]}
    return query | ({"mov_from": seen.since.isoformat()} if seen.since else {})


def _term(name: str, label: str, figure: str, query: dict[str, str] | None = None) -> None:
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", wrap=False, key=f"flush_{name}"
    )
    with row:
        if query:
            links.to_page("movements", label, **query)
        else:
            st.markdown(label)
        st.markdown(figure, text_alignment="right", width="content")


def _show_proof(seen: Variant) -> None:
    found = seen.explanation
    if found.total == found.closing == seen.row.on_hand:
        count = words.plural(found.movements, "movement")
        st.caption(tr(":material/verified: The terms add up to the level on hand ({count}).", count=count))
    else:
        terms, level = words.number(found.total), words.number(seen.row.on_hand)
        text = tr(
            "The terms add up to {terms}, but the level on hand is {level}. Please report this to an admin.",
            terms=terms,
            level=level,
        )
        st.error(text, icon=":material/error:")


def _show_history(seen: Variant, may_undo: bool) -> None:
    with frame.heading(tr("History")):
        count = words.plural(seen.row.movement_count, "movement")
        days = choosing.read(CHOSEN)
        span = {"mov_from": days[0].isoformat(), "mov_to": days[1].isoformat()} if days else {}
        links.to_page(
            "movements", tr("All {count}", count=count), icon=":material/arrow_forward:", mov_sku=seen.row.sku, **span
        )
    choosing.show_choice(CHOSEN)
    if not seen.history:
        if seen.row.movement_count:
            st.caption(tr("Nothing moved on these days."))
        else:
            st.caption(tr("There are no movements yet. Receive a delivery, or set the level to what is on the shelf."))
        return
    tables.show_movements(
        seen.history, seen.shop.zone, key=f"stk_history_{seen.history[0].movement_id}", pick=drawer.open_movement,
        may_undo=may_undo, of_one_variant=True,
    )  # fmt: skip
