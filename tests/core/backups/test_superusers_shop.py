"""The backups of a moved shop, made and restored by a superuser. What differs is the account, not the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.core.backups.hung import HUNG
from tests.core.backups.test_real_shop import (
    test_a_shop_is_replaced_in_place_and_everything_of_others_is_as_it_was as test_replaced_in_place,
)
from tests.core.backups.test_real_shop import (
    test_a_verified_backup_is_restored_into_an_empty_database as test_restored_into_an_empty_database,
)
from tests.support.legacy import Legacy
from tests.support.servers import Server
from tests.support.sneakers import moved_in

__all__ = ["test_replaced_in_place", "test_restored_into_an_empty_database"]

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(supabase_server: Server) -> Iterator[Legacy]:
    """The sneaker shop, as a superuser."""
    with moved_in(supabase_server, HUNG, account="postgres") as moved:
        yield moved
