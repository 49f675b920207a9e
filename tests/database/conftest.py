"""A PostgreSQL on which the roles of Supabase exist, apart from the one that the other tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import EMBEDDED_MAJOR, Server, start_embedded, start_system


@pytest.fixture(scope="session")
def supabase_server(server: Server) -> Iterator[Server]:
    """A server of the same release as `server`, whose roles may be meddled with."""
    started = start_embedded() if server.major == EMBEDDED_MAJOR else start_system(server.major)
    yield started
    started.stop()
