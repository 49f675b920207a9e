"""What a person reads, and what the log records, when a page meets an unexpected error."""

from __future__ import annotations

import logging
import re

import pytest
import streamlit as st

from core.foundation.errors import SignInRequired, Unavailable
from dashboard import server
from dashboard.door import session


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sentences: list[str] = []
    monkeypatch.setattr(st, "error", lambda sentence, **_: sentences.append(sentence))
    monkeypatch.setattr(session, "show_ended", lambda: sentences.append("ended"))
    return sentences


def test_a_fault_is_a_sentence_with_a_reference_that_the_log_knows_with_its_traceback(
    said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="stockroom"):
        assert server.on_script_error(ZeroDivisionError("select secret from users")) is True
    (sentence,) = said
    found = re.search(r"reference ([0-9a-f]{8})", sentence)
    assert found is not None
    assert "secret" not in sentence
    assert caplog.records[0].message == f"Reference {found[1]}"
    assert caplog.records[0].exc_info is not None


def test_an_ended_session_is_the_designed_message_and_no_fault(
    said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    server.on_script_error(SignInRequired())
    assert said == ["ended"]
    assert not caplog.records


def test_a_refusal_nobody_caught_is_still_a_sentence(said: list[str]) -> None:
    server.on_script_error(Unavailable())
    assert "did not answer in time" in said[0]
