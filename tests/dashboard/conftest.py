"""What every test of a page shares."""

from __future__ import annotations

import pytest

from dashboard.proof import shelf
from tests.support.shared.drawing import (
    a_tab_waits_for_its_script,
    components_are_looked_for_once,
    pages_are_compiled_once,
)

__all__ = ["a_tab_waits_for_its_script", "components_are_looked_for_once", "pages_are_compiled_once"]


@pytest.fixture(autouse=True)
def _nothing_is_kept_of_an_earlier_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Overview keeps yesterday's proof for a minute, and a later test may use the same database."""
    monkeypatch.setattr(shelf, "_kept", (0.0, None, None))
