"""The runbook has an answer for every case and every check."""

from __future__ import annotations

import pytest

from core.foundation.sales import AlertKind
from core.proof.checks import CODES
from dashboard.alerts import runbook
from dashboard.language import sales


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


def test_a_name_without_a_paragraph_raises_an_error() -> None:
    with pytest.raises(LookupError):
        runbook.about("R0")
