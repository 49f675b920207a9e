"""Settings, Stripe guard: how it is set, the kill switch, and the record of what it did or would have done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import streamlit as st

from core.foundation.settings import load_settings
from core.orders import stripe_link
from core.storefront.guard import setting
from core.storefront.guard.setting import Act, ActState, Mode, Noted, Setting
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import lazy, tr

MODES = lazy({Mode.OFF: "Switched off", Mode.DRY: "Dry run", Mode.ON: "On"})
ACTS = lazy(
    {
        Act.DEACTIVATE: "Deactivate link",
        Act.ACTIVATE: "Activate link",
        Act.EXPIRE: "Expire session",
        Act.LEAVE: "Left to a person",
    }
)
STATES = lazy(
    {
        ActState.ASKED: "Not answered yet",
        ActState.DONE: "Done",
        ActState.REFUSED: "Refused by Stripe",
        ActState.LOST: "Did not reach Stripe",
        ActState.DRY: "Dry run",
    }
)
COLORS: dict[Mode, Literal["gray", "blue", "green"]] = {Mode.OFF: "gray", Mode.DRY: "blue", Mode.ON: "green"}


def show_guard() -> None:
    """Show how the guard is set, the buttons that set it, and its record."""
    found, has_key = session.run(setting.setting), session.run(setting.has_key, settings=load_settings())
    st.caption(
        tr(
            "When a variant is out, the guard deactivates the Payment Links that sell it and expires open Checkout "
            "Sessions that can no longer be served. When it is back, it activates the links that it deactivated."
        )
    )
    with st.container(border=True, key="set_guard_state"):
        _show_state(found, has_key)
    st.subheader(tr("Record"), anchor=False)
    _show_record(session.run(setting.record))


def _show_state(found: Setting, has_key: bool) -> None:
    now = datetime.now(UTC)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(tr("Stripe guard"), anchor=False, width="content")
        st.badge(MODES[found.mode], color=COLORS[found.mode])
    if found.stopped_at:
        st.error(
            tr(
                "It stopped by itself {when}, because it made {changes} within an hour, as many as it may.",
                when=words.ago(found.stopped_at, now),
                changes=words.plural(found.most_per_hour, "change"),
            )
        )
    if found.trouble:
        st.warning(words.plain(tr("It could not look at Stripe: {why}", why=translated(found.trouble))))
    if not has_key:
        st.info(tr("It has no key of its own, so only a dry run is possible. Set STOCKROOM_STRIPE_GUARD_KEY."))
        st.link_button(
            tr("Create a restricted key at Stripe"), stripe_link.guard_key_link(), icon=":material/key:",
            help=tr("Only the guard uses this key. The everyday key stays as it is."),
        )  # fmt: skip
    if found.set_by and found.set_at:
        said = tr(
            "Set by {name} {when}. It last looked at everything {looked}.",
            name=found.set_by, when=words.ago(found.set_at, now), looked=words.ago(found.looked_at, now),
        )  # fmt: skip
        st.caption(words.plain(said))
    with st.container(horizontal=True):
        if found.mode is not Mode.OFF:
            st.button(tr("Stop now"), key="set_guard_off", type="primary", on_click=_set, args=(Mode.OFF,))
        if found.mode is not Mode.DRY:
            st.button(tr("Start a dry run"), key="set_guard_dry", on_click=_set, args=(Mode.DRY,))
        if found.mode is not Mode.ON:
            st.button(tr("Switch on"), key="set_guard_on", on_click=_set, args=(Mode.ON,), disabled=not has_key)
    with st.form("set_guard_limit", border=False):
        st.number_input(
            tr("Changes an hour at most"), 1, setting.MOST_PER_HOUR, found.most_per_hour, key="set_guard_most",
            help=tr("After as many changes at Stripe within an hour the guard stops and opens a case."),
        )  # fmt: skip
        st.form_submit_button(tr("Save"), on_click=_limit)


def _show_record(found: Sequence[Noted]) -> None:
    if not found:
        frame.empty(
            tr("The guard has done nothing yet"),
            tr("Start a dry run to see what it would do."),
            icon=":material/shield:",
        )
        return
    now = datetime.now(UTC)
    st.dataframe(
        {
            tr("When"): [words.ago(each.created_at, now) for each in found],
            tr("Act"): [ACTS[each.act] for each in found],
            tr("Found"): [_found(each) for each in found],
            tr("State"): [STATES[each.state] for each in found],
            tr("Answer"): [_answer(each) for each in found],
            tr("At Stripe"): [each.object_id for each in found],
            tr("Asked of Stripe"): [each.asked for each in found],
            tr("Setting"): [tr("{mode}, by {name}", mode=MODES[each.mode], name=each.set_by) for each in found],
        },
        hide_index=True,
        alt=tr("What the guard did or would have done, the newest first"),
    )


def _found(noted: Noted) -> str:
    return ", ".join(
        tr(
            "{sku}: {available} available, {least} needed",
            sku=each.sku, available=formats.number(each.available), least=formats.number(each.least),
        )
        for each in noted.found
    )  # fmt: skip


def _answer(noted: Noted) -> str:
    """Return what Stripe said; the state says already that it agreed."""
    return "" if noted.answer == "200" else translated(noted.answer)


def _set(mode: Mode) -> None:
    said = {
        Mode.OFF: tr("The Stripe guard is off. It asks nothing more of Stripe."),
        Mode.DRY: tr("The dry run begins within a minute."),
        Mode.ON: tr("The Stripe guard is on. It looks at Stripe within a minute."),
    }
    has_key = session.run(setting.has_key, settings=load_settings())
    outcome.do(said[mode], setting.set_to, mode=mode, has_key=has_key)


def _limit() -> None:
    outcome.do(tr("The limit is saved."), setting.set_to, most_per_hour=st.session_state["set_guard_most"])
