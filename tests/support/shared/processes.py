"""Processes that begin with their libraries imported: a server imports them once and forks each process."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

# Nothing that reads settings: each process has its own.
_LIBRARIES = (
    "pandas", "plotly.graph_objects", "pyarrow", "streamlit", "uvicorn", "core.jobs.worker", "core.storefront.api",
    "dashboard.door.gate", "dashboard.door.health", "dashboard.door.signin", "dashboard.door.webhook",
    "dashboard.frame.feedback", "tests.races.buyers_http", "tests.races.buyers_sql",
)  # fmt: skip


def forking() -> ForkServerContext:
    """Return the context that starts such processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LIBRARIES))
    return context
