"""What every list has around it: filters and choices kept in the address, its count, and the ways to other pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from core.foundation.paging import Count
from dashboard.frame import words
from dashboard.language import widgets
from dashboard.language.texts import inside, marked, tr

T = TypeVar("T")
LONGEST_ASKED = 300
DAYS = marked({"7 days": 7, "30 days": 30, "90 days": 90})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(Generic[T]):
    """What a list shows: the filter, and the cursor of the page."""

    filter: T
    cursor: str | None = None

    @property
    def narrowed(self) -> bool:
        """Whether the filter leaves anything out."""
        return self.filter != type(self.filter)()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filter widgets of a list: each one's key with its empty value, and the parameter that holds the cursor."""

    empty: Mapping[str, Any]
    cursor: str

    @property
    def bound(self) -> dict[str, Any]:
        """The arguments that keep a widget's value in the address; a change goes back to the first page."""
        return {"bind": "query-params", "on_change": self.first_page}

    def first_page(self) -> None:
        """Go to the first page."""
        st.query_params.pop(self.cursor, None)

    def clear(self) -> None:
        """Remove every filter."""
        self.first_page()
        for key, value in self.empty.items():
            st.session_state[key] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Generic[T]):
    """One choice of several, kept in the address: a period, a view."""

    label: str
    key: str
    options: Mapping[str, T]
    usual: str

    def value(self) -> T:
        """Return the chosen value, also before the choice is drawn."""
        text = st.session_state.get(self.key) or st.query_params.get(self.key, "")
        return self.options.get(text, self.options[self.usual])

    def show(self, on_change: Callable[[], None] | None = None) -> T:
        """Draw the choice and return its value."""
        widgets.segmented_control(
            tr(self.label), list(self.options), default=self.usual, required=True, key=self.key, bind="query-params",
            label_visibility="collapsed", on_change=on_change,
        )  # fmt: skip
        return self.value()

    def show_as_list(self, on_change: Callable[[], None] | None = None) -> T:
        """Draw the choice as a list that opens, for more options than fit beside each other, and return its value."""
        options = list(self.options)
        widgets.selectbox(
            tr(self.label), options, index=options.index(self.usual), key=self.key, bind="query-params",
            on_change=on_change,
        )  # fmt: skip
        return self.value()


def number(text: str, digits: int = 18) -> int | None:
    """Return the whole number in `text`, or None where it is not one or has more digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def counted(count: Count, noun: str) -> str:
    """Return how many there are: 12 orders; More than 10,000 orders."""
    return f"{(tr('More than ') if count.at_least else '')}{words.plural(count.count, noun)}"


def show_head(
    text: str, *, key: str, clear: Callable[[], None] | None = None, stale: bool = False,
    actions: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Say what the list holds, offer `clear` if a filter narrows it, and draw `actions` beside it.

    `stale`: the address held the cursor of another list.
    """
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key=f"{key}_count"
    ):
        st.caption(text, width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if clear:
                show_clear(key, clear)
            if actions:
                actions()
    if stale:
        st.caption(tr("The page in this link no longer matches the list, so this is the first page."))


def show_clear(key: str, clear: Callable[[], None]) -> None:
    """Offer to remove every filter."""
    st.button(
        tr("Clear filters"), key=f"{key}_clear", icon=":material/filter_alt_off:", type="tertiary", on_click=clear
    )


def show_pages(param: str, before: str | None, after: str | None, *, names: tuple[str, str, str], key: str) -> None:
    """Draw buttons to the first, previous and next page, if there is more than one page."""
    if before is None and after is None:
        return
    first, back, on = names
    with st.container(horizontal=True, horizontal_alignment="center", key=f"{key}_pages"):
        _button(first, param, None, ":material/first_page:", key, disabled=before is None)
        _button(back, param, before, ":material/chevron_left:", key, disabled=before is None)
        _button(on, param, after, ":material/chevron_right:", key, disabled=after is None)


def _button(label: str, param: str, cursor: str | None, icon: str, key: str, *, disabled: bool) -> None:
    name = f"{key}_{inside(label).replace(' ', '_')}"
    st.button(label, key=name, icon=icon, disabled=disabled, on_click=put, args=(param, cursor))


def put(param: str, value: object) -> None:
    """Set a query parameter; None removes it."""
    if value is None:
        st.query_params.pop(param, None)
    else:
        st.query_params[param] = str(value)


def offered(known: Sequence[str], key: str) -> list[str]:
    """Return the values of a select box that is kept in the address, with the one that is asked for.

    Streamlit drops a value that is not among them. A view of a brand that is gone would then show everything.
    """
    asked = st.session_state.get(key) or st.query_params.get(key) or ""
    is_text = isinstance(asked, str) and asked.isprintable() and 0 < len(asked) <= LONGEST_ASKED
    return [*known, asked] if is_text and asked not in known else list(known)
