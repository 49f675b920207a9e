"""What the last click on Settings did: kept by the tab until the page is drawn again, and said once at its top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.foundation.errors import Forbidden, Refused, StockError, Unavailable
from dashboard.door import session
from dashboard.frame import feedback, words


@dataclass(slots=True)
class Outcome:
    """A plain object: nothing interrupts what is written into it after a commit.

    `link`: for whom, and the link; `key`: for which program, and the key.
    """

    done: str = ""
    problem: StockError | None = None
    link: tuple[str, str] | None = None
    key: tuple[str, str] | None = None


def do(done: str, operation: Callable[..., Any], /, **values: Any) -> Any:
    """Run an operation as the signed-in person and keep the sentence for it, or why it was refused; returns its result.

    For callbacks: None where it was refused.
    """
    memory = remembered()
    try:
        result = session.run(operation, **values)
    except (Refused, Forbidden, Unavailable) as problem:
        memory.done, memory.problem = "", problem
        return None
    memory.done, memory.problem = done, None
    return result


def remembered() -> Outcome:
    """Return what this tab remembers of the last click."""
    found: Outcome = st.session_state.setdefault("_settings_outcome", Outcome())
    return found


def show() -> None:
    """Say what the last click did, and show the link it made, once."""
    memory = remembered()
    st.session_state["_settings_outcome"] = Outcome()
    if memory.problem is not None:
        feedback.show(memory.problem)
    elif memory.done:
        st.toast(words.plain(memory.done), icon=":material/check_circle:")
    if memory.link is not None:
        name, link = memory.link
        with st.container(border=True, key="settings_link"):
            st.markdown(
                f"**One-time link for {words.plain(name)}.** It works once, for 24 hours, and is shown only now."
            )
            st.code(f"{session.origin()}/welcome?token={link}", language=None, wrap_lines=True)
    if memory.key is not None:
        name, key = memory.key
        with st.container(border=True, key="settings_key"):
            st.markdown(f"**API key for {words.plain(name)}.** It is shown only now; nobody can look it up later.")
            st.code(key, language=None, wrap_lines=True)
