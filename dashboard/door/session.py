"""Who is signed in, and the only way a page reaches the database: `run(operation, ...)` as that person.

Who it is comes from the cookie of the websocket's handshake and is looked up in the database; callbacks and fragments
run without the entry script, so every operation checks session and role again in its own transaction.

Pages under test have no browser and so no cookie: a test replaces `presented_token` of this module by a function that
returns the token of a session it made in the database. Nothing a browser sends can do that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from html import escape
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlencode, urlsplit

import streamlit as st
from sqlalchemy import Connection

from core.database import engine as database
from core.database import pool
from core.foundation.errors import SignInRequired
from core.foundation.model import Actor
from core.people import accounts
from core.people.accounts import SignedIn
from dashboard.door.gate import COOKIE

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Whom this thread's script run has just looked up. Good for a moment: `run` needs only the ids, the database decides.
_latest: ContextVar[tuple[str, float, SignedIn] | None] = ContextVar("latest", default=None)
_MOMENT = 2.0
_BUTTON = (
    "font:inherit;font-size:13px;color:inherit;background:transparent;border:1px solid rgba(128,145,158,.55);"
    "border-radius:8px;padding:.4rem .85rem;cursor:pointer"
)


def presented_token() -> str:
    """Return the session token that this browser tab showed when it connected."""
    return st.context.cookies.get(COOKIE, "")


def signed_in() -> SignedIn:
    """Return the person in this browser, as the database knows them now; raises SignInRequired when nobody is."""
    token = presented_token()
    found = accounts.at_the_door(pool.engine(), accounts.find_session, token=token)
    _latest.set((token, time.monotonic(), found) if found else None)
    if found is None:
        raise SignInRequired
    return found


def actor() -> Actor:
    """Return who is signed in; every page calls it first, and it raises SignInRequired when nobody is.

    Looked up once in a moment: the entry script, the page and its operations of one run share an answer.
    """
    latest = _latest.get()
    if latest and latest[0] == presented_token() and time.monotonic() - latest[1] < _MOMENT:
        return latest[2].actor
    return signed_in().actor


def run(operation: Callable[Concatenate[Connection, Actor, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run an operation of core as the signed-in person, in a transaction of its own, and return its result."""
    return database.run(pool.engine(), operation, actor(), *args, **kwargs)


def later(
    operation: Callable[Concatenate[Connection, Actor, _P], _T], *args: _P.args, **kwargs: _P.kwargs
) -> Callable[[], _T]:
    """Return a function that runs the operation as who is signed in now, wherever it is called: a download is built
    in a thread that knows no browser. Session and role are checked then, like everywhere."""
    person = actor()
    return lambda: database.run(pool.engine(), operation, person, *args, **kwargs)


def start_afresh(person: Actor) -> None:
    """Forget what a tab remembers of somebody who was signed in before, when it has come back as somebody else."""
    if st.session_state.get("_session_id", person.session_id) != person.session_id:
        st.session_state.clear()
    st.session_state["_session_id"] = person.session_id


def show_ended() -> None:
    """Say that the session has ended, with the way back to this very page."""
    with st.container(border=True, key="session_ended"):
        st.subheader("Your session has ended", anchor=False)
        st.write(
            "You signed out, an admin signed you out, or twelve hours have passed. "
            "Everything that was saved is still there."
        )
        form_button("Sign in again", "/sign-in", next=here())


def form_button(label: str, action: str, *, method: str = "get", **fields: str) -> None:
    """Show a button that leaves Streamlit for one of our plain pages, in this very tab."""
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
    """Return the address under which this browser reaches the dashboard; empty where it did not say."""
    return st.context.headers.get("Origin", "")
