"""What a real shop still needs: a list with a link to the place of each step, and a line on Overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.foundation.model import Actor, Shop
from core.foundation.settings import load_settings
from core.people.access import Permission, may
from core.screens import starting
from core.screens.starting import Lack, Step, Task
from dashboard.door import session
from dashboard.frame import links, words
from dashboard.language.texts import lazy, tr


@dataclass(frozen=True, slots=True)
class _Place:
    """How a task is called, and the page on which it is done."""

    title: str
    page: str
    label: str
    section: str = ""


_PLACES = lazy(
    {
        Task.CATALOGUE: _Place("Your catalogue", "catalog", "Import"),
        Task.COUNT: _Place("An opening count", "stock", "Stock"),
        Task.KEY: _Place("Stripe: a key that works", "settings", "Settings, Stripe", "Stripe"),
        Task.WEBHOOK: _Place("Stripe: a verified webhook", "settings", "Settings, Stripe", "Stripe"),
        Task.PEOPLE: _Place("A second person", "settings", "Settings, People", "People"),
        Task.BACKUP: _Place("A verified backup in a safe place", "settings", "Settings, Backups", "Backups"),
        Task.ALERTS: _Place(
            ("A destination for alerts that works"), "settings", ("Settings, Notifications"), ("Notifications")
        ),
    }
)
_LACKS = lazy(
    {
        (Task.CATALOGUE, Lack.SAMPLE): "The variants here are sample data.",
        (Task.CATALOGUE, Lack.VARIANTS): "Import a CSV file, or add the first product on Stock.",
        (Task.COUNT, Lack.SAMPLE): "The levels here are sample data.",
        (Task.COUNT, Lack.MOVEMENTS): (
            "Count each shelf: give the units in the column `opening` of the catalogue, or use *Set level* on Stock "
            "with the reason *Initial stock count*."
        ),
        (Task.KEY, Lack.KEY): (
            "Create a restricted key in Stripe and give it to the person who runs the server. They set it as "
            "`STRIPE_SECRET_KEY` and start "
            "Stockroom again."
        ),
        (Task.KEY, Lack.ANSWER): "A key is set, but Stripe has not answered within the last hour. Test the connection.",
        (Task.WEBHOOK, Lack.SECRET): (
            "Create a webhook in Stripe, with the address that Settings, Stripe shows. Give its signing secret "
            "to the person who runs the server. They set it as `STRIPE_WEBHOOK_SECRET` and start Stockroom again."
        ),
        (
            Task.WEBHOOK,
            Lack.EVENT,
        ): "The secret is set, but no verified message has come yet. Send a test event from Stripe.",
        (Task.PEOPLE, Lack.PERSON): (
            "Only one person can sign in. Add another, so that somebody can help if you cannot."
        ),
        (Task.BACKUP, Lack.PLACE): (
            "Backups lie in the same folder as the data, and would be lost with it. Ask the person who runs the "
            "server for a folder on another disk or machine. They set it as `STOCKROOM_BACKUPS` and start "
            "Stockroom again."
        ),
        (Task.BACKUP, Lack.SAMPLE): "The place is set. What counts is a backup of your own shop.",
        (Task.BACKUP, Lack.PROOF): "No backup of this shop is verified yet. Create one; the next night does too.",
        (Task.ALERTS, Lack.ADDRESS): (
            "Choose where alerts go: mail, Slack, Teams or another service. Give the address "
            "to the person who runs the server. They set it as `STOCKROOM_NOTIFY_` with a name, such as TEAM, and "
            "start Stockroom again."
        ),
        (Task.ALERTS, Lack.MESSAGE): "An address is set, but no message has arrived there yet. Send a test message.",
    }
)


def show(steps: Sequence[Step]) -> None:
    """Show every step, ticked when it is so, with what it lacks and a link to its place."""
    done = sum(step.is_done for step in steps)
    with st.container(border=True, key="sta_checklist"):
        st.subheader(tr("What a real shop needs"), anchor=False)
        st.caption(tr("{done} of {steps} done", done=done, steps=len(steps)))
        st.progress(done / len(steps))
        for step in steps:
            _show_step(step)


def _show_step(step: Step) -> None:
    place = _PLACES[step.task]
    with st.container(horizontal=True, wrap=False, gap="small", key=f"sta_step_{step.task}"):
        if step.is_done:
            st.markdown(":green[:material/check_circle:]", width="content")
        else:
            st.markdown(":gray[:material/radio_button_unchecked:]", width="content")
        with st.container(gap=None, key=f"flush_sta_{step.task}"):
            st.markdown(f"**{place.title}**")
            if about := _about(step):
                st.caption(about)
            if step.lack not in (None, Lack.SAMPLE):
                query = {"set_section": place.section} if place.section else {}
                links.to_page(place.page, place.label, icon=":material/arrow_forward:", **query)


def _about(step: Step) -> str:
    if step.lack is not None:
        return _LACKS[step.task, step.lack]
    if step.task is Task.CATALOGUE:
        return words.plural(step.count, "variant")
    if step.task is Task.COUNT and step.count:
        return tr("{variants} without a movement yet", variants=words.plural(step.count, "variant"))
    if step.task is Task.PEOPLE:
        return tr("{count} people can sign in", count=words.number(step.count))
    return ""


# ---------------------------------------------------------------- on Overview


def show_line(shop: Shop, person: Actor) -> None:
    """Show an admin what their own shop still needs, until everything is done. The sample shop has its banner."""
    if shop.is_sample or not may(person.role, Permission.MANAGE_SHOP):
        return
    steps = session.run(starting.steps, settings=load_settings())
    left = [_PLACES[step.task].title for step in steps if not step.is_done]
    if not left:
        return
    with st.container(key="sta_line", horizontal=True, vertical_alignment="center", border=True):
        done = tr("{steps} of {steps_2}", steps=len(steps) - len(left), steps_2=len(steps))
        st.markdown(
            tr(":material/checklist: **Your shop: {done} steps done.** Next: {left}.", done=done, left=left[0]),
            width="content",
        )
        links.to_page("start", tr("What is left to do"), icon=":material/arrow_forward:")
