"""What every test of a page shares."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def _components_are_looked_for_once() -> Iterator[None]:
    """Each tab would read the metadata of every installed package again, for a second. They do not change."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        scan = cache(manifest_scanner.scan_component_manifests)
        monkeypatch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield
