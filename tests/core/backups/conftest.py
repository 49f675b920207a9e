"""The shops that backups are made of."""

from __future__ import annotations

import pytest

from tests.support.builders import Shop


@pytest.fixture
def stocked(fresh_shop: Shop) -> Shop:
    """A shop with a past."""
    for _ in range(3):
        variant = fresh_shop.variant(20)
        fresh_shop.adjust(variant, -3)
    return fresh_shop


@pytest.fixture
def traded(embedded_shop: Shop) -> Shop:
    """A shop with a past, where one engine is enough."""
    embedded_shop.adjust(embedded_shop.variant(20, sku="TR-42"), -3)
    return embedded_shop
