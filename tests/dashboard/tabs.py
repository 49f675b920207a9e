"""A tab of the dashboard without a browser: a page opened as one of the test people, read as text."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.database import pool
from core.people import passwords
from dashboard.door import session
from dashboard.frame import live
from tests.support.builders import Shop

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Tabs:
    """Opens pages of one shop."""

    shop: Shop
    monkeypatch: pytest.MonkeyPatch

    def open(self, name: str, page: str = "overview", **query: Any) -> AppTest:
        """Open a page as a person; `query` are the parameters of the address."""
        token = self.token(name)
        self.monkeypatch.setattr(session, "presented_token", lambda: token)
        tab = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=30)
        if page != "overview":
            tab.switch_page(f"../pages/{page}.py")  # at once, as by its address; the first page is not drawn before
        for key, value in query.items():
            tab.query_params[key] = value
        return run(tab)

    def token(self, name: str) -> str:
        """Sign a person in and return their session token."""
        token = passwords.new_token()
        self.shop.sql(
            "update stockroom.sessions set token_hash = :hash where id = :id",
            hash=passwords.token_hash(token),
            id=self.shop.person(name).session_id,
        )
        return token


@pytest.fixture
def tabs(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Tabs:
    """Tabs of a shop of its own."""
    monkeypatch.setattr(pool, "engine", lambda *_: embedded_shop.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    return Tabs(shop=embedded_shop, monkeypatch=monkeypatch)


def run(tab: AppTest) -> AppTest:
    """Draw the tab again. No page may raise an exception."""
    tab.run()
    assert not tab.exception, tab.exception
    return tab


def press(tab: AppTest, label: str) -> AppTest:
    """Press the button of that name."""
    (button,) = [button for button in tab.button if button.label == label]
    button.click()
    return run(tab)


def until(tab: AppTest, text: str) -> AppTest:
    """Draw the tab again until a text or a button says this, as the bar of a large file does every second."""
    deadline = time.monotonic() + 30
    while text not in words_of(tab) and text not in [label.replace("\N{NO-BREAK SPACE}", " ") for label in labels(tab)]:
        assert time.monotonic() < deadline, words_of(tab)
        time.sleep(0.05)
        run(tab)
    return tab


def field(tab: AppTest, kind: str, label: str, nth: int = 0) -> Any:
    """Return the nth input of that kind and label."""
    return [found for found in tab.get(kind) if getattr(found, "label", None) == label][nth]


def words_of(tab: AppTest) -> str:
    """Return all text of the page in one line, without Markdown and with ordinary spaces."""
    kinds = ("title", "subheader", "markdown", "caption", "error", "info", "warning", "success")
    said = [str(getattr(element, "value", "")) for kind in kinds for element in tab.get(kind)]
    said += [f"{metric.label} {metric.value}" for metric in tab.metric]
    said += [element.proto.label for element in tab.get("page_link")]
    text = " ".join(said).replace(":color[]", "").replace("\\", "").replace("*", "").replace("\N{NO-BREAK SPACE}", " ")
    return " ".join(text.split())


def labels(tab: AppTest) -> list[str]:
    """Return the names of the buttons."""
    return [button.label for button in tab.button]


def table(tab: AppTest, column: str) -> pd.DataFrame:
    """Return the first table that has this column."""
    return next(found.value for found in tab.dataframe if column in found.value.columns)


def metric(tab: AppTest, label: str) -> str:
    """Return a number shown under that name."""
    return next(str(found.value) for found in tab.metric if found.label == label)
