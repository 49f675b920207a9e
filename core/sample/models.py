"""The products of the sample shop: about forty models, each in the sizes of its fit. Names and codes are invented."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

_FITS = {
    "women": ("36", "36.5", "37.5", "38", "38.5", "39", "40", "40.5", "41"),
    "men": ("40", "40.5", "41", "42", "42.5", "43", "44", "44.5", "45", "46"),
    "kids": ("28", "29", "30", "31", "32", "33", "34", "35"),
}
_IN_STORE_BARCODE = "20"  # GS1 reserves this prefix for codes that are valid in one shop only
_COLUMNS = ("sku", "product", "brand", "size", "color", "barcode", "price", "unit_cost", "reorder_point")


class Supply(StrEnum):
    """How a model is supplied: counted on the first day, reordered, bought once and sold slowly, or a drop."""

    AUDIT = "audit"
    STEADY = "steady"
    SLOW = "slow"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model. `appeal` is its share of the demand, `arrives` the day of its first delivery after the opening."""

    code: str
    product: str
    brand: str
    color: str
    fit: str
    price: Decimal
    unit_cost: Decimal
    appeal: int
    supply: Supply
    arrives: int

    @property
    def sizes(self) -> tuple[str, ...]:
        """Its sizes, in European numbers."""
        return _FITS[self.fit]

    @property
    def skus(self) -> tuple[str, ...]:
        """The SKUs of its variants, one for each size."""
        return tuple(f"{self.code}-{size}" for size in self.sizes)

    @property
    def demand(self) -> tuple[float, ...]:
        """The demand for each size, highest in the middle (1.0)."""
        middle = (len(self.sizes) - 1) / 2
        return tuple(math.exp(-(((n - middle) / (middle * 0.8)) ** 2)) for n in range(len(self.sizes)))


def read_models() -> tuple[Model, ...]:
    """Return every model of the sample shop."""
    with Path(__file__).with_name("models.csv").open(encoding="utf-8", newline="") as rows:
        return tuple(map(_model, csv.DictReader(rows)))


def _model(row: dict[str, str]) -> Model:
    read = {"price": Decimal, "unit_cost": Decimal, "appeal": int, "supply": Supply, "arrives": int}
    values: dict[str, Any] = row | {name: kind(row[name]) for name, kind in read.items()}
    return Model(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One size of a model. `reorder_point`: at this level it is low."""

    sku: str
    model: Model
    size: str
    barcode: str
    reorder_point: int

    @property
    def cents(self) -> int:
        """Its price in cents."""
        return round(self.model.price * 100)


def variants(models: tuple[Model, ...]) -> dict[str, Variant]:
    """Return the variants of these models by SKU."""
    sizes = ((model, *rest) for model in models for rest in zip(model.skus, model.sizes, model.demand, strict=True))
    return {
        sku: Variant(sku=sku, model=model, size=size, barcode=_barcode(n), reorder_point=_reorder_point(model, demand))
        for n, (model, sku, size, demand) in enumerate(sizes, 1)
    }


def _reorder_point(model: Model, demand: float) -> int:
    return round((1 if model.supply is Supply.SLOW else 3) * demand)


def catalogue(models: tuple[Model, ...]) -> bytes:
    """Return a catalogue file of these models, as the shop's owner would write it."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(_COLUMNS)
    for each in variants(models).values():
        model = each.model
        values = (each.size, model.color, each.barcode, model.price, model.unit_cost, each.reorder_point)
        writer.writerow((each.sku, model.product, model.brand, *values))
    return stream.getvalue().encode()


def _barcode(number: int) -> str:
    """Return an EAN-13 with its check digit."""
    digits = f"{_IN_STORE_BARCODE}{number:010}"
    weighed = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-weighed % 10}"
