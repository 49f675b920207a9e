"""Settings, People: the accounts of the shop, and the forms that change and add one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core.foundation.model import Role
from core.foundation.settings import load_settings
from core.people import accounts
from core.people import administration as people
from core.people.accounts import OpenSession
from core.people.administration import Person
from core.people.factors import rules
from core.people.factors.rules import FactorRule
from dashboard.frame import outcome, words
from dashboard.language.texts import inside, lazy, tr

ROLES = lazy(
    {
        Role.WAREHOUSE: "receives deliveries, adjusts and counts stock, undoes movements, and retries orders.",
        Role.SUPPORT: "views everything, resolves cases, and decides what happened to refunded goods.",
        Role.MANAGER: "does what warehouse and support do, and imports catalogues and orders.",
        Role.ADMIN: "does everything, and manages people, settings and Stripe.",
    }
)
# In this order, because most browsers also name the ones below them.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def show_people(everybody: tuple[Person, ...], needed: tuple[FactorRule, ...], own_id: int | None) -> None:
    """Show all accounts, the forms that change and add one, and the roles that need a second factor."""
    show_table(everybody)
    change, add = st.columns(2, gap="medium")
    with change, st.container(border=True, key="settings_change"):
        st.subheader(tr("Change a person"), anchor=False)
        show_person(chosen(everybody), own_id)
    with add, st.container(border=True, key="settings_add"):
        st.subheader(tr("Add a person"), anchor=False)
        show_new_person()
    with st.container(border=True, key="settings_factors"):
        st.subheader(tr("Second factor by role"), anchor=False)
        show_rules(needed)
    with st.expander(tr("What the roles may do")):
        for role, may in ROLES.items():
            st.markdown(f"**{words.ROLE_LABELS[role]}** {may}")


def show_table(everybody: tuple[Person, ...]) -> None:
    """Show all accounts."""
    now = datetime.now(UTC)
    st.dataframe(
        {
            tr("Name"): [person.name for person in everybody],
            tr("Email"): [person.email for person in everybody],
            tr("Role"): [words.ROLE_LABELS[person.role] for person in everybody],
            tr("State"): [state(person) for person in everybody],
            tr("Second factor"): [tr("Yes") if person.has_factor else tr("No") for person in everybody],
            tr("Last signed in"): [words.ago(person.last_signed_in_at, now) for person in everybody],
            tr("Signed-in browsers"): [person.open_sessions for person in everybody],
        },
        hide_index=True,
        alt=tr("The people who have an account"),
    )


def state(person: Person) -> str:
    """Return the label of an account's state."""
    if not person.is_active:
        return tr("Deactivated")
    return tr("Active") if person.has_password else tr("No password yet")


def chosen(everybody: tuple[Person, ...]) -> Person:
    """Draw the choice of a person, which the address can hold, and return it."""
    by_email = {person.email: person for person in everybody}
    email = st.selectbox(
        tr("Person"),
        list(by_email),
        format_func=lambda email: f"{by_email[email].name}{words.DOT}{email}",
        key="set_person",
        bind="query-params",
    )
    return by_email[email]


def show_person(person: Person, own_id: int | None) -> None:
    """Show the actions on one account. A person's own second factor is removed under their account."""
    roles = list(Role)
    role = st.selectbox(
        tr("Role"),
        roles,
        index=roles.index(person.role),
        format_func=words.ROLE_LABELS.__getitem__,
        key=f"set_role_{person.user_id}_{person.role}",
    )
    with st.container(horizontal=True):
        _button(
            tr("Change role"),
            tr("{name} is now {role_labels}.", name=person.name, role_labels=inside(words.ROLE_LABELS[role])),
            people.set_role,
            disabled=role == person.role,
            user_id=person.user_id,
            role=role,
        )
        if person.is_active:
            st.button(
                tr("Create one-time link"), key="set_link", icon=":material/link:", on_click=_make_link, args=(person,)
            )
            _button(
                tr("Sign out everywhere"),
                tr("{name} is signed out everywhere.", name=person.name),
                accounts.end_sessions,
                disabled=not person.open_sessions,
                user_id=person.user_id,
            )
            _button(
                tr("Remove second factor"),
                tr("The second factor of {name} is removed, and {name} is signed out everywhere.", name=person.name),
                rules.remove_factors,
                disabled=not person.has_factor or person.user_id == own_id,
                user_id=person.user_id,
                has_mail=load_settings().mail_url is not None,
            )
            _button(tr("Deactivate"), tr("{name} can no longer sign in.", name=person.name), people.set_active,
                    user_id=person.user_id, active=False)  # fmt: skip
        else:
            _button(tr("Reactivate"), tr("{name} can sign in again.", name=person.name), people.set_active,
                    user_id=person.user_id, active=True)  # fmt: skip


