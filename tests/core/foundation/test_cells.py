"""The moments of a history file, read all at once where Arrow can, else one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pyarrow as pa
import pytest

from core.foundation.cells import Rules, checked

RULES = Rules(
    zone="Pacific/Auckland", now=datetime(2026, 2, 1, tzinfo=UTC), signs={("sale", "stock_decrease"): -1}
)  # fmt: skip
DATES = ("2024-05-01", "2024-02-29", "2023-02-29", "1970-01-01", "1969-12-31", "0001-01-01", "9999-12-31", "2024-W18-3")
TIMES = ("T09:30:00", " 09:30", "T09", "T093000", "T24:00:00", "T23:59:60", "T00:00:00.1", "T00:00:00.000001", "T9:30")
OFFSETS = ("Z", "+00:00", "-0930", "+02", "+23:59", "-23:59", "+24:00", "+5:30", "")
WITHOUT_OFFSET = "2024-05-01 09:30"


def moments(*texts: str) -> list[Any]:
    """The moment of each text, and what is wrong with the file."""
    many = {"sku": "S", "movement_type": "sale", "reason": "stock_decrease", "quantity": -1, "reference": "R"}
    raw = pa.table(
        {name: [value] * len(texts) for name, value in many.items()}
        | {"occurred_at": list(texts), "line": pa.array(range(len(texts)), pa.int32())}
    )
    rows, problems = checked(raw, RULES)
    return [rows["occurred_at"].cast(pa.int64()).to_pylist()[0], [str(each) for each in problems]]


@pytest.mark.parametrize("date", DATES)
def test_a_moment_means_the_same_alone_and_beside_one_without_an_offset(date: str) -> None:
    texts = [date + time + offset for time, offset in product(TIMES, OFFSETS)]
    assert [moments(text) for text in texts] == [moments(text, WITHOUT_OFFSET) for text in texts]


def test_a_moment_keeps_its_microseconds() -> None:
    at = datetime(2024, 5, 1, 7, 30, 0, 123456, tzinfo=UTC)
    assert moments("2024-05-01T09:30:00.123456+02:00") == [int(at.timestamp()) * 1_000_000 + 123456, []]
