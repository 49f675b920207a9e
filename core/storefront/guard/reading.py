"""What Payment Links and Checkout Sessions sell, in variants, and whether there is enough of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import array, call, run
from core.foundation.errors import UnreadableCart
from core.foundation.model import Actor
from core.foundation.sales import CartLine
from core.inbox.items import item_readings
from core.inbox.messages import WORKER
from core.storefront.guard.keeping import Units
from core.storefront.guard.setting import Found

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a buyer can have of a variant."""

    sku: str
    available: int


def least_units(item: Mapping[str, Any]) -> int:
    """Return the fewest units of a line item that one purchase takes: buyers may be allowed to change the quantity."""
    adjustable = item.get("adjustable_quantity")
    if isinstance(adjustable, Mapping) and adjustable.get("enabled") is True:
        return max(adjustable.get("minimum") or 0, 1)
    return int(item.get("quantity") or 1)


def sold(engine: Engine, items: Mapping[str, Sequence[Json]], item_code: str | None) -> dict[str, Units]:
    """Return the fewest units of each variant that a purchase of each object takes, from its line items.

    Lines that name no variant, such as shipping, are left out. A bundle counts by its parts.
    """
    owners, asked = list[tuple[str, int]](), list[Json]()
    for object_id, lines in items.items():
        for item in lines:
            if line := _line(item, item_code):
                owners.append((object_id, least_units(item)))
                asked.append({"code": line.code, "codes": list(line.codes), "size": line.size})
    found: dict[str, dict[str, int]] = {object_id: {} for object_id in items}
    for n, variant_id, units in run(engine, _units, WORKER, asked=asked) if asked else ():
        object_id, least = owners[n - 1]
        found[object_id][variant_id] = found[object_id].get(variant_id, 0) + least * units
    return dict(found)


def short(units: Units, levels: Mapping[str, Level], held: Units | None = None) -> list[Found]:
    """Return the variants of which there are fewer units than one purchase takes. `held` are kept for this one."""
    return [
        Found(sku=levels[variant_id].sku, least=least, available=levels[variant_id].available)
        for variant_id, least in units.items()
        if variant_id in levels and levels[variant_id].available + (held or {}).get(variant_id, 0) < least
    ]


def levels_of(engine: Engine, variant_ids: Iterable[str]) -> dict[str, Level]:
    """Return what a buyer can have of these variants now."""
    return run(engine, _levels, WORKER, ids=sorted(set(variant_ids)))


def held_for(engine: Engine, session: Mapping[str, Any]) -> Units:
    """Return the units that active holds keep for a Checkout Session.

    Its metadata names the hold, its payment is bound to the hold, or the hold has its id or its reference.
    """
    metadata = session.get("metadata") or {}
    return run(
        engine, _held, WORKER,
        named=str(metadata.get("reservation") or ""), payment_id=session.get("payment_intent"),
        references=[each for each in (session.get("id"), session.get("client_reference_id")) if each],
    )  # fmt: skip


def _line(item: Json, item_code: str | None) -> CartLine | None:
    try:
        return item_readings([item], item_code).possible[0].cart.lines[0]
    except UnreadableCart:
        return None


def _units(connection: Connection, _: Actor, *, asked: list[Json]) -> list[tuple[int, str, int]]:
    statement = "select n, variant_id::text, units from stockroom_api.units_of_lines(%(asked)s::jsonb)"
    return [
        (n, variant_id, units) for n, variant_id, units in call(connection, statement, {"asked": json.dumps(asked)})
    ]


def _levels(connection: Connection, _: Actor, *, ids: list[str]) -> dict[str, Level]:
    statement = "select variant_id::text, sku, available from stockroom_api.guard_levels(%(ids)s::uuid[])"
    return {row[0]: Level(sku=row[1], available=row[2]) for row in call(connection, statement, {"ids": array(ids)})}


def _held(
    connection: Connection, _: Actor, *, named: str, payment_id: str | None, references: list[str]
) -> dict[str, int]:
    statement = """select variant_id::text, units
                     from stockroom_api.guard_holds(%(named)s, %(payment_id)s, %(references)s::text[])"""
    values = {"named": named, "payment_id": payment_id, "references": references}
    return {variant_id: int(units) for variant_id, units in call(connection, statement, values)}
