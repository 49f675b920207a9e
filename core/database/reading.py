"""Operations that only read: their mark, their answers while the database stays the same, and this process's changes.

A snapshot of PostgreSQL names the transactions that it sees. Two reads in the same snapshot see the same, so people of
one role can share an answer for a moment. Any commit ends that: by this process, another one, or by hand.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Event, Lock
from typing import Any, TypeVar, cast

_Operation = TypeVar("_Operation", bound=Callable[..., Any])
_T = TypeVar("_T")

MOMENT = 15.0
"""How many seconds an answer is shared. What depends on the clock, such as the shop's day, is that old at most."""
MOST_ANSWERS = 500
PATIENCE = 10.0
"""How many seconds a reader waits for another one that already reads the same."""

_changed_at = 0.0
_answers: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
_going: dict[Hashable, Event] = {}
_lock = Lock()


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


def shared(operation: _Operation) -> _Operation:
    """Mark an operation whose answer depends on the role of its person only, and is the same in the same snapshot."""
    operation.__dict__["shared"] = True
    return read_only(operation)


def is_shared(operation: Callable[..., Any]) -> bool:
    """Return whether an operation has the mark."""
    return bool(getattr(operation, "shared", False))


def answer(key: Hashable, began: float, read: Callable[[], _T]) -> _T:
    """Return the answer that is kept under `key`, or else that of `read`, which is then kept for a moment.

    The key names all that the answer depends on, with a snapshot. `began`: when the snapshot was asked for. A change by
    this process since then may be one of the reader's own, so it is read. Of many who ask at once, one reads.
    """
    with _lock:
        found, going = _kept(key, began), _going.get(key)
        if found is None and going is None:
            _going[key] = Event()
    if found is not None:
        return cast("_T", found[1])
    if going is None:
        return _read_for_all(key, read)
    going.wait(PATIENCE)
    with _lock:
        found = _kept(key, began)
    # There is none if the other reader failed, or if there was a change since.
    return read() if found is None else cast("_T", found[1])


def _kept(key: Hashable, began: float) -> tuple[float, Any] | None:
    found = _answers.get(key)
    is_good = found is not None and _changed_at < began and time.monotonic() - found[0] < MOMENT
    return found if is_good else None


def _read_for_all(key: Hashable, read: Callable[[], _T]) -> _T:
    now = time.monotonic()
    try:
        result = read()
        with _lock:
            _answers[key] = (now, result)
            _answers.move_to_end(key)
            while len(_answers) > MOST_ANSWERS or now - next(iter(_answers.values()))[0] > MOMENT:
                _answers.popitem(last=False)
        return result
    finally:
        with _lock:
            _going.pop(key).set()