def show_new_person() -> None:
    """Show the form that adds a person and creates their first one-time link."""
    with st.form("set_new", border=False):
        st.text_input(tr("Name"), key="set_new_name", max_chars=80)
        st.text_input(tr("Email"), key="set_new_email", max_chars=254)
        st.selectbox(tr("Role"), list(Role), format_func=words.ROLE_LABELS.__getitem__, key="set_new_role")
        st.form_submit_button(tr("Add person"), type="primary", on_click=_add_person)


def show_rules(needed: tuple[FactorRule, ...]) -> None:
    """Show which roles need a second factor, and let an admin choose."""
    st.caption(
        tr(
            "If you require it, everybody in that role who has none is signed out at once, and sets one up right after "
            "the next password."
        )
    )
    for rule in needed:
        key = f"set_factor_{rule.role}_{rule.is_needed}"
        st.toggle(
            tr(
                "Required for {role} ({without} of {people} without one)",
                role=words.ROLE_LABELS[rule.role], without=rule.without, people=rule.people,
            ),
            value=rule.is_needed, key=key, on_change=_set_rule, args=(rule, key),
        )  # fmt: skip


def _set_rule(rule: FactorRule, key: str) -> None:
    wanted = not rule.is_needed
    outcome.do(tr("The rule is saved."), rules.set_factor_rule, role=rule.role, is_needed=wanted)
    st.session_state[key] = rule.is_needed  # a rule that was saved has a toggle of its own


def show_browsers(browsers: tuple[OpenSession, ...], zone: str, now: datetime) -> None:
    """Show where a person is signed in."""
    st.dataframe(
        {
            tr("Browser"): [
                browser(row.user_agent) + (tr(" (this one)") if row.is_this_one else "") for row in browsers
            ],
            tr("Since"): [words.ago(row.created_at, now) for row in browsers],
            tr("Ends"): [words.moment(row.expires_at, zone) for row in browsers],
        },
        hide_index=True,
        alt=tr("The browsers in which you are signed in"),
    )


def browser(user_agent: str | None) -> str:
    """Return the name of a browser by its user agent: Firefox on Windows."""
    agent = user_agent or ""
    name = next((word for mark, word in _BROWSERS if mark in agent), tr("A browser"))
    system = next((word for mark, word in _SYSTEMS if mark in agent), "")
    return tr("{name} on {system}", name=name, system=system) if system else name


def _button(label: str, done: str, operation: Callable[..., Any], *, disabled: bool = False, **values: Any) -> None:
    key = f"set_{label.lower().replace(' ', '_')}"
    st.button(label, key=key, disabled=disabled, on_click=outcome.do, args=(done, operation), kwargs=values)


def _make_link(person: Person) -> None:
    memory = outcome.remembered()
    link = outcome.do(tr("A link for {name} is ready.", name=person.name), people.make_link, user_id=person.user_id)
    if link:
        memory.link = (person.name, link)


def _add_person() -> None:
    memory = outcome.remembered()
    name, email, role = (st.session_state[f"set_new_{field}"] for field in ("name", "email", "role"))
    user_id = outcome.do(tr("{name} has an account.", name=name), people.add_person, name=name, email=email, role=role)
    if user_id is not None:
        memory.link = (
            name,
            outcome.do(tr("{name} has an account.", name=name), people.make_link, user_id=user_id) or "",
        )
        st.session_state["set_new_name"] = st.session_state["set_new_email"] = ""
