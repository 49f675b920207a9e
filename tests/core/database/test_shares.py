"""Each kind of work has connections of its own, so one that needs all of its own takes none of another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from core.database import pool
from core.database.engine import run
from core.database.pool import LIMITS, Share
from core.foundation.errors import Unavailable
from core.foundation.model import COMMAND_LINE
from core.people.reading import shop_reading
from tests.support.builders import Shop


@pytest.fixture
def shares(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The pools of a process that serves this shop. Nobody waits long for a connection."""
    monkeypatch.setenv("DATABASE_URL", shop.app_url)
    monkeypatch.setattr(pool, "LIMITS", {share: (most, 0.05) for share, (most, _) in LIMITS.items()})
    pool.close()
    yield
    pool.close()


@pytest.mark.parametrize("busy", [Share.PAGES, Share.API])
def test_work_that_uses_every_connection_of_its_kind_delays_only_its_own_kind(shares: None, busy: Share) -> None:
    with ExitStack() as stack:
        for _ in range(LIMITS[busy][0]):
            stack.enter_context(pool.engine(busy).connect()).execute(text("select 1"))
        with pytest.raises(Unavailable):
            run(pool.engine(busy), lambda connection, _: shop_reading(connection), COMMAND_LINE)
        for share in set(Share) - {busy}:
            run(pool.engine(share), lambda connection, _: shop_reading(connection), COMMAND_LINE)


def test_the_shares_of_one_process_leave_room_for_a_second_one_on_a_usual_server(shop: Shop) -> None:
    with shop.owner.connect() as connection:
        free = int(
            connection.execute(
                text("""select current_setting('max_connections')::int
                                           - current_setting('superuser_reserved_connections')::int""")
            ).scalar_one()
        )
    assert 2 * sum(most for most, _ in LIMITS.values()) < free
