"""The time of each statement that SQLAlchemy runs, under the name of what it calls."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, event

from core.foundation.measure import METER, Kind, Outcome

_LABEL = re.compile(r"(?:stockroom_api|public|stockroom|procrastinate)\.\w+|^\s*\w+")


def listen(engine: Engine) -> None:
    """Measure the statements of an engine."""
    event.listen(engine, "before_cursor_execute", _begin_statement)
    event.listen(engine, "after_cursor_execute", _end_statement)


@lru_cache(maxsize=2_000)
def label_of(statement: str) -> str:
    """Return the name of a statement in measurements: the first function or view of ours in it."""
    found: list[str] = _LABEL.findall(statement)
    named = [name for name in found if "." in name]
    return (named or found or ["statement"])[0].strip().lower().removeprefix("stockroom_api.")


def _begin_statement(connection: Connection, *_: Any) -> None:
    connection.info["stockroom.began"] = time.perf_counter()


def _end_statement(connection: Connection, _: Any, statement: str, *__: Any) -> None:
    seconds = time.perf_counter() - connection.info.pop("stockroom.began", time.perf_counter())
    METER.note(Kind.STATEMENT, label_of(statement), Outcome.OK, seconds)
