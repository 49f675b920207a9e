"""The signed-in person, and `run(operation, ...)`, the only way a page reaches the database.

The session comes from the cookie of the websocket's handshake and is looked up in the database. Callbacks and fragments
run without the entry script, so every operation checks session and role again in its own transaction.

Pages under test have no browser and no cookie: a test replaces `presented_token` with a function that returns the token
of a session it created in the database. Nothing that a browser sends can do that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from html import escape
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit

import streamlit as st
from sqlalchemy import Connection

from core.database import pool, reading, replicas
from core.foundation.errors import SignInRequired, StockError
from core.foundation.model import Actor
from core.people import accounts
from core.people.accounts import SignedIn
from core.people.factors import steps
from core.people.factors.steps import Standing
from dashboard.door.gate import COOKIE
from dashboard.language.reader import ENGLISH, Reader, found_by, reader_of, set_reader
from dashboard.language.texts import tr

_P = ParamSpec("_P")
_T = TypeVar("_T")

# The person this thread's script run has just looked up. `run` needs only the ids: the database checks them again.
_latest: ContextVar[tuple[str, float, SignedIn] | None] = ContextVar("latest", default=None)
_MOMENT = 2.0
_SESSION, _SHOP, _REPLACED = "_session_id", "_shop_since", "_shop_replaced"
_BUTTON = (
    "font:inherit;font-size:13px;color:inherit;background:transparent;border:1px solid rgba(128,145,158,.55);"
    "border-radius:8px;padding:.4rem .85rem;cursor:pointer"
)


def presented_token() -> str:
    """Return the session token that this browser tab sent when it connected."""
    return st.context.cookies.get(COOKIE, "")


def signed_in() -> SignedIn:
    """Return the signed-in person as the database has them now. Raises SignInRequired if there is none."""
    token, began = presented_token(), time.monotonic()
    found = accounts.at_the_door(pool.engine(), accounts.find_session, token=token)
    _latest.set((token, began, found) if found else None)
    if found is None:
        raise SignInRequired
    set_reader(reader_of(found.language, found.format))
    return found


def standing() -> Standing | None:
    """Return the second factors of the signed-in person."""
    return accounts.at_the_door(pool.engine(), steps.standing, token=presented_token())


def _reader() -> Reader:
    """Return the reader of a callback that writes a text before it runs an operation."""
    try:
        found = signed_in()
    except StockError:
        return ENGLISH
    return reader_of(found.language, found.format)


found_by(_reader)


def actor() -> Actor:
    """Return the signed-in person as an actor. Every page calls this first. Raises SignInRequired if there is none.

    An answer is reused for two seconds, so the entry script, the page and its operations of one run share a lookup.
    """
    latest = _latest.get()
    if latest and latest[0] == presented_token() and time.monotonic() - latest[1] < _MOMENT:
        return latest[2].actor
    return signed_in().actor


def run(operation: Callable[Concatenate[Connection, Actor, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run an operation of core as the signed-in person in its own transaction, and return its result.

    The session was looked up on the primary; a replica that answers a read has all that the primary had a moment ago.
    Without replicas, people of one role share the answers to reads that are marked for it.
    """
    person, latest = actor(), _latest.get()
    if latest is None or not reading.is_shared(operation) or replicas.are_named():
        return replicas.run(pool.engine(), operation, person, *args, **kwargs)
    engine = pool.engine()
    key = (engine, latest[2].snapshot, latest[2].shop_since, operation, person.role, args, tuple(kwargs.items()))
    return reading.answer(key, latest[1], lambda: replicas.run(engine, operation, person, *args, **kwargs))


def later(
    operation: Callable[Concatenate[Connection, Actor, _P], _T], *args: _P.args, **kwargs: _P.kwargs
) -> Callable[[], _T]:
    """Return a function that runs the operation as the person signed in now.

    For downloads, which are built in a thread without a browser. Session and role are checked when it runs.
    """
    person = actor()
    return lambda: replicas.run(pool.engine(), operation, person, *args, **kwargs)


def start_afresh(person: SignedIn) -> bool:
    """Clear the tab's state if another person was signed in before, or another shop was here; returns whether."""
    state, session_id = st.session_state, person.actor.session_id
    is_replaced = bool(state.get(_SHOP, person.shop_since) != person.shop_since)
    is_cleared = is_replaced or bool(state.get(_SESSION, session_id) != session_id)
    if is_cleared:
        state.clear()
    state[_SESSION], state[_SHOP] = session_id, person.shop_since
    if is_replaced:
        state[_REPLACED] = True
    return is_cleared


def shop_since() -> datetime | None:
    """Return since when the shop exists that this tab shows."""
    since: datetime | None = st.session_state.get(_SHOP)
    return since


def is_outdated() -> bool:
    """Return whether this tab shows a shop that has been replaced since."""
    latest = _latest.get()
    return latest is not None and st.session_state.get(_SHOP) not in (None, latest[2].shop_since)


def was_replaced() -> bool:
    """Return whether the shop was replaced while this tab was open, and its person has not closed the message."""
    return bool(st.session_state.get(_REPLACED))


def forget_replaced() -> None:
    """Show the message no more."""
    st.session_state.pop(_REPLACED, None)


def show_ended() -> None:
    """Say that the session has ended, and offer to sign in and return to this page."""
    with st.container(border=True, key="session_ended"):
        st.subheader(tr("Your session has ended"), anchor=False)
        st.write(
            tr(
                "You signed out, an admin signed you out, or twelve hours have passed. Everything "
                "you saved is still there."
            )
        )
        form_button(tr("Sign in again"), "/sign-in", next=here())


def form_button(label: str, action: str, *, method: str = "get", **fields: str) -> None:
    """Show a button that opens one of the plain HTML pages in this tab."""
    hidden = "".join(f'<input type="hidden" name="{escape(k)}" value="{escape(v)}">' for k, v in fields.items())
    st.html(
        f'<form method="{method}" action="{escape(action)}" target="_top" style="margin:0">{hidden}'
        f'<button style="{_BUTTON}">{escape(label)}</button></form>'
    )


def here() -> str:
    """Return path and query of the page this tab shows."""
    path = urlsplit(st.context.url or "/").path or "/"
    query = urlencode([(key, value) for key in st.query_params for value in st.query_params.get_all(key)])
    return f"{path}?{query}" if query else path


def origin() -> str:
    """Return the origin under which this browser reaches the dashboard, or an empty string if it sent none."""
    return st.context.headers.get("Origin", "")
