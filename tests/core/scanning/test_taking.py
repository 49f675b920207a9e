"""One scan: what it means, what it does once, and what it never does."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.foundation.errors import (
    AlreadyReversed,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    KeyReused,
    SignInRequired,
    UnknownVariant,
)
from core.scanning import taking
from core.scanning.taking import Mode, Scan, Taken
from tests.support.builders import Shop


def sku() -> str:
    return f"S-{uuid.uuid4().hex[:10].upper()}"


def adjusting(text: str, **values: Any) -> Scan:
    given = {"id": uuid.uuid4(), "mode": Mode.ADJUST, "age": 0.0, "text": text, "reason": "stock_increase"} | values
    return Scan(**given)


def post(shop: Shop, scan: Scan, who: str = "Wanda") -> Taken:
    from core.database.engine import run

    return run(shop.engine, taking.post, shop.person(who), scan=scan)


def test_a_scan_moves_one_unit_once_and_answers_with_the_level_before_and_after(shop: Shop) -> None:
    code = sku()
    variant = shop.variant(3, sku=code, size="42")
    scan = adjusting(code, age=90.0)
    first, again = post(shop, scan), post(shop, scan)
    assert (first.sku, first.size, first.level_before, first.level_after, first.units) == (code, "42", 3, 4, 1)
    assert again.replayed
    print(first, again)
