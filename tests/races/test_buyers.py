"""A crowd of buyers: no unit is sold twice, there is no deadlock, and nothing is done twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from core.database import engine as database
from core.foundation.errors import AlreadyReversed, InsufficientStock, KeyReused, LevelChanged
from core.foundation.model import COMMAND_LINE, Actor, LevelLine, Line, Posting
from core.ledger import changes as ledger
from tests.races.crowd import at_once, split
from tests.support.builders import Shop, key
from tests.support.proof import assert_holds

CROWD = 32


@pytest.fixture(scope="module")
def engine(shop: Shop) -> Iterator[Engine]:
    """Enough connections that no thread waits for one."""
    wide = database.create_engine(shop.app_url, pool_size=CROWD)
    yield wide
    wide.dispose()


@pytest.fixture
def doing(shop: Shop, engine: Engine) -> Callable[..., Callable[[], Posting]]:
    """Make an action of an operation, as Wanda; her session is opened before the crowd starts."""
    wanda = shop.person("Wanda")

    def make(operation: Any, **values: Any) -> Callable[[], Posting]:
        return lambda: database.run(engine, operation, wanda, **values)

    return make


def taking(doing: Any, *lines: tuple[UUID, int], order: str | None = None) -> Callable[[], Posting]:
    made = [Line(variant_id=variant, quantity=-quantity) for variant, quantity in lines]
    action: Callable[[], Posting] = doing(ledger.adjust, lines=made, reason="sample", key=order or key())
    return action


def test_of_thirty_two_buyers_of_the_last_ten_exactly_ten_get_one(shop: Shop, engine: Engine) -> None:  # pains.md 1
    variant = shop.variant(10)

    def buy(connection: Connection, _actor: Actor) -> Any:
        return connection.execute(text("select public.update_variant_stock(:id, -1)"), {"id": variant}).scalar_one()

    answers = at_once(*[lambda: database.run(engine, buy, COMMAND_LINE)] * CROWD)
    assert sorted(answer["success"] for answer in answers) == [False] * 22 + [True] * 10
    assert sorted(answer["new_stock"] for answer in answers if answer["success"]) == list(range(10))
    assert {answer["error"] for answer in answers if not answer["success"]} == {"Not enough stock."}
    assert shop.on_hand(variant) == 0
    assert_holds(shop, variant)


def test_of_thirty_two_pickers_of_the_last_ten_exactly_ten_get_one(shop: Shop, doing: Any) -> None:
    variant = shop.variant(10)
    done, refused = split(at_once(*(taking(doing, (variant, 1)) for _ in range(CROWD))))
    assert len(done) == 10
    assert {type(error) for error in refused} == {InsufficientStock}
    assert_holds(shop, variant)


@pytest.fixture
def no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock surfaces instead of being tried again."""
    monkeypatch.setattr(database, "_RETRYABLE", frozenset())


@pytest.mark.usefixtures("no_second_try")
def test_carts_with_the_same_shoes_in_any_order_never_wait_in_a_circle(shop: Shop, doing: Any) -> None:  # pains.md 11
    shoes, chance = [shop.variant(500) for _ in range(6)], random.Random(11)
    for _ in range(5):
        carts = [chance.sample(shoes, 4) for _ in range(16)]
        done, refused = split(at_once(*(taking(doing, *((v, 1) for v in cart)) for cart in carts)))
        assert (len(done), refused) == (16, [])
    assert sum(shop.on_hand(v) for v in shoes) == 6 * 500 - 5 * 16 * 4
    for variant in shoes:
        assert_holds(shop, variant)


@pytest.mark.usefixtures("no_second_try")
def test_two_carts_of_two_shoes_in_opposite_order_both_go_through(shop: Shop, doing: Any) -> None:
    one, two = shop.variant(40), shop.variant(40)
    orders = [((one, 1), (two, 1)), ((two, 1), (one, 1))] * 10
    done, refused = split(at_once(*(taking(doing, *lines) for lines in orders)))
    assert (len(done), refused) == (20, [])
    assert (shop.on_hand(one), shop.on_hand(two)) == (20, 20)


