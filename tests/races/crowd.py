"""People who press a button at the same moment: real threads, each with its own connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text

from core.foundation.errors import StockError, Unavailable


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Do everything at the same moment; what each returned, or the StockError it ended with, in the order given.

    Who is told that somebody else is changing the same stock tries again, as people do: on a slow machine a queue of
    thirty can take longer than a shelf is waited for.
    """
    barrier = threading.Barrier(len(actions))

    def begin(action: Callable[[], Any]) -> Any:
        barrier.wait(timeout=60)
        return _act(action, tries=5)

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(begin, actions))


def _act(action: Callable[[], Any], tries: int) -> Any:
    try:
        return action()
    except StockError as error:
        return _act(action, tries - 1) if isinstance(error, Unavailable) and tries > 1 else error


def split(results: Sequence[Any]) -> tuple[list[Any], list[StockError]]:
    """The results of those who succeeded, and the refusals of the others."""
    refused = [result for result in results if isinstance(result, StockError)]
    return [result for result in results if not isinstance(result, StockError)], refused


@contextmanager
def holding(engine: Engine, statement: str, **values: Any) -> Iterator[Connection]:
    """Hold the locks of an unfinished change until the block ends."""
    with engine.connect() as connection:
        connection.execute(text(statement), values)
        try:
            yield connection
        finally:
            if connection.in_transaction():
                connection.rollback()
