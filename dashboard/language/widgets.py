"""Choices and dialogs whose labels are translated, while values and addresses stay as the code has them.

Streamlit writes a bound choice's label into the address. In English that is the value. In another language it would
make links that only its readers can open, so there the address is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import streamlit as st

from dashboard.language.texts import is_english, tr

_P = ParamSpec("_P")
_USUAL = {"index": 0, "default": None}


def pills(label: str, options: Iterable[Any], **more: Any) -> Any:
    """Draw `st.pills` with translated options."""
    return _draw(st.pills, label, options, more)


def segmented_control(label: str, options: Iterable[Any], **more: Any) -> Any:
    """Draw `st.segmented_control` with translated options."""
    return _draw(st.segmented_control, label, options, more)


def multiselect(label: str, options: Iterable[Any], **more: Any) -> Any:
    """Draw `st.multiselect` with translated options."""
    return _draw(st.multiselect, label, options, more | {"selection_mode": "multi"})


def selectbox(label: str, options: Iterable[Any], index: int | None = 0, **more: Any) -> Any:
    """Draw `st.selectbox` with translated options."""
    return _draw(st.selectbox, label, options, more | {"index": index})


def radio(label: str, options: Iterable[Any], index: int | None = 0, **more: Any) -> Any:
    """Draw `st.radio` with translated options."""
    return _draw(st.radio, label, options, more | {"index": index})


def _draw(widget: Callable[..., Any], label: str, options: Iterable[Any], more: dict[str, Any]) -> Any:
    offered = list(options)
    is_multi = more.get("selection_mode") == "multi"
    if widget is st.multiselect:
        del more["selection_mode"]
    more.setdefault("format_func", tr)
    if more.get("bind") is None or is_english():
        return widget(label, offered, **more)
    return _Bound(offered, more, is_multi).draw(widget, label)


class _Bound:
    """A choice whose value is kept in the address by this class, not by Streamlit."""

    def __init__(self, offered: Sequence[Any], more: dict[str, Any], is_multi: bool) -> None:
        self.key = str(more["key"])
        self.by_code = {str(each): each for each in offered}
        self.more = {name: value for name, value in more.items() if name not in ("bind", "index", "default")}
        self.is_multi = is_multi
        first = more.get("index")
        self.usual = more.get("default") if "index" not in more else offered[first] if first is not None else None
        if is_multi:
            self.usual = list(self.usual or [])
        self.remembered = f"_address_{self.key}"

    def draw(self, widget: Callable[..., Any], label: str) -> Any:
        """Draw the choice and return its value."""
        address, state = st.query_params.get_all(self.key), st.session_state
        if self.remembered not in state or state[self.remembered] != address:
            state[self.key] = self._value(address)
        elif self.key not in state:
            state[self.key] = self.usual
        elif self._codes(state[self.key]) != address:  # the page has set another value, as "Clear filters" does
            self._write()
        state[self.remembered] = st.query_params.get_all(self.key)
        after, args = self.more.pop("on_change", None), self.more.pop("args", ())

        def changed() -> None:
            self._write()
            state[self.remembered] = st.query_params.get_all(self.key)
            if after is not None:
                after(*args)

        start = {"index": None} if widget in (st.selectbox, st.radio) and self.usual is None else {}
        return widget(label, list(self.by_code.values()), on_change=changed, **start, **self.more)

    def _value(self, address: list[str]) -> Any:
        found = [self.by_code[code] for code in address if code in self.by_code]
        if self.is_multi:
            return found or self.usual
        return found[0] if found else self.usual

    def _codes(self, value: Any) -> list[str]:
        if value == self.usual or value is None:
            return []
        return [str(each) for each in value] if self.is_multi else [str(value)]

    def _write(self) -> None:
        codes = self._codes(st.session_state.get(self.key))
        if codes:
            st.query_params[self.key] = codes
        else:
            st.query_params.pop(self.key, None)


def dialog(title: str, **more: Any) -> Callable[[Callable[_P, None]], Callable[_P, None]]:
    """Return `st.dialog` with a title that is translated when the dialog opens."""

    def decorate(body: Callable[_P, None]) -> Callable[_P, None]:
        @wraps(body)
        def open_it(*args: _P.args, **kwargs: _P.kwargs) -> None:
            st.dialog(tr(title), **more)(body)(*args, **kwargs)

        return open_it

    return decorate
