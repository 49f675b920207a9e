"""The grid of sizes: whose sizes they are."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.foundation.model import LevelRow
from core.ledger.size_grid import Fit, GridRow, Run, fit, runs

SIZES = [
    ("Air Canyon", "9", Fit.OTHERS),
    ("Air Canyon", "42.5", Fit.OTHERS),
    ("Air Canyon", "W 10.5", Fit.WOMEN),
    ("Air Canyon", "10.5W", Fit.WOMEN),
    ("Air Canyon", "M 9", Fit.MEN),
    ("Air Canyon", "Men's 9", Fit.MEN),
    ("Air Canyon", "5Y", Fit.KIDS),
    ("Halde Court Low Ink (Women's)", "38", Fit.WOMEN),
    ("Halde Court Low Ink (Men's)", "44", Fit.MEN),
    ("Womenswear tee", "M", Fit.LETTERS),
    ("Tee", "XXL", Fit.LETTERS),
    ("Laces", None, Fit.ONE),
]


@pytest.mark.parametrize(("product", "size", "whose"), SIZES)
def test_size_and_product_say_whose_size_it_is(product: str, size: str | None, whose: Fit) -> None:
    assert fit(product, size) is whose


def test_a_product_with_mens_and_womens_sizes_has_a_run_of_each() -> None:
    def variant(sku: str, size: str, available: int) -> LevelRow:
        values = dict.fromkeys(LevelRow.__dataclass_fields__)
        return LevelRow(**values | {"sku": sku, "size": size, "available": available})  # type: ignore[arg-type]

    both = (variant("A-9", "9", 2), variant("A-10", "10", 0), variant("A-W", "W 10.5", 1))
    row = GridRow(product_id=uuid4(), product="Air Canyon", variants=both)
    found = {
        whose: [([v.sku for v in part.variants], part.run) for part in rows] for whose, rows in runs([row]).items()
    }
    assert found == {Fit.WOMEN: [(["A-W"], Run.FULL)], Fit.OTHERS: [(["A-9", "A-10"], Run.BROKEN)]}
