"""The scripts of a browser: whoever reads German gets their texts in German, and no text is outside of the table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from core.database import pool
from dashboard.door import session
from dashboard.frame import live, navigation
from dashboard.language.reader import Reader
from dashboard.scan import phrases, shell
from tests.dashboard.tabs import Tabs
from tests.house.reading import ROOT
from tests.language.finder import is_text
from tests.support.builders import Shop

STATIC = sorted((ROOT / "dashboard" / "static").glob("*.js"))
STATION = sorted(shell.FILES.glob("*.js"))
# Names of keys, events, errors, media types and styles.
NAMES = frozenset((
    "Enter", "Tab", "Shift", "Dark", "Light", "Digit", "Backspace", "BarcodeDetector", "NotAllowedError", "TEXTAREA",
    "UnknownVariant", "EAN13", "EAN8", "UPCA", "UPCE", "Code128", "Code39", "DataBar", "DataMatrix", "QRCode",
    "DOMContentLoaded",
    "Nobody is signed in.", " \u00b7 ",
))  # fmt: skip
_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?P<call>\btr\(\s*)?(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)""",
    re.DOTALL,
)
_SELECTOR = re.compile(r"\[[\w-]+([\^*$]?=[^]]*)?\]|^[.#]?[\w-]+( \w+)*\.[\w-]+| > |^\.|, \w+$")
_STYLE = re.compile(r"^[a-z-]+:[^ ]|^(answer|pill|button) |^\([a-z-]+: ")


def literals(path: Path) -> Iterator[tuple[str, bool]]:
    """Each literal of a script, and whether it goes through `tr`."""
    for match in _TOKEN.finditer(path.read_text(encoding="utf-8")):
        if match["text"]:
            assert not re.search(r"\$\{[^}]*(`|[\"'][^\"'}])", match["text"]), (
                "a literal inside of another is not read here"
            )
            yield re.sub(r"\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "{it}", match["text"][1:-1]), bool(match["call"])


def said(paths: list[Path]) -> set[str]:
    return {text for path in paths for text, is_said in literals(path) if is_said}


def is_read(text: str) -> bool:
    """Whether a person reads a literal: it reads like a text, and names nothing for the browser."""
    names = text in NAMES or _SELECTOR.search(text) or _STYLE.search(text)
    return not names and is_text(re.sub(r"\\u[0-9a-f]{4}|\{it\}", "", text).strip())


@pytest.mark.parametrize("path", [*STATIC, *STATION], ids=lambda path: path.name)
def test_no_text_of_a_script_is_outside_of_the_table(path: Path) -> None:
    assert {text for text, is_said in literals(path) if not is_said and is_read(text)} == set()


def test_the_tables_have_exactly_what_the_scripts_and_the_page_say() -> None:
    page = (shell.FILES / "page.html").read_text(encoding="utf-8")
    assert set(navigation.KEYS) == said(STATIC)
    assert set(phrases.table()) == said(STATION) | set(re.findall(r"\[\[(.+?)\]\]", page))


class _Outside(HTMLParser):
    """Collects what a person reads of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.found |= {
            value for name, value in attrs if value and name in ("aria-label", "title", "placeholder", "alt")
        }

    def handle_data(self, data: str) -> None:
        self.found |= {data} if self._tag not in ("script", "style", "kbd") else set()


def test_no_text_of_the_page_is_outside_of_the_table() -> None:
    outside = _Outside()
    outside.feed(re.sub(r"\[\[.+?\]\]", "", (shell.FILES / "page.html").read_text(encoding="utf-8")))
    assert {text.strip() for text in outside.found if re.search("[A-Za-z]{2}", text)} == {"\u00b7 Stockroom"}


def test_a_german_reads_the_keys_of_the_dashboard_in_german(
    embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "engine", lambda *_: embedded_shop.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    monkeypatch.setattr(session, "reader_of", lambda *_: Reader(language="de", locale="de-DE"))
    tab = Tabs(shop=embedded_shop, monkeypatch=monkeypatch).open("Wanda", "stock")
    (marker,) = [each.proto.body for each in tab.get("html") if "stockroom-person" in each.proto.body]
    (found,) = re.findall(r'data-texts="([^"]*)"', marker)
    texts = json.loads(unescape(found))
    assert (texts["Keys"], texts["Close"]) == ("Tasten", "Schließen")
    assert texts.keys() == set(navigation.KEYS)
    assert 'data-skip="Zur Hauptaktion springen"' in marker
