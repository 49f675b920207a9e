"""Backups, for people: the part of Settings that lists, makes and explains them, and the line on Overview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from core.backups.record import Backup, Proof
from core.foundation.model import Shop
from core.foundation.settings import Settings
from core.jobs import runs as job_runs
from core.jobs.runs import JobState, Outcome
from dashboard.door import session
from dashboard.frame import outcome, words

JOB = "backup"
LATE = timedelta(hours=48)
"""After how long without a proof something is wrong: two nights."""
LOOK_SECONDS = 3
_FAILURES = 3


def show_backups(kept: Sequence[Backup], last: Proof, zone: str, settings: Settings) -> None:
    """Show which backups there are, make one now, and say where they lie and how to restore."""
    with st.container(border=True, key="set_backup_now_box"):
        st.subheader("Backups", anchor=False)
        _show_proof(last, zone)
        _show_making(_state(), zone)
    with st.container(border=True, key="set_backup_list"):
        st.subheader("What is kept", anchor=False)
        _show_list(kept, zone)
        st.caption(
            f"Every night the newest {words.number(settings.backups_kept)} are kept, and always the last proven one. "
            "`STOCKROOM_BACKUPS_KEPT` changes how many."
        )
    with st.container(border=True, key="set_backup_restore"):
        st.subheader("Where they lie, and how to restore", anchor=False)
        _show_restoring(kept, settings)


def _show_proof(last: Proof, zone: str) -> None:
    if last.proven_at is None or last.made_at is None:
        st.warning("No backup is proven yet. One counts once it was restored and found right.", icon=":material/help:")
        return
    said = (
        f"Last proven backup: made {words.moment(last.made_at, zone)}, restored and found right "
        f"{words.ago(last.proven_at, datetime.now(UTC))}."
    )
    if datetime.now(UTC) - last.made_at > LATE:
        st.warning(words.plain(said), icon=":material/warning:")
    else:
        st.success(words.plain(said), icon=":material/verified:")


# ---------------------------------------------------------------- making one


def _state() -> JobState | None:
    return next((job for job in session.run(job_runs.jobs) if job.name == JOB), None)


def _is_busy(state: JobState | None) -> bool:
    return state is not None and state.off_at is None and (state.is_running or state.asked_at is not None)


def _show_making(state: JobState | None, zone: str) -> None:
    busy = _is_busy(state)
    st.button(
        "Back up now", key="set_backup_now", type="primary", icon=":material/backup:", disabled=busy,
        on_click=outcome.do, args=("Asked for. A worker begins within seconds.", job_runs.ask), kwargs={"name": JOB},
    )  # fmt: skip
    if busy:
        st.fragment(_wait, run_every=LOOK_SECONDS)()
    elif state is not None and state.off_at is not None:
        st.caption(words.plain(f"The job was switched off {words.moment(state.off_at, zone)}: nothing is backed up."))
    else:
        _show_last_run(state)


def _wait() -> None:
    """Say what goes on, and draw the page anew when it is over."""
    state = _state()
    if not _is_busy(state):
        st.rerun()
    if state is not None and state.is_running:
        st.caption(":material/hourglass_top: Being made, restored into a scratch database and checked there ...")
    else:
        st.caption(":material/schedule: Asked for; waiting for a worker ...")


def _show_last_run(state: JobState | None) -> None:
    if state is None or state.last_outcome is None:
        st.caption("Every night one is made, restored into a scratch database and checked there.")
        return
    said = " ".join(state.last_said)
    if state.last_outcome in (Outcome.DONE, Outcome.IDLE):
        st.caption(words.plain(said))
    else:
        st.error(words.plain(said or "The last one did not come to its end."), icon=":material/error:")


# ---------------------------------------------------------------- what there is


def _show_list(kept: Sequence[Backup], zone: str) -> None:
    if not kept:
        st.markdown("No backup yet.")
        return
    now = datetime.now(UTC)
    for backup in [each for each in kept if each.why][:_FAILURES]:
        st.error(words.plain(f"{words.moment(backup.made_at, zone)}: {backup.why}"), icon=":material/error:")
    st.dataframe(
        pd.DataFrame(
            {
                "Made": [words.moment(backup.made_at, zone) for backup in kept],
                "Age": [words.ago(backup.made_at, now) for backup in kept],
                "Proven": [_proven(backup, zone) for backup in kept],
                "Size": [size(backup.size_bytes) for backup in kept],
                "Movements": [backup.movements for backup in kept],
                "File": [backup.file for backup in kept],
            }
        ),
        column_config={"Movements": st.column_config.NumberColumn(format="localized")},
        hide_index=True,
        alt="Backups with their age, size, and when each was proven or why not",
    )


def _proven(backup: Backup, zone: str) -> str:
    if backup.proven_at is not None:
        return words.moment(backup.proven_at, zone)
    return f"no: {backup.why}" if backup.why else "not restored yet"


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"


def _show_restoring(kept: Sequence[Backup], settings: Settings) -> None:
    folder = settings.backup_dir
    st.markdown("Where Stockroom runs, in this folder; keep a copy of archive and manifest on another machine:")
    st.code(str(folder), language=None, wrap_lines=True)
    st.markdown(
        "To restore, stop Stockroom, set `STOCKROOM_OWNER_URL` and `DATABASE_URL` to an empty database, and run:"
    )
    best = next((backup.file for backup in kept if backup.proven_at is not None), "FILE")
    there = folder / best  # `backup --to` puts one where whoever made it knows
    st.code(f".venv/bin/python -m core restore {there if there.exists() else best}", language="sh", wrap_lines=True)
    st.caption("A database that holds a shop is replaced only with `--replace` and its name.")


# ---------------------------------------------------------------- on Overview


def show_line(last: Proof, shop: Shop) -> None:
    """Say when a backup was last proven; nothing where there is nothing to lose yet."""
    now = datetime.now(UTC)
    if last.proven_at is None or last.made_at is None:
        if not shop.is_sample and now - last.since > LATE:
            st.caption(":orange[:material/warning: No backup of this shop was ever proven]")
        return
    said = f"Last proven backup: {words.ago(last.made_at, now)}"
    late = not shop.is_sample and now - last.made_at > LATE
    st.caption(f":orange[:material/warning: {said}]" if late else f":material/verified: {said}")
