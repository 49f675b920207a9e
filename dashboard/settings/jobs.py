"""Settings, Jobs: the state, schedule and switch of each background job, parked messages, and the latest runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import streamlit as st

from core.foundation.errors import SignInRequired, StockError
from core.inbox import messages as inbox
from core.inbox.messages import Parked
from core.jobs import runs as job_runs
from core.jobs.runs import JobRun, JobState, Outcome
from dashboard.door import session
from dashboard.frame import live, outcome, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import first_upper, inside, lazy, noun, tr

OUTCOMES = lazy(
    {
        Outcome.DONE: "Done",
        Outcome.IDLE: "Nothing to do",
        Outcome.FAILED: "Failed",
        Outcome.TIMED_OUT: "Timed out",
        Outcome.LOST: "Worker stopped",
    }
)
_BAD = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST)


def show_jobs(zone: str) -> None:
    """Show every job with its actions, parked messages, and the latest runs."""
    jobs = session.run(job_runs.jobs)
    if not jobs:
        frame.empty(
            tr("No jobs yet"),
            tr("Jobs appear here when a worker of this shop has started, in the dashboard or as its own process."),
            icon=":material/manufacturing:",
        )
        return
    st.caption(tr("Background jobs of this shop. The work of a job that is switched off waits until it is on again."))
    with st.grid(2, min_column_width=320, gap="small", key="set_jobs"):
        for job in jobs:
            with st.container(border=True, key=f"set_job_{job.name}"):
                _show_job(job, zone)
    if asked := _asked(jobs):
        _look(asked)
    _show_hour(zone)
    _show_parked(session.run(inbox.parked), zone)
    _show_runs(jobs, zone)


def _asked(jobs: Sequence[JobState]) -> frozenset[str]:
    return frozenset(job.name for job in jobs if job.asked_at is not None)


@st.fragment(run_every=live.EVERY_SECONDS)
def _look(asked: frozenset[str]) -> None:
    """Draw the page again when a requested job has run."""
    try:
        is_over = _asked(session.run(job_runs.jobs)) != asked
    except SignInRequired:
        is_over = True
    except StockError:
        return
    if is_over:
        st.rerun()


# ---------------------------------------------------------------- one job


def _show_job(job: JobState, zone: str) -> None:
    now = datetime.now(UTC)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{words.plain(translated(job.title))}**", width="content")
        label, icon, color = badge(job)
        st.badge(label, icon=icon, color=color)  # type: ignore[arg-type]
    st.caption(f"{_rhythm(job)}  \n{last(job, now)}  \n{upcoming(job, now, zone)}")
    if job.last_said:
        st.markdown(f":gray[“{words.plain(translated(job.last_said[-1]))}”]")
    with st.container(horizontal=True):
        if job.off_at is not None:
            st.button(
                tr("Switch on"), key=f"set_job_on_{job.name}", icon=":material/play_arrow:", type="primary",
                on_click=_switch, args=(job,), kwargs={"is_on": True},
            )  # fmt: skip
            return
        st.button(
            tr("Run now"), key=f"set_job_ask_{job.name}", icon=":material/bolt:", on_click=_ask, args=(job,),
            disabled=job.asked_at is not None,
        )  # fmt: skip
        st.button(
            tr("Switch off"), key=f"set_job_off_{job.name}", icon=":material/pause:", type="tertiary",
            on_click=_switch, args=(job,), kwargs={"is_on": False},
        )  # fmt: skip


def badge(job: JobState) -> tuple[str, str, str]:
    """Return the label, icon and colour of a job's state."""
    if job.off_at is not None:
        return tr("Switched off"), ":material/pause_circle:", "gray"
    if job.lingers:
        return tr("Stuck"), ":material/error:", "red"
    if job.overdue:
        return tr("Overdue"), ":material/error:", "red"
    if job.failing:
        return tr("Keeps failing"), ":material/error:", "red"
    if job.is_running:
        return tr("Running"), ":material/sync:", "blue"
    if job.last_outcome in _BAD:
        return tr("Last run failed"), ":material/warning:", "orange"
    return tr("On"), ":material/check_circle:", "green"


def _rhythm(job: JobState) -> str:
    if job.is_daily:
        return tr("Once a day")
    return {60: tr("Every minute"), 3_600: tr("Every hour")}.get(
        job.period, tr("Every {time}", time=took(timedelta(seconds=job.period)))
    )


def last(job: JobState, now: datetime) -> str:
    """Return a sentence about the last run of a job."""
    if job.last_began_at is None:
        return tr("Not run yet.")
    if job.is_running:
        return tr("Started {last_began_at}.", last_began_at=words.ago(job.last_began_at, now))
    result = inside(OUTCOMES[job.last_outcome]) if job.last_outcome else tr("running")
    return tr(
        "Last run {last_began_at}, took {last_took}: {result}.",
        last_began_at=words.ago(job.last_began_at, now),
        last_took=took(job.last_took),
        result=result,
    )


