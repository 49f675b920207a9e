"""Of many who ask for the same at once, one reads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import uuid4

import pytest

from core.database import reading

CROWD = 6


def test_of_many_who_ask_at_once_one_reads_and_all_have_the_answer() -> None:
    key, reads, may_end = uuid4(), list[int](), Event()

    def read() -> str:
        reads.append(1)
        may_end.wait(10)
        return "twelve"

    with ThreadPoolExecutor(CROWD) as crowd:
        began = time.monotonic()
        asked = [crowd.submit(reading.answer, key, began, read) for _ in range(CROWD)]
        time.sleep(0.1)
        may_end.set()
        assert [each.result(10) for each in asked] == ["twelve"] * CROWD
    assert reads == [1]


def test_those_who_waited_for_a_reader_that_failed_read_themselves() -> None:
    key, faults, may_end = uuid4(), [ConnectionError()], Event()

    def read() -> str:
        if not faults:
            return "twelve"
        fault = faults.pop()
        may_end.wait(10)
        raise fault

    with ThreadPoolExecutor(2) as crowd:
        first = crowd.submit(reading.answer, key, time.monotonic(), read)
        time.sleep(0.05)
        second = crowd.submit(reading.answer, key, time.monotonic(), read)
        time.sleep(0.05)
        may_end.set()
        with pytest.raises(ConnectionError):
            first.result(10)
        assert second.result(10) == "twelve"


def test_a_reader_who_has_changed_something_meanwhile_does_not_take_what_was_read_before() -> None:
    key, answers, may_end = uuid4(), ["old", "new"], Event()

    def read() -> str:
        answer = answers.pop(0)
        if answer == "old":
            may_end.wait(10)
        return answer

    with ThreadPoolExecutor(2) as crowd:
        began = time.monotonic()
        first = crowd.submit(reading.answer, key, began, read)
        time.sleep(0.05)
        second = crowd.submit(reading.answer, key, began, read)
        time.sleep(0.05)
        reading.note_change()
        may_end.set()
        assert (first.result(10), second.result(10)) == ("old", "new")
