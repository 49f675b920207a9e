"""Settings, Backups: the stored backups, the button that creates one, and how to restore; and a line on Overview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import streamlit as st

from core.backups.record import Backup, Proof
from core.foundation.model import Shop
from core.foundation.settings import Settings
from core.jobs import runs as job_runs
from core.jobs.runs import JobState, Outcome
from dashboard.door import session
from dashboard.frame import outcome, words
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import tr

JOB = "backup"
LATE = timedelta(hours=48)
"""A verified backup older than two nights is overdue."""
LOOK_SECONDS = 3
_FAILURES = 3


def show_backups(kept: Sequence[Backup], last: Proof, zone: str, settings: Settings) -> None:
    """Show the stored backups, the button that creates one, and how to restore."""
    with st.container(border=True, key="set_backup_now_box"):
        st.subheader(tr("Backups"), anchor=False)
        _show_proof(last, zone)
        _show_making(_state(), zone)
    with st.container(border=True, key="set_backup_list"):
        st.subheader(tr("Stored backups"), anchor=False)
        _show_list(kept, zone)
        st.caption(
            tr(
                "The newest {backups_kept} backups and the last verified one are kept. Change the "
                "number with `STOCKROOM_BACKUPS_KEPT`.",
                backups_kept=words.number(settings.backups_kept),
            )
        )
    with st.container(border=True, key="set_backup_restore"):
        st.subheader(tr("Location and restore"), anchor=False)
        _show_restoring(kept, settings)


def _show_proof(last: Proof, zone: str) -> None:
    if last.proven_at is None or last.made_at is None:
        st.warning(
            tr("No backup of this shop is verified yet. A backup is verified by restoring and checking it."),
            icon=":material/help:",
        )
        return
    text = tr(
        "Last verified backup: created {made_at}, verified {proven_at}.",
        made_at=words.moment(last.made_at, zone),
        proven_at=words.ago(last.proven_at, datetime.now(UTC)),
    )
    if datetime.now(UTC) - last.made_at > LATE:
        st.warning(words.plain(text), icon=":material/warning:")
    else:
        st.success(words.plain(text), icon=":material/verified:")


# ---------------------------------------------------------------- creating one


def _state() -> JobState | None:
    return next((job for job in session.run(job_runs.jobs) if job.name == JOB), None)


def _is_busy(state: JobState | None) -> bool:
    return state is not None and state.off_at is None and (state.is_running or state.asked_at is not None)


def _show_making(state: JobState | None, zone: str) -> None:
    busy = _is_busy(state)
    st.button(
        tr("Back up now"),
        key="set_backup_now",
        type="primary",
        icon=":material/backup:",
        disabled=busy,
        on_click=outcome.do,
        args=(tr("Requested. A worker starts it within seconds."), job_runs.ask),
        kwargs={"name": JOB},
    )
    if busy:
        st.fragment(_wait, run_every=LOOK_SECONDS)()
    elif state is not None and state.off_at is not None:
        st.caption(words.plain(tr("Backups are switched off since {off_at}.", off_at=words.moment(state.off_at, zone))))
    else:
        _show_last_run(state)


def _wait() -> None:
    """Show the progress, and draw the page again when the backup is finished."""
    state = _state()
    if not _is_busy(state):
        st.rerun()
    if state is not None and state.is_running:
        st.caption(
            tr(":material/hourglass_top: Creating it, restoring it into a temporary database and checking it ...")
        )
    else:
        st.caption(tr(":material/schedule: Requested, waiting for a worker ..."))


def _show_last_run(state: JobState | None) -> None:
    if state is None or state.last_outcome is None:
        st.caption(tr("A backup is created every night, restored into a temporary database and checked."))
        return
    text = " ".join(map(translated, state.last_said))
    if state.last_outcome in (Outcome.DONE, Outcome.IDLE):
        st.caption(words.plain(text))
    else:
        st.error(words.plain(text or tr("The last backup did not finish.")), icon=":material/error:")


# ---------------------------------------------------------------- the list


def _show_list(kept: Sequence[Backup], zone: str) -> None:
    if not kept:
        st.markdown(tr("There are no backups yet."))
        return
    now = datetime.now(UTC)
    for backup in [each for each in kept if translated(each.why)][:_FAILURES]:
        st.error(
            words.plain(f"{words.moment(backup.made_at, zone)}: {translated(backup.why)}"), icon=":material/error:"
        )
    st.dataframe(
        pd.DataFrame(
            {
                tr("Created"): [words.moment(backup.made_at, zone) for backup in kept],
                tr("Age"): [words.ago(backup.made_at, now) for backup in kept],
                tr("Verified"): [_verified(backup, zone) for backup in kept],
                tr("Size"): [size(backup.size_bytes) for backup in kept],
                tr("Movements"): [backup.movements for backup in kept],
                tr("File"): [backup.file for backup in kept],
            }
        ),
        column_config={tr("Movements"): st.column_config.NumberColumn(format="localized")},
        hide_index=True,
        alt=tr("Backups with their age and size, and when each was verified or why not"),
    )


def _verified(backup: Backup, zone: str) -> str:
    if backup.proven_at is not None:
        return words.moment(backup.proven_at, zone)
    return tr("no: {why}", why=translated(backup.why)) if backup.why else tr("not yet")


def size(count: int) -> str:
    """Return a number of bytes with its unit: 12.3 MB."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return tr("{value} GB", value=formats.number(value, (1, 1)))


def _show_restoring(kept: Sequence[Backup], settings: Settings) -> None:
    folder = settings.backup_dir
    st.markdown(
        tr(
            "Backups are in this folder of the machine that runs Stockroom. Copy archive and "
            "manifest to another machine:"
        )
    )
    st.code(str(folder), language=None, wrap_lines=True)
    st.markdown(tr("Restoring is done where Stockroom runs, because Stockroom must not be running meanwhile."))
    with st.expander(tr("How to restore"), icon=":material/terminal:"):
        _show_command(kept, folder)
    if kept and kept[0].left_out:
        with st.expander(tr("What the newest backup leaves out"), icon=":material/info:"):
            st.markdown(
                tr("They do not belong to Stockroom. With `--replace` they stay; an empty database lacks them.")
            )
            st.markdown("\n".join(f"- {words.plain(sentence)}" for sentence in kept[0].left_out))


def _show_command(kept: Sequence[Backup], folder: Path) -> None:
    st.markdown(tr("Stop Stockroom, set `STOCKROOM_OWNER_URL` and `DATABASE_URL` to an empty database, and run:"))
    best = next((backup.file for backup in kept if backup.proven_at is not None), "FILE")
    there = folder / best  # does not exist if the backup was created elsewhere with `backup --to`
    st.code(f".venv/bin/python -m core restore {there if there.exists() else best}", language="sh", wrap_lines=True)
    st.caption(tr("To replace a database that contains a shop, add `--replace` and its name."))


# ---------------------------------------------------------------- on Overview


def show_line(last: Proof, shop: Shop) -> None:
    """Show the age of the last verified backup on Overview; nothing in a new shop or the sample shop without one."""
    now = datetime.now(UTC)
    if last.proven_at is None or last.made_at is None:
        if not shop.is_sample and now - last.since > LATE:
            st.caption(tr(":orange[:material/warning: No verified backup of this shop]"))
        return
    text = tr("Last verified backup: {made_at}", made_at=words.ago(last.made_at, now))
    late = not shop.is_sample and now - last.made_at > LATE
    st.caption(f":orange[:material/warning: {text}]" if late else f":material/verified: {text}")
