"""One scan: what it means, what it does once, and what it never does."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.catalog import codes
from core.counts import sessions as counting
from core.counts.sessions import Scope
from core.database.engine import run
from core.deliveries import changes as deliveries
from core.foundation.barcodes import is_gtin
from core.foundation.errors import (
    AlreadyReversed,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    KeyReused,
    SignInRequired,
    UnknownVariant,
)
from core.scanning import choices, taking
from core.scanning.taking import Mode, Scan, Taken
from tests.support.builders import Shop, key, new_ean


def sku() -> str:
    return f"S-{uuid.uuid4().hex[:10].upper()}"


def scan(mode: Mode, text: str | None = None, **values: Any) -> Scan:
    given: dict[str, Any] = {"id": uuid.uuid4(), "mode": mode, "age": 0.0, "text": text}
    if mode is Mode.ADJUST:
        given["reason"] = "stock_decrease" if values.get("units", 1) < 0 else "stock_increase"
    return Scan(**given | values)


def take(shop: Shop, given: Scan, who: str = "Wanda") -> Taken:
    return run(shop.engine, taking.operation_of(given), shop.person(who), scan=given)


def moved(shop: Shop, variant: UUID) -> list[int]:
    return [row.quantity for row in shop.history(variant)]


def test_a_scan_is_posted_once_however_often_it_is_sent_and_its_moment_is_that_of_the_hand(shop: Shop) -> None:
    code = sku()
    variant = shop.variant(3, sku=code, size="42")
    given = scan(Mode.ADJUST, code, age=90.0)
    first = take(shop, given)
    take(shop, scan(Mode.ADJUST, code))
    later = Scan(**{name: getattr(given, name) for name in Scan.__dataclass_fields__} | {"age": 9e9})
    again = take(shop, later)
    assert (first.sku, first.size, first.level_before, first.level_after, first.replayed) == (code, "42", 3, 4, False)
    assert (again.level_before, again.level_after, again.movement_id, again.replayed) == (3, 4, first.movement_id, True)
    assert moved(shop, variant) == [3, 1, 1]
    ago = datetime.now(UTC) - shop.history(variant)[1].occurred_at
    assert timedelta(seconds=89) < ago < timedelta(seconds=120)
    with pytest.raises(KeyReused):
        take(shop, scan(Mode.ADJUST, code, id=given.id, units=2))


def test_a_gs1_code_that_counts_more_cartons_than_any_shop_has_is_refused(shop: Shop) -> None:
    carton = uuid.uuid4().int % 10**13
    code = next(text for n in range(10) if is_gtin(text := f"{carton:013}{n}"))
    shop.run(codes.attach, "Wanda", variant_id=shop.variant(3), code=code, kind="carton", units=100_000, key=key())
    with pytest.raises(InvalidInput, match="at most 1,000,000"):
        take(shop, scan(Mode.RECEIVE, f"(02){code}(37)90000"))


def test_the_same_scan_sent_by_eight_threads_at_once_moves_one_unit(shop: Shop) -> None:
    code = sku()
    variant = shop.variant(3, sku=code)
    given = scan(Mode.RECEIVE, code)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: take(shop, given), range(8)))
    assert {(each.level_before, each.level_after) for each in answers} == {(3, 4)}
    assert [each.replayed for each in answers].count(False) == 1
    assert moved(shop, variant) == [3, 1]


def test_a_carton_counts_its_units_and_so_does_the_count_of_a_gs1_code(shop: Shop) -> None:
    variant = shop.variant(0, sku=sku())
    carton = f"C-{key()[:12]}"
    run(
        shop.engine,
        codes.attach,
        shop.person("Wanda"),
        variant_id=variant,
        code=carton,
        kind="carton",
        units=12,
        key=key(),
    )
    taken = take(shop, scan(Mode.RECEIVE, carton, units=2, reference="LS-1"))
    assert (taken.scanned, taken.units, taken.level_after) == (12, 24, 24)
    gtin = new_ean()
    run(shop.engine, codes.attach, shop.person("Wanda"), variant_id=variant, code=gtin, kind="ean", key=key())
    assert take(shop, scan(Mode.RECEIVE, f"]C1020{gtin}37{3:08d}")).units == 3
    assert take(shop, scan(Mode.LOOK, f"0{gtin}")).level_after == 27
    assert shop.history(variant)[0].reference_id == "LS-1"
    shop.variant(1, sku=f"020{gtin}37{3:08d}")
    assert take(shop, scan(Mode.LOOK, f"]C1020{gtin}37{3:08d}")).level_after == 1, "the text itself comes first"


def test_a_refused_scan_changes_nothing_and_the_same_scan_succeeds_when_its_cause_is_gone(shop: Shop) -> None:
    variant = shop.variant(1, sku=sku())
    unknown = scan(Mode.ADJUST, f"U-{key()[:12]}")
    with pytest.raises(UnknownVariant) as caught:
        take(shop, unknown)
    assert caught.value.facts == {"code": unknown.text}
    run(
        shop.engine,
        codes.attach,
        shop.person("Wanda"),
        variant_id=variant,
        code=str(unknown.text),
        kind="supplier",
        key=key(),
    )
    assert take(shop, unknown).level_after == 2
    too_many = scan(Mode.ADJUST, units=-5, variant_id=variant)
    with pytest.raises(InsufficientStock):
        take(shop, too_many)
    take(shop, scan(Mode.RECEIVE, variant_id=variant, units=9))
    assert take(shop, too_many).level_after == 6
    assert moved(shop, variant) == [1, 1, 9, -5]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"age": -60.0}, "lies in the future"),
        ({"age": 8 * 86_400.0}, "more than seven days ago"),
        ({"text": " "}, "1 to 400 characters"),
        ({"text": "x" * 401}, "1 to 400 characters"),
        ({"units": 0}, "must not be zero"),
        ({"units": 1_000_001}, "must be between"),
        ({"reason": None}, "must be chosen"),
        ({"reason": "damaged"}, "must be below zero"),
        ({"reason": "correction"}, "is needed for"),
        ({"mode": Mode.RECEIVE, "units": -1}, "must be between 1"),
        ({"mode": Mode.UNDO}, "is missing"),
        ({"mode": Mode.UNDO, "of": uuid.uuid4()}, "nothing to undo"),
        ({"mode": Mode.COUNT}, "must be chosen"),
        ({"mode": Mode.COUNT, "count_id": 999_999_999}, "does not exist"),
        ({"mode": Mode.RECEIVE, "delivery_id": 999_999_999}, "is not in this shop"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_reason(shop: Shop, values: dict[str, Any], why: str) -> None:
    code = sku()
    variant = shop.variant(2, sku=code)
    with pytest.raises(InvalidInput, match=why):
        take(shop, scan(**{"mode": Mode.ADJUST, "text": code} | values))
    assert moved(shop, variant) == [2]


def test_an_undo_takes_one_scan_back_once(shop: Shop) -> None:
    code = sku()
    variant = shop.variant(3, sku=code)
    given = scan(Mode.ADJUST, code, units=-2)
    take(shop, given)
    back = scan(Mode.UNDO, of=given.id)
    first, again = take(shop, back), take(shop, back)
    assert (first.level_before, first.level_after, first.units) == (1, 3, 2)
    assert again.replayed
    with pytest.raises(AlreadyReversed):
        take(shop, scan(Mode.UNDO, of=given.id), "Mia")
    assert moved(shop, variant) == [3, -2, 2]


def test_scans_into_a_delivery_and_a_count_add_up_and_move_nothing_yet(shop: Shop) -> None:
    code = sku()
    variant = shop.variant(5, sku=code)
    wanda, mia = shop.person("Wanda"), shop.person("Mia")
    delivery = run(shop.engine, deliveries.begin, mia, key=key(), reference=key()).delivery_id
    arriving = scan(Mode.RECEIVE, code, units=4, delivery_id=delivery)
    assert (take(shop, arriving).received, take(shop, arriving).received) == (4, 4)
    assert take(shop, scan(Mode.RECEIVE, code, units=-1, delivery_id=delivery), "Mia").received == 3
    levels = []
    for is_blind in (False, True):
        count = run(
            shop.engine, counting.start, mia, name=key()[:12], scope=Scope.LIST, variant_ids=[variant],
            is_blind=is_blind, key=key(),
        )  # fmt: skip
        entry = scan(Mode.COUNT, code, units=2, count_id=count, age=30.0)
        take(shop, entry)
        take(shop, entry)
        levels.append((taken := take(shop, scan(Mode.COUNT, code, count_id=count))).level_after)
        assert taken.counted == 3
        other = take(shop, scan(Mode.COUNT, code, count_id=count), "Mia")
        assert other.counted == 1, "each person has a number of their own"
    assert levels == [5, None], "a blind count shows no level"
    assert [each.delivery_id for each in run(shop.engine, choices.choices, wanda).deliveries].count(delivery) == 1
    assert moved(shop, variant) == [5]


def test_everybody_may_look_up_but_only_the_hands_of_the_stock_may_post(shop: Shop) -> None:
    code = sku()
    variant = shop.variant(3, sku=code)
    assert take(shop, scan(Mode.LOOK, code.lower()), "Sam").level_after == 3
    for given in (scan(Mode.ADJUST, code), scan(Mode.RECEIVE, code), scan(Mode.COUNT, code, count_id=1)):
        with pytest.raises(Forbidden):
            take(shop, given, "Sam")
        with pytest.raises(SignInRequired):
            take(shop, given, "Carl")
    with pytest.raises(SignInRequired):
        take(shop, scan(Mode.LOOK, code), "Carl")
    assert run(shop.engine, choices.choices, shop.person("Sam")).counts == ()
    assert moved(shop, variant) == [3]
