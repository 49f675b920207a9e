"""Many of these tests adopt where what the migrations create lies ready; it makes no difference."""

from __future__ import annotations

import pytest

from core.adoption import adopt as adoption
from tests.support.legacy import CATALOGUE, FUNCTIONS, SUPABASE, TABLES, clean_history, legacy_database, snapshot
from tests.support.servers import Server

pytestmark = pytest.mark.slow


def adopted(server: Server) -> list[str]:
    """Return the schema of a shop that has moved in. It also goes back."""
    with legacy_database(server, TABLES, FUNCTIONS, SUPABASE, CATALOGUE) as shop:
        clean_history(shop)
        before = snapshot(shop)
        adoption.adopt(shop.url)
        lines = snapshot(shop, "--schema-only")
        adoption.undo(shop.url)
        assert snapshot(shop) == before
        return lines


def test_what_lies_ready_is_what_the_migrations_create(supabase_server: Server, request: pytest.FixtureRequest) -> None:
    usual = adopted(supabase_server)
    request.getfixturevalue("lies_ready")
    assert adopted(supabase_server) == usual
