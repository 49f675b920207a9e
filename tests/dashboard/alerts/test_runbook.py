"""The runbook has an answer for every case and every check."""

from __future__ import annotations

import re

import pytest

from core.foundation.sales import AlertKind
from core.people.reading import LANGUAGES
from core.proof.checks import CODES
from dashboard.alerts import runbook
from dashboard.language import sales
from dashboard.language.reader import Reader, reading
from dashboard.language.texts import LOCALE, source, tr


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_of_case_says_what_to_do(kind: AlertKind) -> None:
    assert len(runbook.about(sales.KINDS[kind]).split()) > 20


@pytest.mark.parametrize("code", CODES)
def test_every_check_says_what_to_do_when_it_fails(code: str) -> None:
    assert runbook.about(code)


def test_the_introduction_is_text_without_a_heading() -> None:
    assert runbook.paragraphs()[""].startswith("What to do about each kind of case")


def test_the_runbook_has_a_paragraph_for_nothing_else() -> None:
    kinds = {sales.KINDS[kind] for kind in AlertKind}
    assert {name for name in runbook.paragraphs() if name and name[1:2].isalpha()} <= kinds


def italics(text: str) -> set[str]:
    return set(re.findall(r"(?<!\*)\*([^*`]+)\*(?!\*)", text))


def programs(text: str) -> list[str]:
    """Names of settings, columns and commands, and whole commands."""
    return sorted(re.findall(r"(?<!`)`[^`]+`(?!`)|```.+?```", text))


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_the_runbook_of_another_language_says_the_same_with_the_labels_of_its_pages(language: str) -> None:
    english = " ".join(runbook.RUNBOOK.read_text(encoding="utf-8").split())
    own = " ".join((LOCALE / language / "runbook.md").read_text(encoding="utf-8").split())
    assert programs(own) == programs(english)
    assert italics(own) <= italics(english)
    headings = [re.findall(r"## (R\d+:|[^#R])", text) for text in (own, english)]
    assert len(headings[0]) == len(headings[1])
    with reading(Reader(language=language)):
        for name in [source(sales.KINDS)[kind] for kind in AlertKind] + list(CODES):
            assert runbook.about(name) != english
        shown = italics(" ".join(runbook.paragraphs().values()))
        assert shown == {tr(label) for label in italics(own)}
        assert {"Erneut versuchen", "Rückgängig"} <= shown or language != "de"


def test_a_name_without_a_paragraph_raises_an_error() -> None:
    with pytest.raises(LookupError):
        runbook.about("R0")
