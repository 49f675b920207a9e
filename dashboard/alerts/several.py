"""Actions on several cases, selected by their rows in the table, or by name where rows cannot be clicked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.orders import AlertList
from dashboard.alerts import handling
from dashboard.frame import selling, words

SWITCH = "alr_several"


def offers(person: Actor) -> bool:
    """Return whether this person may act on several cases."""
    return may(person.role, Permission.HANDLE_ALERT)


def show_switch() -> None:
    """Offer to select cases by name."""
    st.toggle("Select several", key=SWITCH)


def show(seen: AlertList, selected: Sequence[int], key: str, person: Actor) -> None:
    """Show the actions on the selected cases. `key` changes with page and filter, which clears the selection."""
    rows = {row.alert_id: row for row in seen.page.rows}
    if not selected and not st.session_state.get(SWITCH):
        return
    with st.container(border=True, key="alr_chosen"):
        ids = _select(rows, selected, key) if st.session_state.get(SWITCH) else list(selected)
        if not ids:
            st.caption("Select cases on this page to act on all of them.")
            return
        st.markdown(f"**{words.plural(len(ids), 'case')} selected.** The action applies to all of them, or to none.")
        _show_actions(seen, ids, key, person)


def _select(rows: dict[int, Alert], selected: Sequence[int], key: str) -> list[int]:
    widget = f"{key}_choice"
    named = st.multiselect(
        "Cases on this page", list(rows), format_func=lambda alert_id: _name(rows[alert_id]), key=widget,
        placeholder="Select cases",
    )  # fmt: skip

    def select_all() -> None:
        st.session_state[widget] = list(rows)

    st.button(
        "Select all on this page", key=f"{key}_all", icon=":material/done_all:", type="tertiary", on_click=select_all
    )
    return [alert_id for alert_id in rows if alert_id in {*named, *selected}]


def _name(row: Alert) -> str:
    return f"{selling.KINDS[row.kind]}: {row.sku or row.order_number or row.payment_id or row.sentence}"


def _show_actions(seen: AlertList, ids: Sequence[int], key: str, person: Actor) -> None:
    names = ["Acknowledge", "Snooze", "Assign"]
    names += ["Resolve"] if may(person.role, Permission.RESOLVE_ALERT) else []
    on_it, snooze, assign, *resolve = st.tabs(names, key=f"{key}_tabs")
    name = f"several_{key}"
    with on_it:
        handling.show_acknowledge(ids, name)
    with snooze:
        if any(row.is_snoozed for row in seen.page.rows if row.alert_id in ids):
            handling.show_wake(ids, name)
        handling.show_snooze(ids, name, seen.shop.zone)
    with assign:
        if person.user_id is not None:
            handling.show_assign_to_me(ids, name, person.user_id)
        handling.show_assign(ids, name, seen.hands)
    for tab in resolve:
        with tab:
            units = sum(row.units for row in seen.page.rows if row.alert_id in ids)
            then = f" {words.units(units)} of paid orders then count as oversold and will not leave the shelf."
            handling.show_resolve(ids, name, f"Closes the cases.{then if units else ''}")
