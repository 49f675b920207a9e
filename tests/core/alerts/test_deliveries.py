"""The outbox: queued in the transaction of its cause, claimed by one worker, sent, retried, or failed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from tests.support.builders import Shop, key

ENQUEUE = "select stockroom_api.enqueue_delivery(:key, 'order', 'orders', 'kim@shop.example', 'Thank you', 'Two shoes')"
CLAIM = "select id from stockroom_api.claim_deliveries(:limit, 120)"


def enqueue(shop: Shop, **values: Any) -> int | None:
    found: int | None = shop.sql(ENQUEUE, **({"key": key()} | values))
    return found


def test_a_message_is_put_into_the_outbox_once_for_its_key(fresh_shop: Shop) -> None:
    same = key()
    assert enqueue(fresh_shop, key=same)
    assert enqueue(fresh_shop, key=same) is None
    assert fresh_shop.sql("select count(*) from stockroom.deliveries") == 1


def test_the_dashboards_own_role_neither_puts_messages_there_nor_reads_them(fresh_shop: Shop) -> None:
    for statement in ("select count(*) from stockroom.deliveries", ENQUEUE.replace(":key", "'x'")):
        with pytest.raises(DBAPIError, match="permission denied"), fresh_shop.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def test_workers_at_once_never_claim_the_same_message(fresh_shop: Shop) -> None:
    ids = {enqueue(fresh_shop) for _ in range(40)}
    start = threading.Barrier(4)

    def work() -> list[int]:
        start.wait()
        return [row.id for _ in range(10) for row in fresh_shop.rows(CLAIM, limit=5)]

    with ThreadPoolExecutor(4) as pool:
        claimed = [some for found in [pool.submit(work) for _ in range(4)] for some in found.result()]
    assert len(claimed) == 40
    assert set(claimed) == ids


def test_what_a_crashed_worker_had_claimed_is_taken_again(fresh_shop: Shop) -> None:
    sent = enqueue(fresh_shop)
    assert [row.id for row in fresh_shop.rows(CLAIM, limit=5)] == [sent]
    assert fresh_shop.rows(CLAIM, limit=5) == []
    fresh_shop.sql("update stockroom.deliveries set due_at = now() - interval '1 second'")
    assert [row.id for row in fresh_shop.rows(CLAIM, limit=5)] == [sent]


def test_retries_of_a_message_back_off_until_it_has_failed(fresh_shop: Shop) -> None:
    sent, waits, state = enqueue(fresh_shop), [], None
    for _ in range(4):
        fresh_shop.sql("update stockroom.deliveries set due_at = now()")
        fresh_shop.rows(CLAIM, limit=5)
        state = fresh_shop.sql("select stockroom_api.put_off_delivery(:id, 'Refused', 4, false)", id=sent)
        waits.append(fresh_shop.sql("select extract(epoch from due_at - now()) from stockroom.deliveries"))
    assert state == "failed"
    assert waits == sorted(waits)
    assert 20 < waits[0] < 40
    assert fresh_shop.sql("select why from stockroom.deliveries where state = 'failed'") == "Refused"
