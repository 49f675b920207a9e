"""Loads the sample shop: a sneaker store with ninety days of movements, for trying everything out.

Its past is invented, but posted like any other: the catalogue through the catalogue import, every movement through the
ledger's own function.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from core.catalog.imports import import_catalog
from core.database.engine import create_engine, run
from core.database.startup import Database
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import Settings
from core.sample.models import catalogue, read_models
from core.sample.story import ZONE, Operation
from core.sample.trade import ninety_days

SHOP_NAME = "Canyon Sneakers"
CURRENCY = "EUR"
_UNTOUCHED = text("select stockroom_api.is_untouched()")
_BEGIN = text("select stockroom_api.begin_sample(:shop_name, :zone, :currency)")
_POST = text("select stockroom_api.post_sample(cast(:operations as jsonb))")


def load_sample(engine: Engine, now: datetime | None = None) -> None:
    """Fill an empty database with the sample shop, whose ninety days end `now`: all of it or nothing.

    Raises InvalidInput if the database holds products or movements.
    """
    run(engine, _load, COMMAND_LINE, now=now or datetime.now(UTC))


def fill_untouched(database: Database, settings: Settings, say: Callable[[str], None] = print) -> None:
    """Load the sample shop into the embedded database if it has never been used and the settings allow it."""
    if not (database.embedded and settings.sample):
        return
    engine = create_engine(database.app_url, pool_size=1)
    try:
        if run(engine, is_untouched, COMMAND_LINE):
            say("Loading the sample shop ...")
            load_sample(engine)
    finally:
        engine.dispose()


def is_untouched(connection: Connection, _actor: Actor) -> bool:
    """Return whether this database has never been used, so that a start may load the sample shop.

    A shop whose sample data was removed is empty, but it has been used.
    """
    return connection.execute(_UNTOUCHED).scalar_one() is True


def _load(connection: Connection, actor: Actor, *, now: datetime) -> None:
    models = read_models()
    connection.execute(_BEGIN, {"shop_name": SHOP_NAME, "zone": ZONE, "currency": CURRENCY})
    import_catalog(
        connection,
        actor,
        content=catalogue(models),
        file_name="sample catalogue",
        key="sample:catalogue",
        into_sample=True,
    )
    operations = json.dumps([_as_json(operation) for operation in ninety_days(models, now)])
    connection.execute(_POST, {"operations": operations})


def _as_json(operation: Operation) -> dict[str, Any]:
    values = asdict(operation)
    lines = values.pop("lines")
    return values | {"at": operation.at.isoformat(), "skus": list(lines), "quantities": list(lines.values())}
