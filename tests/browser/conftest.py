"""A dashboard and a browser for the tests of one file; each test creates its own variants and people.

Not for longer: while Playwright is open, nothing else in this thread can run an event loop.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.browsing import Desk, open_desk
from tests.conftest import open_fresh
from tests.support.servers import Server


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    """A dashboard with one shoe in it."""
    for shop in open_fresh(embedded):
        shop.variant(3, sku="OAK-1", product="Oak shoe")
        with open_desk(shop) as desk:
            yield desk


@pytest.fixture(autouse=True)
def _tabs_of_one_test(desk: Desk) -> Iterator[None]:
    """Each test begins signed out, and fails when a request would have left this machine."""
    yield
    desk.close_tabs()
    assert desk.left == []
