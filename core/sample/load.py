"""Loads the sample shop: a sneaker store with ninety days of sales, for trying everything out.

Its past is invented, but it happens like any other: the catalogue through the catalogue import, payments at the
sandbox's account, their messages through the inbox, and every movement through the ledger's own functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from core.catalog.imports import import_catalog
from core.database.engine import create_engine, run
from core.database.startup import Database
from core.foundation import days as shop_days
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import Settings
from core.sample import play
from core.sample.models import catalogue, read_models
from core.sample.story import DAYS, ZONE, Kind, Operation, Step
from core.sample.today import sandbox_gateway
from core.sample.trade import past

SHOP_NAME = "Canyon Sneakers"
CURRENCY = "EUR"
JOB = "play_sample"
FIRST_SECONDS = 4.0
"""How long a start plays before the dashboard answers; a job of the worker plays the rest."""
_LATER = (Kind.REFUND, Kind.RETURN, Kind.RESOLVE, Kind.DISPUTE)
_UNTOUCHED = text("select stockroom_api.is_untouched()")
_BEGIN = text("select stockroom_api.begin_sample(:shop_name, :zone, :currency, :opened_at)")
_PLAN = text("select stockroom_api.plan_sample(:opened_at, cast(:steps as jsonb), :job)")


def load_sample(engine: Engine, now: datetime | None = None, seconds: float = float("inf"), days: int = DAYS) -> None:
    """Fill an empty database with the sample shop, whose days end `now`.

    What is not played within so many seconds is played by the worker. Raises InvalidInput if the database holds
    products or movements; then nothing was changed.
    """
    run(engine, _load, COMMAND_LINE, now=now or datetime.now(UTC), days=days)
    play.play(engine, sandbox_gateway(engine), seconds=seconds)


def fill_untouched(database: Database, settings: Settings, say: Callable[[str], None] = print) -> None:
    """Load the sample shop into the embedded database if it has never been used and the settings allow it."""
    if not (database.embedded and settings.sample):
        return
    engine = create_engine(database.app_url, pool_size=1)
    try:
        if run(engine, is_untouched, COMMAND_LINE):
            say("Loading the sample shop ...")
            # With a key the worker talks to Stripe, not to the sandbox, so it could not play the rest.
            load_sample(engine, seconds=FIRST_SECONDS if settings.stripe_secret_key is None else float("inf"))
    except InvalidInput:
        if run(engine, is_untouched, COMMAND_LINE):
            raise
        say("Another process has begun to load it.")
    finally:
        engine.dispose()


def is_untouched(connection: Connection, _actor: Actor) -> bool:
    """Return whether this database has never been used, so that a start may load the sample shop.

    A shop whose sample data was removed is empty, but it has been used.
    """
    return connection.execute(_UNTOUCHED).scalar_one() is True


def _load(connection: Connection, actor: Actor, *, now: datetime, days: int) -> None:
    models = read_models()
    opening = shop_days.of(now, ZONE) - timedelta(days=days)
    opened_at = shop_days.start(opening, ZONE)
    values = {"shop_name": SHOP_NAME, "zone": ZONE, "currency": CURRENCY, "opened_at": opened_at}
    connection.execute(_BEGIN, values)
    import_catalog(
        connection,
        actor,
        content=catalogue(models),
        file_name="sample catalogue",
        key="sample:catalogue",
        into_sample=True,
    )
    steps = json.dumps(rows_of_steps(past(models, now, days)))
    connection.execute(_PLAN, {"opened_at": opened_at, "steps": steps, "job": JOB})


def rows_of_steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return steps as they are stored. `is_named`: a later step is about this order."""
    named = {step.name for step in steps if step.kind in _LATER}
    return [
        {
            "kind": step.kind,
            "at": step.at.isoformat(),
            "name": step.name,
            "is_named": step.name in named,
            **_facts(step),
        }
        for step in steps
    ]


def _facts(step: Step) -> dict[str, Any]:
    facts = dict(step.what)
    if isinstance(operation := facts.get("operation"), Operation):
        facts["operation"] = _as_json(operation)
    return facts


def _as_json(operation: Operation) -> dict[str, Any]:
    values = asdict(operation)
    lines = values.pop("lines")
    return values | {"at": operation.at.isoformat(), "skus": list(lines), "quantities": list(lines.values())}