def upcoming(job: JobState, now: datetime, zone: str) -> str:
    """Return a sentence about the next run of a job, or who switched it off and when."""
    if job.off_at is not None:
        return tr(
            "Switched off by {off_by}, {off_at}.",
            off_by=words.plain(job.off_by or tr("somebody")),
            off_at=words.moment(job.off_at, zone),
        )
    if job.asked_at is not None:
        return tr(
            "Requested by {asked_by}, starts within seconds.", asked_by=words.plain(job.asked_by or tr("somebody"))
        )
    if job.next_at is None or job.next_at <= now + timedelta(minutes=1):
        return tr("Next run within a minute.")
    if job.next_at < now + timedelta(hours=1):
        return tr("Next run in {next_at}.", next_at=took(job.next_at - now))
    return tr("Next run {next_at}.", next_at=words.moment(job.next_at, zone))


def took(length: timedelta | None) -> str:
    """Return a duration: a moment, 0.3 seconds, 2 minutes, 3 hours."""
    seconds = length.total_seconds() if length else 0.0
    if seconds < 0.05:
        return tr("a moment")
    if seconds < 10:
        return f"{formats.number(seconds, (1, 1))}{words.SPACE}{noun(2, 'second', 'seconds')}"
    if seconds < 120:
        return words.plural(round(seconds), "second")
    return (
        words.plural(round(seconds / 60), "minute") if seconds < 7_200 else words.plural(round(seconds / 3_600), "hour")
    )


def _switch(job: JobState, *, is_on: bool) -> None:
    outcome.do(
        tr("{title}: switched {part}.", title=translated(job.title), part=tr("on") if is_on else tr("off")),
        job_runs.switch,
        name=job.name,
        is_on=is_on,
    )


def _ask(job: JobState) -> None:
    outcome.do(tr("{title}: starts within seconds.", title=translated(job.title)), job_runs.ask, name=job.name)


# ---------------------------------------------------------------- the hour, the parked, the runs


def _show_hour(zone: str) -> None:
    at = session.run(job_runs.daily_at)
    key = f"set_job_hour_{at:%H%M}"
    with st.container(border=True, key="set_jobs_hour"), st.form("set_job_hour", border=False):
        st.subheader(tr("Daily jobs"), anchor=False)
        st.time_input(tr("Start at"), at, step=900, key=key, width=200)
        st.caption(
            tr(
                "In the shop's time zone, {value}. An hour later on days when clocks skip it.",
                value=zone.replace("_", " "),
            )
        )
        st.form_submit_button(tr("Save hour"), on_click=_save_hour, args=(at, key))


def _save_hour(before: time, key: str) -> None:
    at: time = st.session_state[key]
    if at == before:
        outcome.remembered().done = tr(outcome.UNCHANGED)
        return
    outcome.do(tr("Daily jobs start at {at}.", at=formats.clock(at)), job_runs.change_hour, at=at)


def _show_parked(parked: Sequence[Parked], zone: str) -> None:
    with st.container(border=True, key="set_jobs_parked"):
        st.subheader(tr("Parked messages"), anchor=False)
        if not parked:
            st.caption(tr("None. Stripe messages that cannot be processed are listed here."))
            return
        many = tr("at least ") if len(parked) == inbox.MOST_SHOWN else ""
        st.markdown(
            first_upper(
                tr("{many}{messages} could not be processed.", many=many, messages=words.plural(len(parked), "message"))
            )
        )
        for message in parked[:10]:
            why = words.plain(translated(message.why) or tr("No reason was recorded."))
            st.markdown(
                f"{words.plain(message.event_id)}{words.DOT}{words.plain(message.kind)}{words.DOT}"
                f"{words.moment(message.created_at, zone)}  \n:gray[{why}]"
            )
        if len(parked) > 10:
            st.caption(tr("And {parked} more.", parked=words.number(len(parked) - 10)))
        st.button(tr("Try again"), key="set_parked_again", icon=":material/refresh:", on_click=_again, args=(parked,))


def _again(parked: Sequence[Parked]) -> None:
    outcome.do(tr("The messages are retried within a minute."), inbox.retry, ids=[message.id for message in parked])


def _show_runs(jobs: Sequence[JobState], zone: str) -> None:
    titles = {job.name: translated(job.title) for job in jobs}
    with st.container(border=True, key="set_jobs_runs"):
        st.subheader(tr("Runs"), anchor=False)
        name = st.selectbox(tr("Job"), list(titles), format_func=titles.__getitem__, key="set_job_runs")
        found = session.run(job_runs.runs, name=name)
        if not found:
            st.caption(tr("This job has not run yet."))
            return
        _show_table(found, zone)
        st.caption(tr("The last 20 runs. Of runs with nothing to do, only the last is kept."))


def _show_table(found: Sequence[JobRun], zone: str) -> None:
    columns = {
        tr("Started"): [words.moment(run.began_at, zone) for run in found],
        tr("Result"): [OUTCOMES[run.outcome] if run.outcome else tr("Running") for run in found],
        tr("Duration"): [took(run.ended_at - run.began_at) if run.ended_at else words.NOTHING for run in found],
        tr("Details"): [" ".join(map(translated, run.said)) for run in found],
        tr("Requested by"): [run.asked_by or "" for run in found],
        tr("Worker"): [run.worker for run in found],
    }
    st.dataframe(
        {name: cells for name, cells in columns.items() if any(cells)},
        hide_index=True,
        height="content",
        alt=tr("Runs of the selected job, the newest first"),
    )
