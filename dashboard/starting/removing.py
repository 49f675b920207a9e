"""Removing the sample data: what goes and what stays, a backup, and the shop's name as the second demand.

Both run in a thread of their own (`dashboard/frame/long_work.py`), and every admin sees their progress.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.backups import record as backup_record
from core.backups.record import Backup
from core.database.startup import open_database
from core.foundation.errors import StockError, Unavailable
from core.foundation.settings import load_settings
from core.sample import removal
from core.sample.removal import Contents
from dashboard.catalog import order_import
from dashboard.door import session
from dashboard.frame import long_work, outcome, words
from dashboard.frame.long_work import LongWork
from dashboard.language.said import translated
from dashboard.language.texts import tr

FRESH = timedelta(hours=1)
"""How old the backup may be; the removal itself checks this again."""
_NAME = "sta_name"


@dataclass(slots=True, kw_only=True)
class Working(LongWork):
    """A backup or a removal in progress, or the last one that ended. `doing` says which in a sentence."""

    doing: str


works = long_work.OneAtATime[Working]()


def show(found: Contents) -> None:
    """Show what a removal takes and leaves, and its two steps or their progress."""
    with st.container(border=True, key="sta_removing"):
        st.subheader(tr("Remove the sample data"), anchor=False)
        _show_contents(found)
        work = works.latest
        if work is not None and not work.is_over:
            _watch(work)
            return
        if work is not None and work.problem is not None:
            long_work.show_problem(work, work.problem)
        if why := _obstacle():
            st.error(words.plain(translated(why)), icon=":material/block:")
            return
        backup = _fresh_backup()
        _show_backup(backup)
        _show_demand(found, is_ready=backup is not None)


def _show_contents(found: Contents) -> None:
    goes, stays = st.columns(2, gap="medium")
    with goes:
        st.markdown(tr(":red[:material/delete:] **Goes for good, with every change made to it**"))
        st.markdown(
            tr(
                "- {variants} and {movements}\n- {orders}, {cases}, and the sandbox of Stripe\n- "
                "Counts, holds, proofs and figures\n- API keys, webhooks, and the settings of Stripe, jobs and "
                "notifications\n- Saved views with their mails, and terms of ordering\n- The shop's name, time zone, "
                "currency and language",
                variants=words.plural(found.variants, "variant"),
                movements=words.plural(found.movements, "movement"),
                orders=words.plural(found.orders, "order"),
                cases=words.plural(found.cases, "case"),
            )
        )
    with stays:
        st.markdown(tr(":green[:material/check_circle:] **Stays**"))
        st.markdown(
            tr(
                "- {accounts} with roles and passwords\n- {sessions}: those who are signed in stay so\n"
                "- {reasons} of movements, your own included\n- The record of changes, and the backups",
                accounts=words.plural(found.people, "account"),
                sessions=words.plural(found.signed_in, "session", "sessions"),
                reasons=words.plural(found.reasons, "reason"),
            )
        )


def _obstacle() -> str | None:
    with open_database(load_settings()) as database:
        return removal.obstacle(database.owner_url)


# ---------------------------------------------------------------- first a backup


def _fresh_backup() -> Backup | None:
    since = datetime.now(UTC) - FRESH
    made = session.run(backup_record.backups)
    return next((backup for backup in made if backup.proven_at is not None and backup.made_at > since), None)


def _show_backup(backup: Backup | None) -> None:
    st.markdown(tr("**1. Create a backup**"))
    if backup is None:
        st.caption(tr("It is restored into a temporary database and checked, so it takes a moment."))
    else:
        place = load_settings().backup_dir / backup.file
        st.success(
            tr("Created and verified {made_at}.", made_at=words.ago(backup.made_at, datetime.now(UTC))),
            icon=":material/verified:",
        )
        st.code(str(place if place.exists() else backup.file), language=None, wrap_lines=True)
    st.button(
        tr("Create another backup") if backup else tr("Create a backup"), key="sta_backup", icon=":material/backup:",
        type="secondary" if backup else "primary", on_click=_begin_backup,
    )  # fmt: skip


def _begin_backup() -> None:
    try:
        person = session.actor()
        session.run(backup_record.may_back_up)
    except StockError as problem:
        outcome.remembered().problem = problem
        return

    def back_up() -> None:
        settings = load_settings()
        with open_database(settings) as database:
            removal.back_up(database.owner_url, settings.backup_dir, keep=settings.backups_kept)

    works.begin(
        Working(who=person.name, called="backup", doing=tr("Creating a backup, restoring and checking it")), back_up
    )


# ---------------------------------------------------------------- then the second demand


def _show_demand(found: Contents, *, is_ready: bool) -> None:
    st.markdown(tr("**2. Type the name of the shop**"))
    with st.form("sta_demand", border=False):
        st.text_input(
            tr("To remove all of it, type {name}", name=words.plain(found.name)),
            key=_NAME,
            disabled=not is_ready,
            autocomplete="off",
        )
        st.form_submit_button(
            tr("Remove the sample data"),
            type="primary",
            icon=":material/delete:",
            key="sta_remove",
            disabled=not is_ready,
            on_click=_begin_removal,
        )


def _begin_removal() -> None:
    typed = str(st.session_state.get(_NAME, ""))
    try:
        person = session.actor()
        session.run(removal.contents)  # refuses a person who may not, before anything begins
        _refuse_import()
    except StockError as problem:
        outcome.remembered().problem = problem
        return

    def remove() -> None:
        with open_database(load_settings()) as database:
            removal.remove_sample(database.owner_url, person, name=typed)

    doing = tr("Waiting for running jobs to end, then removing the sample data")
    works.begin(Working(who=person.name, called="removal", doing=doing), remove)


def _refuse_import() -> None:
    """Raise Unavailable while an import runs here: it could store what it has read from the sandbox afterwards."""
    running = order_import.imports.latest
    if running is not None and not running.is_over:
        raise Unavailable(
            tr(
                "{who} is importing orders. Nothing was changed. Wait for it to end, or cancel it under Import.",
                who=running.who,
            )
        )


@st.fragment(run_every=long_work.EVERY_SECONDS)
def _watch(work: Working) -> None:
    long_work.look(work)
    st.markdown(f":material/hourglass_top: {work.doing} ...")
    st.caption(tr("Started by {who}. It continues if you close this page.", who=words.plain(work.who)))
