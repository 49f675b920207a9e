"""Actions on several cases, selected by their rows in the table, or by name where rows cannot be clicked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.lists import CaseRow
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.orders import AlertList
from dashboard.alerts import handling, tables
from dashboard.frame import words
from dashboard.language.said import translated
from dashboard.language.texts import tr

SWITCH = "alr_several"


def offers(person: Actor) -> bool:
    """Return whether this person may act on several cases."""
    return may(person.role, Permission.HANDLE_ALERT)


def show_switch() -> None:
    """Offer to select cases by name."""
    st.toggle(tr("Select several"), key=SWITCH)


def show(seen: AlertList, selected: Sequence[int], key: str, person: Actor) -> None:
    """Show the actions on the cases of the selected rows. `key` changes with page and filter, which clears them."""
    rows = {row.first.alert_id: row for row in seen.page.rows}
    if not selected and not st.session_state.get(SWITCH):
        return
    with st.container(border=True, key="alr_chosen"):
        chosen = [row.first.alert_id for place, row in enumerate(seen.page.rows) if place in selected]
        chosen = _select(rows, chosen, key) if st.session_state.get(SWITCH) else chosen
        ids = [alert_id for each in chosen for alert_id in rows[each].alert_ids]
        if not ids:
            st.caption(tr("Select cases on this page to act on all of them."))
            return
        st.markdown(
            tr(
                "**{cases} selected.** The action applies to all of them, or to none.",
                cases=words.plural(len(ids), "case"),
            )
        )
        _show_actions(seen, ids, key, person)


def _select(rows: dict[int, CaseRow], selected: Sequence[int], key: str) -> list[int]:
    widget = f"{key}_choice"
    named = st.multiselect(
        tr("Cases on this page"), list(rows), format_func=lambda alert_id: _name(rows[alert_id]), key=widget,
        placeholder=tr("Select cases"),
    )  # fmt: skip

    def select_all() -> None:
        st.session_state[widget] = list(rows)

    st.button(
        tr("Select all on this page"),
        key=f"{key}_all",
        icon=":material/done_all:",
        type="tertiary",
        on_click=select_all,
    )
    return [alert_id for alert_id in rows if alert_id in {*named, *selected}]


def _name(row: CaseRow) -> str:
    about = row.first.order_name or (row.first.sku if len(row.alerts) == 1 else row.first.product)
    return f"{', '.join(tables.kinds(row))}: {about or translated(row.first.sentence)}"


def _show_actions(seen: AlertList, ids: Sequence[int], key: str, person: Actor) -> None:
    names = [tr("Acknowledge"), tr("Snooze"), tr("Assign")]
    names += [tr("Resolve")] if may(person.role, Permission.RESOLVE_ALERT) else []
    on_it, snooze, assign, *resolve = st.tabs(names, key=f"{key}_tabs")
    name = f"several_{key}"
    cases = [each for row in seen.page.rows for each in row.alerts if each.alert_id in ids]
    with on_it:
        handling.show_acknowledge(ids, name)
    with snooze:
        if any(each.is_snoozed for each in cases):
            handling.show_wake(ids, name)
        handling.show_snooze(ids, name, seen.shop.zone)
    with assign:
        if person.user_id is not None:
            handling.show_assign_to_me(ids, name, person.user_id)
        handling.show_assign(ids, name, seen.hands)
    for tab in resolve:
        with tab:
            units = sum(each.units for each in cases)
            then = tr(" {units} of paid orders then count as oversold.", units=words.units(units))
            handling.show_resolve(
                ids, name, tr("Closes the cases.{part}", part=then if units else ""), oversells=bool(units)
            )
