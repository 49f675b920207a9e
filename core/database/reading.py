"""The mark of operations that only read, and when this process last may have changed something."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

_Operation = TypeVar("_Operation", bound=Callable[..., Any])

_changed_at = 0.0


def read_only(operation: _Operation) -> _Operation:
    """Mark an operation that writes nothing and locks no rows: `replicas.run` may run it on a replica."""
    operation.__dict__["read_only"] = True
    return operation


def is_read_only(operation: Callable[..., Any]) -> bool:
    """Return whether an operation has the mark."""
    return bool(getattr(operation, "read_only", False))


def note_change() -> None:
    """Remember that this process may now know something newer than before."""
    global _changed_at
    _changed_at = time.monotonic()


def changed_at() -> float:
    """Return when this process last ended an operation without the mark, by the monotonic clock."""
    return _changed_at
