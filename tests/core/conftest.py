"""The log in a text."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from core.foundation import journal


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged, as lines of JSON; what logging was before comes back."""
    root, stockroom = logging.getLogger(), logging.getLogger("stockroom")
    before = (logging.getLogRecordFactory(), root.handlers[:], root.level, stockroom.level)
    loggers = {n: (g.handlers[:], g.propagate, g.level, g.disabled) for n, g in logging.root.manager.loggerDict.items()
               if isinstance(g, logging.Logger)}  # fmt: skip
    stream = io.StringIO()
    journal.begin(journal.JSON, stream)
    yield stream
    logging.setLogRecordFactory(before[0])
    root.handlers[:], stockroom.level = before[1], before[3]
    root.setLevel(before[2])
    for name, (handlers, propagate, level, disabled) in loggers.items():
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate, logger.disabled = handlers, propagate, disabled
        logger.setLevel(level)
