"""A size run is typed as people write it, and SKUs are proposed for it."""

from __future__ import annotations

import pytest

from core.catalog import size_runs
from core.foundation.errors import InvalidInput


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("36-40", ["36", "37", "38", "39", "40"]), ("36 \u2013 38", ["36", "37", "38"]),
        ("36, 37, 38.5", ["36", "37", "38.5"]), ("S M L XL", ["S", "M", "L", "XL"]), ("", [""]), (" , ", [""]),
        ("UK 9, UK 10", ["UK 9", "UK 10"]), ("36-38; 38, 40", ["36", "37", "38", "40"]),
        ('"35-38", "39-42"', ["35-38", "39-42"]), ("one size,", ["one size"]), ("38-38.5", ["38-38.5"]),
    ],
)  # fmt: skip
def test_sizes_are_read_as_typed(typed: str, found: list[str]) -> None:
    assert size_runs.sizes(typed) == found


@pytest.mark.parametrize("typed", ["46-36", "1-300", ", ".join(str(n) for n in range(70)), "4\u200b2"])
def test_a_run_that_cannot_be_meant_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        size_runs.sizes(typed)


def test_skus_are_proposed_from_a_pattern() -> None:
    assert size_runs.pattern_of("Trail Runner") == "TR-{size}"
    assert size_runs.pattern_of("Clog") == "CLOG-{size}"
    assert size_runs.pattern_of("Trail Runner", "run-01-42", "42") == "run-01-{size}"
    assert size_runs.pattern_of("Trail Runner", "9912", "42") == "TR-{size}"
    assert [size_runs.sku_of("TR-{size}", size) for size in ("38.5", "UK 9", "")] == ["TR-38.5", "TR-UK-9", "TR"]
    assert size_runs.sku_of("TR", "42") == ""  # without a place for the size, all would have one SKU
    assert size_runs.pattern_of("") == ""
