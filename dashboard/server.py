"""The ASGI application: Streamlit, the endpoints beside it, the API, the jobs, and the gate in front of all of it."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import anyio
import streamlit as st
from sqlalchemy import Engine
from starlette.middleware import Middleware
from starlette.routing import Mount, Route

from core.alerts import system as system_alerts
from core.database import pool, replicas
from core.database.pool import Share
from core.foundation import journal
from core.foundation.errors import StockError
from core.foundation.settings import load_settings
from core.health.measures import Keeper
from core.jobs.runs import Watch
from core.jobs.worker import Worker
from core.sandbox import connection
from core.storefront.api import create_api
from core.stripe.trouble import Patience
from dashboard.door import health, shell, signin, tabs, webhook
from dashboard.door.downloads import Downloads
from dashboard.door.gate import AuthGate
from dashboard.door.pictures import Pictures
from dashboard.door.post import ALL_METHODS
from dashboard.door.second import provider
from dashboard.door.second import routes as second_step
from dashboard.frame import feedback, live
from dashboard.language.texts import tr
from dashboard.scan.routes import ScanDoor

log = logging.getLogger("stockroom")


YOUNG, NEVER = 5_000, 1_000_000_000
"""New objects until the young ones are looked at, and until all of them are."""
SECONDS_TO_GARBAGE = 120.0


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Load the pages' libraries before the first visitor, run the jobs, and close the database pool at the end."""
    for name in ("pandas", "plotly.graph_objects", "pyarrow"):
        importlib.import_module(name)
    settings = load_settings()
    journal.begin(settings.log)
    engine = pool.engine(Share.JOBS)
    pool.on_return(partial(system_alerts.tell_return, engine))
    keeper, watch = Keeper(engine), Watch(engine)
    worker = Worker(engine, connection.finder(settings, lambda: engine))
    gc.collect()
    gc.freeze()  # these objects stay: without this, each collection walks all of them, four times the cost of a run
    gc.set_threshold(YOUNG, 10, NEVER)
    collecting = asyncio.create_task(_collect_garbage())
    if settings.worker:
        worker.start()
    else:
        watch.start()  # the workers are other processes: the watch opens a case if none is alive
    keeper.start()
    tabs.look_up_single_values()
    tabs.read_theme_once()
    tabs.gather_messages(asyncio.get_running_loop())
    live.herald.start(asyncio.get_running_loop())
    try:
        yield {"started": True}
    finally:
        collecting.cancel()
        await stripe_door.close()
        await anyio.to_thread.run_sync(worker.stop)
        await anyio.to_thread.run_sync(watch.stop)
        await anyio.to_thread.run_sync(keeper.stop)
        await anyio.to_thread.run_sync(live.herald.stop)
        pool.close()
        replicas.close()


async def _collect_garbage() -> None:
    """Look for garbage among all objects, at times of our own.

    With a hundred people, Python would look every few seconds, and stop every page for a tenth of a second each time.
    """
    while True:
        await asyncio.sleep(SECONDS_TO_GARBAGE)
        gc.collect()


@lru_cache(maxsize=1)
def _webhook_secrets() -> tuple[str, ...]:
    return load_settings().stripe_webhook_secrets


def _sandbox_secrets(engine: Engine) -> Sequence[str]:
    return connection.webhook_secrets(load_settings(), engine)


stripe_door = webhook.StripeDoor(
    engine=partial(pool.engine, Share.WEBHOOK), secrets=_webhook_secrets, stand_in=_sandbox_secrets
)


def on_script_error(error: Exception) -> bool:
    """Show an error from a page, callback or fragment as a sentence. An unexpected one is logged with a reference."""
    if isinstance(error, StockError):
        feedback.show(error)
    else:
        reference = secrets.token_hex(4)
        log.error("Reference %s", reference, exc_info=error)
        st.error(
            tr(
                "This page stopped because of a fault on our side, reference {reference}. Reload it, and look under "
                "Movements whether your last change was saved.",
                reference=reference,
            ),
            icon=":material/error:",
        )
    return True


_settings = load_settings()
_api_engine = partial(pool.engine, Share.API)
api = create_api(
    _api_engine,
    # A buyer waits for the answer: long retries would only hold the cart that long.
    gateway=connection.finder(_settings, _api_engine, Patience(attempts=3, longest=1.0)),
    has_mail=_settings.mail_url is not None,
    sell_unverified=_settings.sell_unverified,
    allowed_origins=_settings.cors_origins,
)

pictures = Pictures(pool.engine)

app = st.App(
    Path(__file__).with_name("app.py"),
    lifespan=lifespan,
    on_script_error=on_script_error,
    middleware=[Middleware(AuthGate, find_session=signin.find_session, find_hosts=pictures.hosts, api=api)],
    routes=[
        *signin.ROUTES,
        *second_step.ROUTES,
        *provider.ROUTES,
        *health.HealthDoor(partial(pool.engine, Share.JOBS)).routes(),
        *Downloads(pool.engine).routes(),
        *ScanDoor(pool.engine).routes(),
        *pictures.routes(),
        Route("/webhook/stripe", stripe_door.answer, methods=ALL_METHODS),
        Mount("/api", app=api),
        *shell.routes(),
    ],
)
