"""The large sample shop: as many orders over as many days as asked for, to try Stockroom with.

It has the products of the sample shop. Its orders, movements, refunds and cases are written set-based, part by part in
order of time. After each part the shop is whole, so that it can be continued or removed after an interruption.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

from core.catalog.imports import import_catalog
from core.database.engine import create_engine, run
from core.database.startup import Database
from core.foundation.errors import SetupError
from core.foundation.model import COMMAND_LINE, Actor
from core.sample.load import CURRENCY, SHOP_NAME
from core.sample.models import Model, catalogue, read_models
from core.sample.story import ZONE

DAYS, ORDERS = 365, 100_000
"""The usual size."""
_STATE = text("select days, orders, filled, made, finished_at is not null as is_whole from stockroom_api.large_sample")
_BEGIN = text(
    """select stockroom_api.begin_large(:shop_name, :zone, :currency, :days, :orders, :ends_at,
              cast(:weights as jsonb))"""
)
_FILL = text("select days, orders, filled, made, filled = days as is_whole from stockroom_api.fill_large()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Large:
    """How far the large sample is: `filled` of `days`, `made` of `orders`."""

    days: int
    orders: int
    filled: int
    made: int
    is_whole: bool


def large_sample(connection: Connection, _actor: Actor) -> Large | None:
    """Return how far the large sample of this database is; None if it has none."""
    row = connection.execute(_STATE).one_or_none()
    return Large(**row._mapping) if row else None


def load_large(
    engine: Engine, *, days: int, orders: int, now: datetime | None = None,
    tell: Callable[[Large], None] = lambda _: None,
) -> None:  # fmt: skip
    """Fill an empty database with the large sample, or continue one of the same size.

    Raises InvalidInput if the database holds products or movements; SetupError if it holds another large sample.
    """
    found = run(engine, large_sample, COMMAND_LINE)
    if found is None:
        found = run(engine, _begin, COMMAND_LINE, days=days, orders=orders, now=now or datetime.now(UTC))
    elif (found.days, found.orders) != (days, orders):
        raise SetupError(_other(found))
    elif found.is_whole:
        raise SetupError(f"This shop holds all {orders:,} orders already. Nothing was changed.")
    while not found.is_whole:
        tell(found)
        found = run(engine, _fill, COMMAND_LINE)
    tell(found)


def _other(found: Large) -> str:
    if found.is_whole:
        return f"This shop holds a large sample of {found.orders:,} orders. Remove it first. Nothing was changed."
    return f"This shop holds another large sample. {interrupted(found)} Nothing was changed."


def interrupted(found: Large) -> str:
    """Return how far an interrupted large sample is, and what can be done."""
    return (
        f"{found.made:,} of {found.orders:,} orders are there, of {found.filled:,} of {found.days:,} days, and the "
        f"books are whole. `python -m core sample --days {found.days} --orders {found.orders}` continues, "
        "`python -m core sample --remove` removes it."
    )


def say_if_interrupted(database: Database, say: Callable[[str], None] = print) -> None:
    """Say at the start of the dashboard that the large sample was interrupted, if it was."""
    engine = create_engine(database.app_url, pool_size=1)
    try:
        found = run(engine, large_sample, COMMAND_LINE)
    finally:
        engine.dispose()
    if found and not found.is_whole:
        say(f"The large sample is not complete: {interrupted(found)}")


def _begin(connection: Connection, actor: Actor, *, days: int, orders: int, now: datetime) -> Large:
    models = read_models()
    values = {"shop_name": SHOP_NAME, "zone": ZONE, "currency": CURRENCY, "days": days, "orders": orders}
    sized = {"ends_at": now.replace(microsecond=0), "weights": json.dumps(_demand(models))}
    connection.execute(_BEGIN, values | sized)
    import_catalog(
        connection, actor, content=catalogue(models), file_name="sample catalogue", key="sample:catalogue",
        into_sample=True,
    )  # fmt: skip
    return Large(days=days, orders=orders, filled=0, made=0, is_whole=False)


def _demand(models: tuple[Model, ...]) -> dict[str, float]:
    """Return the share of the demand of each SKU: the appeal of its model, most in the middle sizes."""
    return {
        sku: model.appeal * share
        for model in models
        for sku, share in zip(model.skus, model.demand, strict=True)
    }  # fmt: skip


def _fill(connection: Connection, actor: Actor) -> Large:
    row = connection.execute(_FILL).one_or_none()
    if row is not None:
        return Large(**row._mapping)
    found = large_sample(connection, actor)  # another process has filled the rest
    assert found is not None
    return found
