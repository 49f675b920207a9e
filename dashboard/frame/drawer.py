"""One movement in a drawer at the side of every page: its facts, and its undo.

The drawer is open while the address has the parameter `movement`, so it can be linked to and survives a redraw.
"""

from __future__ import annotations

import streamlit as st

from core.deliveries import reads as deliveries
from core.foundation.errors import StockError
from core.foundation.model import Actor, Movement, Posting, Shop
from core.ledger import changes as ledger
from core.ledger import movements, reports
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import feedback, forms, links, lists, tables, words
from dashboard.language import widgets
from dashboard.language.texts import first_upper, marked, tr

PARAM = "movement"
MISSING = marked("The link may be incomplete, or belong to another shop.")


def open_movement(movement_id: int) -> None:
    """Open the drawer on a movement."""
    lists.put(PARAM, movement_id)


def show(person: Actor) -> None:
    """Show the drawer if the address names a movement."""
    if st.query_params.get(PARAM):
        _drawer(person)


def _close() -> None:
    lists.put(PARAM, None)


@widgets.dialog(marked("Movement"), position="right", icon=":material/swap_vert:", on_dismiss=_close)
def _drawer(person: Actor) -> None:
    wanted = st.query_params.get(PARAM)
    if not wanted:  # it was undone just now
        st.rerun()
    movement_id = lists.number(wanted)
    try:
        found = () if movement_id is None else session.run(movements.get, movement_ids=(movement_id,))
        shop = session.run(reports.shop)
    except StockError as error:
        feedback.show(error)
        return
    if not found:
        st.markdown(tr("**There is no such movement.**"))
        st.caption(tr(MISSING))
        return
    _show_facts(found[0], shop)
    _show_undo(found[0], person)


def _show_facts(row: Movement, shop: Shop) -> None:
    level = words.change(row.quantity_before, row.quantity_after)
    st.metric(
        words.plain(words.why(row)),
        words.signed_units(row.quantity),
        level,
        delta_description=tr("on hand"),
        delta_color="off",
        delta_arrow="off",
    )
    with st.container(gap=None, key="flush_drawer"):
        links.to_page("stock", f"**{words.plain(row.sku)}**", sku=row.sku)
        st.caption(words.plain(words.sized(row.product, row.size)))
    tables.show_facts(
        {
            tr("By"): row.performed_by,
            tr("Happened"): words.moment(row.occurred_at, shop.zone),
            tr("Recorded"): words.moment(row.recorded_at, shop.zone),
            tr("Reference"): f"{tr(first_upper(row.reference_type or ''))} {row.reference_id}"
            if row.reference_id
            else "",
            tr("Note"): words.note(row.note),
        }
    )
    if row.reference_type == "receipt":
        _show_delivery(row)
    if row.reverses_id:
        st.button(
            tr("Show the undone movement"), on_click=open_movement, args=(row.reverses_id,), key="drawer_reverses"
        )
    if row.reversed_by:
        st.button(tr("Show the undo"), on_click=open_movement, args=(row.reversed_by,), key="drawer_undone")


def _show_delivery(row: Movement) -> None:
    ids = [row.movement_id, *([row.reverses_id] if row.reverses_id else [])]
    found = session.run(deliveries.of_movement, movement_ids=ids)
    if found:
        delivery_id, reference = found
        label = tr("Delivery {reference}", reference=words.plain(reference))
        links.to_page("deliveries", label, icon=":material/local_shipping:", delivery=str(delivery_id))


def _show_undo(row: Movement, person: Actor) -> None:
    if row.reversed_by or row.reverses_id:
        return
    if not tables.undoable(row):
        why = (
            tr("It belongs to a sale outside Stockroom: correct it there.")
            if row.quantity
            else tr("It changed no level.")
        )
        st.caption(tr("This movement cannot be undone. {why}", why=why))
        return
    if not may(person.role, Permission.UNDO):
        st.caption(tr("Your role cannot undo movements. The warehouse, a manager or an admin can."))
        return
    form = forms.begin(f"undo_{row.movement_id}")
    with st.form(form.name):
        back = tr("{units} for {sku}", units=words.signed_units(-row.quantity), sku=words.plain(row.sku))
        st.markdown(tr("**Undo:** {back}. The original movement stays in the history.", back=back))
        forms.note(form, label=tr("Reason"), placeholder=tr("Typed the wrong size"), required=True)

        def post(key: str, values: forms.Values) -> Posting:
            posting: Posting = session.run(
                ledger.undo, movement_ids=[row.movement_id], key=key, note=values["note"] or ""
            )
            return posting

        forms.submit(form, tr("Undo"), post, icon=":material/undo:", after=_close)
