"""Processes that begin with their libraries imported: a server imports them once and forks each process."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from types import ModuleType

# Nothing that reads settings: each process has its own.
_LIBRARIES = (
    "pandas", "plotly.graph_objects", "pyarrow", "streamlit", "uvicorn", "core.jobs.worker", "core.storefront.api",
    "dashboard.door.gate", "dashboard.door.health", "dashboard.door.signin", "dashboard.door.webhook",
    "dashboard.frame.feedback", "tests.races.buyers_http", "tests.races.buyers_sql", "tests.support.shared.begun",
)  # fmt: skip


@contextmanager
def forking() -> Iterator[ForkServerContext]:
    """Give the context that starts such processes.

    A new process runs the main module first. A test of a page leaves the page there, which would read the settings.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LIBRARIES))
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield context
    finally:
        sys.modules["__main__"] = main
