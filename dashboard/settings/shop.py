"""Settings, Shop: name, time zone and currency."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.foundation.model import Shop
from core.people import reading as readings
from core.people.reading import Reading
from core.shop import profile as shop
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.language import asking, formats
from dashboard.language.texts import marked, tr

_CONSEQUENCES = marked(
    "Changing the time zone recalculates all daily figures from the ledger. That takes seconds, or minutes with "
    "millions of movements, and blocks stock changes. Changing the currency does not convert prices."
)


def show_hint(own: Shop) -> None:
    """Ask for the time zone while a shop, other than the sample, has the default one."""
    if own.is_sample or own.zone != shop.DEFAULT_ZONE:
        return
    browser = st.context.timezone
    nearby = browser in shop.zones() and browser != own.zone
    st.info(
        tr("The time zone of this shop is {zone}, the default. Choose your own time zone under Shop", zone=own.zone)
        + (tr("; this browser is in {browser}.", browser=_city(browser or "")) if nearby else "."),
        icon=":material/schedule:",
    )


def show_shop(own: Shop) -> None:
    """Show the shop's settings in a form. An input shows the new value if somebody else has changed it."""
    with st.container(width=640):
        with st.form("set_shop"):
            st.text_input(tr("Name"), own.name, key=_key("name", own.name), max_chars=80)
            _zone_input(own.zone)
            _currency_input(own.currency)
            st.form_submit_button(tr("Save"), type="primary", on_click=_save, args=(own,))
        _show_reading(session.run(readings.shop_reading_of))
        clock = words.plain(words.moment(datetime.now(UTC), own.zone))
        st.caption(tr("The shop's local time is {clock}. {consequences}", clock=clock, consequences=tr(_CONSEQUENCES)))


def _show_reading(present: Reading) -> None:
    with st.form("set_reading"):
        st.markdown(tr("**Language and format**"))
        asking.show(present, tr("As written in English"), "set_reading")
        st.form_submit_button(tr("Save for everybody"), on_click=_save_reading, args=(present,))
        st.caption(tr("Everybody can choose their own on Your account."))


def _save_reading(present: Reading) -> None:
    chosen = asking.asked(present, "set_reading")
    outcome.do(tr("Language and format are saved."), readings.set_shop_reading, language=chosen.language,
               format=chosen.format)  # fmt: skip


def _zone_input(present: str) -> None:
    zones = sorted({*shop.zones(), present})
    found = tr("Type a city or a region to search.")
    st.selectbox(tr("Time zone"), zones, zones.index(present), format_func=_city, key=_key("zone", present), help=found)


def _currency_input(present: str) -> None:
    names = {present: ""} | shop.currencies()
    codes = sorted(names)

    def label(code: str) -> str:
        return words.joined(code, formats.currency(code, names[code]))

    st.selectbox(tr("Currency"), codes, codes.index(present), format_func=label, key=_key("currency", present))


def _key(field: str, value: str) -> str:
    return f"set_shop_{field}_{value}"


def _city(zone: str) -> str:
    return zone.replace("_", " ")


def _save(own: Shop) -> None:
    """Save the values that differ from those the form was drawn with, so that nobody else's change is reverted."""
    seen = {"name": own.name, "zone": own.zone, "currency": own.currency}
    typed = {field: st.session_state[_key(field, value)] for field, value in seen.items()}
    wanted = {field: value for field, value in typed.items() if value != seen[field]}
    if not wanted:
        outcome.remembered().done = tr(outcome.UNCHANGED)
    elif "zone" in wanted:
        with st.spinner(tr("Recalculating daily figures ...")):
            done = tr("The shop is saved. Its time zone is now {zone}.", zone=_city(wanted["zone"]))
            outcome.do(done, shop.change_shop, **wanted)
    else:
        outcome.do(tr("The shop is saved."), shop.change_shop, **wanted)
