"""The result of the last click on a page: kept by the tab until the page is drawn again, and shown once at its top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.foundation.errors import Forbidden, Refused, StockError, Unavailable
from dashboard.door import session
from dashboard.frame import feedback, words
from dashboard.language.texts import marked, tr

UNCHANGED = marked("There are no changes to save.")


@dataclass(slots=True)
class Outcome:
    """A plain object, so Streamlit cannot interrupt a write to it after a commit.

    `failed`: `done` says what did not work. `link`: the person and their one-time link; `key`: the program and its API
    key; `secret`: a webhook and its secret.
    """

    done: str = ""
    problem: StockError | None = None
    failed: bool = False
    link: tuple[str, str] | None = None
    key: tuple[str, str] | None = None
    secret: tuple[str, str] | None = None


def do(done: str, operation: Callable[..., Any], /, **values: Any) -> Any:
    """Run an operation as the signed-in person and keep the sentence `done`, or the error, for the next drawing.

    For callbacks. Returns the operation's result, None if it was refused.
    """
    memory = remembered()
    try:
        result = session.run(operation, **values)
    except (Refused, Forbidden, Unavailable) as problem:
        memory.done, memory.problem = "", problem
        return None
    memory.done, memory.problem, memory.failed = done, None, False
    return result


def remembered() -> Outcome:
    """Return the result of this tab's last click."""
    found: Outcome = st.session_state.setdefault("_settings_outcome", Outcome())
    return found


def show() -> None:
    """Show the result of the last click, with the link or key it created, once."""
    memory = remembered()
    st.session_state["_settings_outcome"] = Outcome()
    if memory.problem is not None:
        feedback.show(memory.problem)
    elif memory.done:
        st.toast(words.plain(memory.done), icon=":material/error:" if memory.failed else ":material/check_circle:")
    if memory.link is not None:
        name, link = memory.link
        with st.container(border=True, key="settings_link"):
            st.markdown(
                tr(
                    "**One-time link for {name}.** It works once within 24 hours and is not shown again.",
                    name=words.plain(name),
                )
            )
            st.code(f"{session.origin()}/welcome?token={link}", language=None, wrap_lines=True)
    if memory.key is not None:
        name, key = memory.key
        with st.container(border=True, key="settings_key"):
            st.markdown(tr("**API key for {name}.** Copy it now; it is not shown again.", name=words.plain(name)))
            st.code(key, language=None, wrap_lines=True)
    if memory.secret is not None:
        name, secret = memory.secret
        with st.container(border=True, key="settings_secret"):
            st.markdown(tr("**Secret of {name}.** Copy it now; it is not shown again.", name=words.plain(name)))
            st.code(secret, language=None, wrap_lines=True)
