"""The part of the Settings page about the shop itself: name, time zone, currency."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.foundation.model import Shop
from core.shop import profile as shop
from dashboard.frame import outcome, words

_CONSEQUENCES = (
    "With another time zone every day is summed anew from the ledger. That takes seconds, in a shop with millions of "
    "movements minutes, and stock cannot be changed meanwhile. With another currency prices keep their figures."
)


def show_hint(own: Shop) -> None:
    """Ask for the shop's own time zone while a shop that is no sample still counts its days in the default one."""
    if own.is_sample or own.zone != shop.DEFAULT_ZONE:
        return
    browser = st.context.timezone
    nearby = browser in shop.zones() and browser != own.zone
    st.info(
        f"Days begin and end in {own.zone}, which every new shop starts with. Choose your own time zone under Shop"
        + (f"; this browser is in {_city(browser or '')}." if nearby else "."),
        icon=":material/schedule:",
    )


def show_shop(own: Shop) -> None:
    """Show the shop's settings in a form. Its inputs begin anew when somebody has changed what they show."""
    with st.container(width=640):
        with st.form("set_shop"):
            st.text_input("Name", own.name, key=_key("name", own.name), max_chars=80)
            _zone_input(own.zone)
            _currency_input(own.currency)
            st.form_submit_button("Save", type="primary", on_click=_save, args=(own,))
        clock = words.plain(words.moment(datetime.now(UTC), own.zone))
        st.caption(f"On the shop's clock it is {clock}. {_CONSEQUENCES}")


def _zone_input(present: str) -> None:
    zones = sorted({*shop.zones(), present})
    found = "Type a city or a region to find it."
    st.selectbox("Time zone", zones, zones.index(present), format_func=_city, key=_key("zone", present), help=found)


def _currency_input(present: str) -> None:
    names = {present: ""} | shop.currencies()
    codes = sorted(names)

    def said(code: str) -> str:
        return words.DOT.join(filter(None, (code, names[code])))

    st.selectbox("Currency", codes, codes.index(present), format_func=said, key=_key("currency", present))


def _key(field: str, value: str) -> str:
    return f"set_shop_{field}_{value}"


def _city(zone: str) -> str:
    return zone.replace("_", " ")


def _save(own: Shop) -> None:
    """Change what differs from what the form was drawn with, so that nobody else's change is taken back."""
    seen = {"name": own.name, "zone": own.zone, "currency": own.currency}
    typed = {field: st.session_state[_key(field, value)] for field, value in seen.items()}
    wanted = {field: value for field, value in typed.items() if value != seen[field]}
    if not wanted:
        outcome.remembered().done = "There was nothing to save."
    elif "zone" in wanted:
        with st.spinner("Summing every day anew ..."):
            done = f"The shop is saved. Every day begins at midnight in {_city(wanted['zone'])} now."
            outcome.do(done, shop.change_shop, **wanted)
    else:
        outcome.do("The shop is saved.", shop.change_shop, **wanted)
