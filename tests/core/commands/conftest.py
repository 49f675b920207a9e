"""Fixtures for the tests of the command line."""

from __future__ import annotations

import pytest

from tests.support.builders import Shop


@pytest.fixture
def operated(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that the commands find by its settings."""
    monkeypatch.setenv("DATABASE_URL", embedded_shop.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", embedded_shop.owner_url)
    return embedded_shop