def test_one_key_from_twenty_browsers_is_one_operation(shop: Shop, doing: Any) -> None:  # pains.md 12, 23
    variant, order = shop.variant(10), key()
    done, refused = split(at_once(*(taking(doing, (variant, 2), order=order) for _ in range(20))))
    assert refused == []
    assert len({posting.operation_id for posting in done}) == 1
    assert len({posting.movements for posting in done}) == 1
    assert sorted(posting.replayed for posting in done) == [False] + [True] * 19
    assert shop.on_hand(variant) == 8
    assert_holds(shop, variant)


def test_one_key_with_two_contents_at_once_does_one_of_them(shop: Shop, doing: Any) -> None:
    variant, order = shop.variant(100), key()
    actions = [taking(doing, (variant, quantity), order=order) for quantity in (2, 3) for _ in range(6)]
    done, refused = split(at_once(*actions))
    assert {type(error) for error in refused} == {KeyReused}
    assert (len(done), len(refused)) == (6, 6)
    assert shop.on_hand(variant) in (97, 98)
    assert len(shop.history(variant)) == 2


def test_a_key_whose_first_use_is_refused_is_free_for_the_one_that_waited(shop: Shop, doing: Any) -> None:
    """Both have one key. The first fails for lack of stock, so neither may be told that it succeeded."""
    variant, order = shop.variant(1), key()
    done, refused = split(at_once(*(taking(doing, (variant, 2), order=order) for _ in range(8))))
    assert done == []
    assert {type(error) for error in refused} == {InsufficientStock}
    assert shop.sql("select count(*) from stockroom.operations where key = :key", key=order) == 0


def test_a_level_is_set_from_what_was_seen_or_not_at_all_while_others_take(
    shop: Shop, doing: Any
) -> None:  # pains.md 8
    variant = shop.variant(100)
    line = LevelLine(variant_id=variant, target=200, seen=100)
    setting = [doing(ledger.set_level, lines=[line], key=key()) for _ in range(4)]
    results = at_once(*setting, *(taking(doing, (variant, 1)) for _ in range(12)))
    _, refused = split(results[:4])
    assert {type(error) for error in refused} == {LevelChanged}
    assert split(results[4:])[1] == []
    sets = 4 - len(refused)
    assert sets <= 1
    assert shop.on_hand(variant) == 100 + 100 * sets - 12
    assert_holds(shop, variant)


def test_two_people_who_saw_the_same_level_cannot_both_set_it(shop: Shop, doing: Any) -> None:
    variant = shop.variant(10)
    lines = [LevelLine(variant_id=variant, target=target, seen=10) for target in (20, 30)]
    done, refused = split(at_once(*(doing(ledger.set_level, lines=[line], key=key()) for line in lines)))
    assert (len(done), [type(error) for error in refused]) == (1, [LevelChanged])
    assert shop.on_hand(variant) == done[0].movements[0].quantity_after


def test_a_typo_undone_by_two_people_at_once_is_undone_once(shop: Shop, doing: Any) -> None:
    variant = shop.variant(10)
    typo = shop.adjust(variant, 5).movements[0].movement_id
    undos = [doing(ledger.undo, movement_ids=[typo], key=key(), note="typo") for _ in range(10)]
    done, refused = split(at_once(*undos))
    assert len(done) == 1
    assert {type(error) for error in refused} == {AlreadyReversed}
    assert shop.on_hand(variant) == 10
    assert_holds(shop, variant)


def test_everything_at_once_on_few_shoes_leaves_an_intact_ledger(shop: Shop, doing: Any) -> None:
    shoes, chance = [shop.variant(30) for _ in range(3)], random.Random(7)
    typos = [shop.adjust(v, 1).movements[0].movement_id for v in shoes for _ in range(3)]

    def any_action() -> Callable[[], Posting]:
        cart = chance.sample(shoes, chance.randint(1, 3))
        level = LevelLine(variant_id=cart[0], target=chance.randint(0, 40), seen=chance.randint(25, 35))
        options: list[Callable[[], Posting]] = [
            taking(doing, *((v, chance.randint(1, 6)) for v in cart)),
            doing(ledger.receive, lines=[Line(variant_id=v, quantity=2) for v in cart], key=key()),
            doing(ledger.set_level, lines=[level], key=key()),
            doing(ledger.undo, movement_ids=chance.sample(typos, 2), key=key(), note="typo"),
        ]
        return chance.choice(options)

    for _ in range(4):
        done, refused = split(at_once(*(any_action() for _ in range(24))))
        assert len(done) + len(refused) == 24
    for variant in shoes:
        assert_holds(shop, variant)
