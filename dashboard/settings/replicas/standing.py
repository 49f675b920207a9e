"""How each replica stands: whether reads go there, how far it is behind, and what it has answered."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.database import pool, replicas
from core.database.standby import LATE, LOST, PROMOTED, Standing
from dashboard.frame import words
from dashboard.language.texts import lazy, tr

_WHY_NOT = lazy(
    {
        LATE: "It is behind. The primary answers until it has caught up.",
        LOST: "It cannot be reached. The primary answers until it is back.",
        PROMOTED: "It is a primary of its own now, so nothing is read from it. Take it out of the settings.",
    }
)


def show_replicas() -> None:
    """Show the replicas, if the settings name any. For a page whose read has checked who looks."""
    show(replicas.standings(pool.engine()))


def show(found: Sequence[Standing]) -> None:
    """Show how these replicas stand."""
    if not found:
        return
    with st.container(border=True, key="settings_replicas", gap="xsmall"):
        st.subheader(tr("Replicas"), anchor=False)
        for each in found:
            _show(each)
        st.caption(tr("Lists, charts, reports and exports are read from replicas. This process counts its own reads."))


def _show(each: Standing) -> None:
    icon = ":green[:material/check_circle:]" if each.why_not is None else ":orange[:material/warning:]"
    name = tr("Replica {number}", number=each.name.rpartition(" ")[2])
    state = tr("Reads go there.") if each.why_not is None else _WHY_NOT[each.why_not]
    lag = "" if each.lag_bytes is None else _lag(each)
    done = tr(
        "Reads: {reads}. Ended by a conflict: {conflicts}. Lost: {losses}.",
        reads=words.number(each.reads),
        conflicts=words.number(each.conflicts),
        losses=words.number(each.losses),
    )
    sentence = " ".join(filter(None, (f"{name}:", state, lag, done)))
    st.markdown(f"{icon} {words.plain(sentence)}")


def _lag(each: Standing) -> str:
    if not each.lag_bytes:
        return tr("It has everything.")
    return tr(
        "Behind by {seconds} seconds, {kilobytes} kB.",
        seconds=words.number(round(each.lag_seconds or 0)),
        kilobytes=words.number(-(-each.lag_bytes // 1000)),
    )
