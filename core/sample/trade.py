"""The sample shop's past: what its people, its customers and its supplier do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.sample import sales, troubles
from core.sample.models import Model, Supply
from core.sample.story import DAYS, MIA, WANDA, Operation, Step, Story

_HOURS = {10: 3, 11: 4, 12: 6, 13: 5, 14: 4, 15: 4, 16: 4, 17: 5, 18: 6, 19: 8, 20: 9, 21: 8, 22: 5, 23: 2}
_WEEKDAYS = (1.0, 0.85, 0.9, 1.0, 1.25, 1.6, 1.45)  # Monday first
_FULL_RUN = {Supply.AUDIT: 9, Supply.STEADY: 9, Supply.SLOW: 5, Supply.DROP: 8}  # pairs of a middle size

# The audit on the first day: 14 initial counts of 524 units, an initial purchase of 50, 5 more found, 3 sold.
_COUNTED = {
    "J4CP-36": 24, "J4CP-36.5": 38, "J4CP-37.5": 46, "J4CP-38": 52, "J4CP-38.5": 50, "J4CP-39": 44, "J4CP-40": 36,
    "J4CP-40.5": 22, "HCLC-41": 20, "HCLC-42": 32, "HCLC-42.5": 44, "HCLC-43": 48, "HCLC-44": 40, "HCLC-45": 28,
}  # fmt: skip
_BOUGHT = {"J4CP-41": 50}
_INCREASED = {"HCLC-44": 5}
_FIRST_SALES = ((14.1, {"J4CP-38": 1}), (17.8, {"J4CP-38.5": 2}))
_BEFORE = ((-6, 12.3, "J4CP-38"), (-5, 19.1, "HCLC-43"), (-4, 20.6, "J4CP-39"), (-3, 11.8, "HCLC-42"),
           (-2, 18.4, "J4CP-37.5"), (-1, 21.2, "HCLC-44"))  # fmt: skip
"""Orders from before the opening count: day, hour, SKU. They are recorded and move no stock."""

_INCIDENTS = (  # day, hour, reason, units, who, note
    (6, 9.3, "damaged", -1, WANDA, None),
    (9, 9.1, "sample", -1, MIA, "Photo shoot for the shop's page"),
    (15, 9.4, "damaged", -2, WANDA, "Box crushed on the way"),
    (21, 9.2, "found", 2, WANDA, "Behind the returns shelf"),
    (27, 9.5, "theft", -1, MIA, "Display pair gone after the Saturday rush"),
    (33, 9.8, "damaged", -1, WANDA, "Glue stain on the toe"),
    (38, 9.2, "sample", -1, MIA, None),
    (46, 9.9, "lost", -1, WANDA, "Sent to the wrong address, never came back"),
    (53, 9.7, "damaged", -1, WANDA, None),
    (60, 9.4, "donation", -4, MIA, "Lots for the youth club's raffle"),
    (64, 9.3, "found", 1, WANDA, "Was put back under the wrong size"),
    (71, 9.2, "theft", -2, MIA, "Two boxes empty in the stock room"),
    (77, 9.6, "damaged", -1, WANDA, "Wet box, the roof leaks by aisle 3"),
    (83, 9.8, "correction", 1, MIA, "Sold pair was booked twice by hand"),
    (87, 9.1, "damaged", -1, WANDA, None),
)


def past(models: tuple[Model, ...], now: datetime, days: int = DAYS) -> list[Step]:
    """Return all steps from the opening, so many days ago, until `now`, in order of time."""
    shop = Story(models, now, days)
    _open(shop)
    for model in models:
        _let_arrive(shop, model)
    for day in range(1, days + 1):
        _plan_day(shop, day)
    for incident in _INCIDENTS:
        _plan_incident(shop, *incident)
    shop.plan(40, 9.8, lambda at: _return_to_supplier(shop, at))
    shop.plan(72, 9.4, lambda at: _mistype(shop, at))
    shop.plan(days - 1, 9.2, lambda at: _scan_wrong_size(shop, at))
    troubles.plan(shop)
    return shop.run()


def _open(shop: Story) -> None:
    """Plan the first day: the audit and nothing else. A few orders are older than it."""

    def count_first(at: datetime) -> None:
        shop.do(at, "set_level", WANDA, "count", "initial_count", _COUNTED)

    def buy_first(at: datetime) -> None:
        shop.do(
            at, "receive", WANDA, "purchase", "initial_purchase", _BOUGHT, reference_type="receipt", reference="LS-2000"
        )

    def find_more(at: datetime) -> None:
        shop.do(at, "adjust", MIA, "adjustment", "stock_increase", _INCREASED, note="A box stood in the hallway")

    shop.plan(0, 9.2, count_first)
    shop.plan(0, 10.6, buy_first)
    shop.plan(0, 11.4, find_more)
    for hour, lines in _FIRST_SALES:
        _plan_order(shop, 0, hour, lines)
    for day, hour, sku in _BEFORE:
        _plan_order(shop, day, hour, {sku: 1})
    shop.delivered |= {model.code: shop.moment(0, 9) for model in shop.models if model.supply is Supply.AUDIT}


def _plan_order(shop: Story, day: int, hour: float, lines: Mapping[str, int]) -> None:
    shop.plan(day, hour, lambda at: sales.sell(shop, at, lines))


def _let_arrive(shop: Story, model: Model) -> None:
    if model.supply is not Supply.AUDIT:
        day = max(model.arrives * shop.days // DAYS, 1)
        day += 1 if shop.weekday(day) == 6 else 0  # nobody delivers on a Sunday
        shop.plan(day, shop.random.uniform(8.3, 9.9), lambda at: _receive_first(shop, model, at))


def _receive_first(shop: Story, model: Model, at: datetime) -> None:
    shop.deliver(at, _full_run(model))
    shop.delivered[model.code] = at


def _full_run(model: Model) -> dict[str, int]:
    most = _FULL_RUN[model.supply]
    return {sku: max(2, round(most * demand)) for sku, demand in zip(model.skus, model.demand, strict=True)}


def _plan_day(shop: Story, day: int) -> None:
    usual = (10 + 7 * day / shop.days) * _WEEKDAYS[shop.weekday(day)]
    for _ in range(round(usual * shop.random.uniform(0.8, 1.25))):
        (hour,) = shop.random.choices(list(_HOURS), list(_HOURS.values()))
        shop.plan(day, hour + 0.4 + shop.random.random() * 35 / 60, lambda at: _take_order(shop, at))
    if shop.weekday(day) in (0, 3):
        shop.plan(day, 8.1, lambda at: _count(shop, at))
    if shop.weekday(day) in (1, 3, 5):
        shop.plan(day, 9.6, lambda at: _restock(shop, at))


def _take_order(shop: Story, at: datetime) -> None:
    wanted: dict[str, int] = {}
    for _ in range(shop.random.choices((1, 2, 3), (85, 12, 3))[0]):
        sku = _choose(shop, at)
        if sku is not None and sku not in wanted:
            units = 2 if shop.random.random() < 0.04 else 1
            wanted[sku] = min(units, shop.levels[sku])
    if wanted:
        sales.sell(shop, at, wanted)


def _choose(shop: Story, at: datetime) -> str | None:
    """Return the SKU that a customer buys: the wanted size, sometimes another if it is sold out, or None."""
    offered = [model for model in shop.models if model.code in shop.delivered]
    appeal = [_appeal(model, at - shop.delivered[model.code]) for model in offered]
    (model,) = shop.random.choices(offered, appeal)
    (sku,) = shop.random.choices(model.skus, model.demand)
    if shop.levels.get(sku, 0) == 0 and shop.random.random() < 0.35:
        sku = shop.random.choice(model.skus)
    return sku if shop.levels.get(sku, 0) > 0 else None


def _appeal(model: Model, age: timedelta) -> float:
    """Return the current appeal: a drop fades after its first days, a steady model does not."""
    days = age / timedelta(days=1)
    fading = {Supply.DROP: 2.2 * math.exp(-days / 12) + 0.1, Supply.AUDIT: 1.6 * math.exp(-days / 60), Supply.SLOW: 0.6}
    return model.appeal * fading.get(model.supply, 1.0)


def _count(shop: Story, at: datetime) -> None:
    """Count one model, the next one each time. Most counts find no variance."""
    known = [model for model in shop.models if model.code in shop.delivered]
    model = known[shop.counted % len(known)]
    shop.counted += 1
    lines = {sku: _variance(shop, shop.levels[sku]) for sku in model.skus if sku in shop.levels}
    shop.do(at, "set_level", WANDA, "count", "cycle_count", lines)


def _variance(shop: Story, level: int) -> int:
    if shop.random.random() > 0.05:
        return 0
    return -1 if level > 0 and shop.random.random() < 0.7 else 1


def _restock(shop: Story, at: datetime) -> None:
    """Receive what runs low. The supplier does not always have every size, and some drops never again."""
    lines: dict[str, int] = {}
    known = shop.variants
    for model in shop.models:
        if model.code not in shop.delivered or model.code in troubles.SOLD_OUT:
            continue
        for sku, full in _full_run(model).items():
            level = shop.levels.get(sku, 0)
            if level <= known[sku].reorder_point + 1 and full > level and shop.random.random() > 0.08:
                lines[sku] = max(full, known[sku].reorder_point + 3) - level
    if lines:
        shop.deliver(at, lines)


def _plan_incident(shop: Story, day: int, hour: float, reason: str, units: int, who: str, note: str | None) -> None:
    def happen(at: datetime) -> None:
        shop.do(at, "adjust", who, "adjustment", reason, {shop.some_sku(abs(units)): units}, note=note)

    shop.plan(day, hour, happen)


def _return_to_supplier(shop: Story, at: datetime) -> None:
    lines = {shop.some_sku(3): -2, shop.some_sku(4): -3}
    shop.do(at, "receive", WANDA, "purchase", "supplier_return", lines, reference_type="receipt", reference="RMA-318",
            note="Soles come off")  # fmt: skip


def _mistype(shop: Story, at: datetime) -> None:
    sku, note = shop.some_sku(1), "Stood behind the rack in aisle 3"
    wrong = shop.do(at, "adjust", WANDA, "adjustment", "found", {sku: 20}, note=note)
    _plan_undo(shop, at + timedelta(minutes=1), WANDA, wrong, "Typed 20 instead of 2")

    def type_again(at: datetime) -> None:
        shop.do(at, "adjust", WANDA, "adjustment", "found", {sku: 2}, note=note)

    shop.plan_at(at + timedelta(minutes=2), type_again)


def _scan_wrong_size(shop: Story, at: datetime) -> None:
    wrong = shop.do(at, "adjust", WANDA, "adjustment", "damaged", {shop.some_sku(2): -1}, note="Torn tongue")
    _plan_undo(shop, at + timedelta(minutes=4), MIA, wrong, "Scanned the wrong size")


def _plan_undo(shop: Story, at: datetime, who: str, wrong: Operation, note: str) -> None:
    lines = {sku: -units for sku, units in wrong.lines.items()}

    def undo(at: datetime) -> None:
        shop.do(at, "undo", who, wrong.movement_type, "undo", lines, note=note, undoes=wrong.key)

    shop.plan_at(at, undo)
