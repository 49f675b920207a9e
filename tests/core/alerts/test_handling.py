"""Acknowledge, snooze, assign and resolve cases, one or many, all or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.alerts import handling
from core.alerts import reads as alerts
from core.alerts.handling import MORNING, Nap, wakes_at
from core.alerts.reads import AlertFilter, Event, Stake
from core.foundation.errors import Forbidden, InvalidInput, SignInRequired
from core.foundation.sales import AlertState
from core.screens import exports
from tests.races.crowd import at_once, split
from tests.support.builders import Shop
from tests.support.selling import Sale, case_of, sell, states

SOON = timedelta(hours=3)


@pytest.fixture
def short(fresh_shop: Shop) -> list[int]:
    """Three orders of which nothing left the shelf; returns their cases."""
    sales = [Sale(lines=[(f"OLD-{n}", n)], more={"number": f"WEB-{n}"}) for n in (1, 2, 3)]
    for sale in sales:
        sell(fresh_shop, sale)
    return [case_of(fresh_shop, sale) for sale in sales]


def listed(shop: Shop, **wanted: Any) -> list[int]:
    return [row.alert_id for row in shop.run(alerts.page, "Wanda", filter=AlertFilter(**wanted)).rows]


def history(shop: Shop, alert_id: int) -> list[tuple[str, Event, str | None]]:
    rows = shop.run(alerts.history, "Wanda", alert_id=alert_id)
    return [(row.who, row.what, row.note) for row in rows if row.what is not Event.OPENED]


def snooze(shop: Shop, ids: list[int], until: datetime | None) -> None:
    shop.run(handling.snooze, "Wanda", alert_ids=ids, until=until)


def test_a_snoozed_case_leaves_list_and_counts_and_comes_back_by_itself(fresh_shop: Shop, short: list[int]) -> None:
    first, *others = short
    snooze(fresh_shop, [first], datetime(2027, 1, 4, 19, 0, tzinfo=UTC))
    assert listed(fresh_shop) == others
    assert (listed(fresh_shop, snoozed=True), listed(fresh_shop, snoozed=None)) == ([first], short)
    waiting = fresh_shop.run(alerts.waiting, "Wanda")
    assert (waiting.cases, waiting.failed_updates) == (2, 2)
    assert history(fresh_shop, first) == [("Wanda", Event.SNOOZED, "until 5 Jan 2027, 08:00")], "on the shop's clock"
    fresh_shop.sql("update stockroom.alerts set snoozed_until = now() - interval '1 second'")  # time goes by
    assert listed(fresh_shop) == short
    assert fresh_shop.run(alerts.waiting, "Wanda").cases == 3


def test_a_snoozed_case_comes_back_at_once_when_it_happens_again(fresh_shop: Shop) -> None:
    _fail_job(fresh_shop)
    (case,) = listed(fresh_shop)
    snooze(fresh_shop, [case], datetime.now(UTC) + SOON)
    assert listed(fresh_shop) == []
    _fail_job(fresh_shop)
    assert listed(fresh_shop) == [case]


def _fail_job(shop: Shop) -> None:
    shop.sql("select stockroom_api.open_system_alert('job_stalled', 'urgent', 'job:x', 'A job stands still', '{}')")


def test_a_snoozed_low_level_comes_back_when_it_grows_graver_and_ends_by_itself_all_the_same(fresh_shop: Shop) -> None:
    shoe, boot = fresh_shop.variant(4, reorder_point=5), fresh_shop.variant(4, reorder_point=5)
    snooze(fresh_shop, listed(fresh_shop), datetime.now(UTC) + SOON)
    fresh_shop.adjust(shoe, -1)
    assert listed(fresh_shop) == []
    fresh_shop.adjust(shoe, -3)
    assert len(listed(fresh_shop)) == 1
    fresh_shop.adjust(boot, 9)
    assert listed(fresh_shop, snoozed=True) == []
    assert len(listed(fresh_shop, states=(AlertState.RESOLVED,))) == 1


def test_a_snoozed_case_can_be_brought_back(fresh_shop: Shop, short: list[int]) -> None:
    snooze(fresh_shop, short[:2], datetime.now(UTC) + SOON)
    snooze(fresh_shop, short, None)
    assert listed(fresh_shop) == short
    assert [step[1] for step in history(fresh_shop, short[0])] == [Event.SNOOZED, Event.WOKEN]
    assert history(fresh_shop, short[2]) == [], "one that did not sleep was not woken"


@pytest.mark.parametrize("ahead", [timedelta(seconds=-1), timedelta(days=400)])
def test_a_case_sleeps_neither_into_the_past_nor_for_ever(fresh_shop: Shop, short: list[int], ahead: timedelta) -> None:
    with pytest.raises(InvalidInput, match="must lie ahead, and within a year"):
        snooze(fresh_shop, short, datetime.now(UTC) + ahead)


@pytest.mark.parametrize(
    ("nap", "now", "wakes"),
    [
        (Nap.HOUR, "2026-11-27T10:00+13:00", "2026-11-27T11:00+13:00"),
        (Nap.TOMORROW, "2026-11-27T23:59+13:00", "2026-11-28T08:00+13:00"),
        (Nap.TOMORROW, "2026-11-28T00:01+13:00", "2026-11-29T08:00+13:00"),
        (Nap.NEXT_WEEK, "2026-11-27T10:00+13:00", "2026-11-30T08:00+13:00"),
        (Nap.NEXT_WEEK, "2026-11-30T07:00+13:00", "2026-12-07T08:00+13:00"),
        (Nap.TOMORROW, "2026-09-26T10:00+12:00", "2026-09-27T08:00+13:00"),  # the clocks change that night
    ],
)
def test_mornings_are_those_of_the_shops_own_clock(nap: Nap, now: str, wakes: str) -> None:
    found = wakes_at(nap, "Pacific/Auckland", datetime.fromisoformat(now).astimezone(UTC))
    assert found == datetime.fromisoformat(wakes)
    assert nap is Nap.HOUR or found.timetz().replace(tzinfo=None) == MORNING


def test_assigning_a_case_to_a_person_and_to_nobody_is_recorded(fresh_shop: Shop, short: list[int]) -> None:
    sam, first = fresh_shop.person("Sam").user_id, short[0]
    fresh_shop.run(handling.assign, "Mia", alert_ids=short[:2], user_id=sam)
    fresh_shop.run(handling.assign, "Mia", alert_ids=short[:2], user_id=sam)
    assert listed(fresh_shop, assigned_to=sam) == short[:2]
    assert fresh_shop.run(alerts.get, "Wanda", alert_id=first).assigned_name == "Sam"
    assert listed(fresh_shop, search="sam") == short[:2]
    fresh_shop.run(handling.assign, "Sam", alert_ids=[first], user_id=None)
    assert history(fresh_shop, first) == [("Mia", Event.ASSIGNED, "to Sam"), ("Sam", Event.ASSIGNED, "to nobody")]


def test_a_case_is_not_assigned_to_a_person_who_may_not_handle_it(fresh_shop: Shop, short: list[int]) -> None:
    carl = fresh_shop.person("Carl").user_id
    with pytest.raises(InvalidInput, match=r"Carl may not handle cases; choose another person\."):
        fresh_shop.run(handling.assign, "Mia", alert_ids=short, user_id=carl)
    with pytest.raises(InvalidInput, match="This person may not handle cases"):
        fresh_shop.run(handling.assign, "Mia", alert_ids=short, user_id=987654)
    people = [fresh_shop.person(name).name for name in ("Wanda", "Sam", "Mia")]
    assert [hand.name for hand in fresh_shop.run(handling.hands, "Wanda")] == sorted(people)


def test_each_role_does_what_it_may_with_several_cases(fresh_shop: Shop, short: list[int]) -> None:
    wanda = fresh_shop.person("Wanda").user_id
    doings: list[tuple[Any, dict[str, Any]]] = [
        (handling.acknowledge, {}),
        (handling.snooze, {"until": datetime.now(UTC) + SOON}),
        (handling.assign, {"user_id": wanda}),
        (handling.resolve, {"reason": "Done"}),
    ]
    for operation, values in doings:
        with pytest.raises((SignInRequired, Forbidden)):
            fresh_shop.run(operation, "Carl", alert_ids=short, **values)
    for operation, values in doings[:3]:
        fresh_shop.run(operation, "Wanda", alert_ids=short, **values)
    with pytest.raises(Forbidden):
        fresh_shop.run(handling.resolve, "Wanda", alert_ids=short, reason="Done")
    fresh_shop.run(handling.resolve, "Sam", alert_ids=short, reason="Done")
    assert listed(fresh_shop, snoozed=None) == []


def test_several_cases_are_ended_together_and_their_units_are_oversold(fresh_shop: Shop) -> None:
    sales = [Sale(lines=[("OLD-1", 2)]), Sale(lines=[("OLD-2", 3)])]
    sell(fresh_shop, *sales)
    fresh_shop.run(handling.resolve, "Sam", alert_ids=listed(fresh_shop), reason="Refunded the buyers")
    assert [states(fresh_shop, sale)[0][3] for sale in sales] == [2, 3]
    assert [row.resolution for row in fresh_shop.rows("select resolution from stockroom.alerts")] == [
        "Refunded the buyers"
    ] * 2


def test_a_resolved_one_among_them_stops_all_of_them(fresh_shop: Shop, short: list[int]) -> None:
    fresh_shop.run(handling.resolve, "Sam", alert_ids=short[1:2], reason="Refunded")
    for operation, values in (
        (handling.acknowledge, {}),
        (handling.snooze, {"until": datetime.now(UTC) + SOON}),
        (handling.assign, {"user_id": None}),
        (handling.resolve, {"reason": "Done"}),
    ):
        with pytest.raises(InvalidInput, match="Case was resolved by Sam already: Order WEB-2"):
            fresh_shop.run(operation, "Mia", alert_ids=short, **values)
    assert listed(fresh_shop, states=(AlertState.OPEN,)) == [short[0], short[2]]
    assert history(fresh_shop, short[0]) == []


@pytest.mark.parametrize("ids", [[], [0], list(range(1, 600))])
def test_no_case_an_unknown_one_and_too_many_are_refused(fresh_shop: Shop, ids: list[int]) -> None:
    with pytest.raises(InvalidInput):
        fresh_shop.run(handling.acknowledge, "Mia", alert_ids=ids)


def test_people_who_do_the_same_at_once_do_it_once(fresh_shop: Shop, short: list[int]) -> None:
    results = at_once(
        *(lambda ids=ids: fresh_shop.run(handling.resolve, "Sam", alert_ids=ids, reason="Done")
          for ids in (short, short[::-1]) * 5)
    )  # fmt: skip
    done, refused = split(results)
    assert (len(done), {type(error) for error in refused}) == (1, {InvalidInput})
    assert [step[1] for step in history(fresh_shop, short[0])] == [Event.RESOLVED]


def test_what_is_at_stake_is_summed_for_the_filter_by_currency(fresh_shop: Shop) -> None:
    sell(fresh_shop, Sale(lines=[("OLD-1", 2)]), Sale(lines=[("OLD-2", 3)], more={"currency": "eur"}))
    fresh_shop.variant(1, reorder_point=5)
    found: Stake = fresh_shop.run(alerts.stake, "Wanda", filter=AlertFilter())
    assert (found.cases.count, found.units, found.money) == (3, 5, {"usd": 2000, "eur": 3000})
    narrow: Stake = fresh_shop.run(alerts.stake, "Wanda", filter=AlertFilter(search="OLD-2"))
    assert (narrow.cases.count, narrow.units, narrow.money) == (1, 3, {"eur": 3000})


def test_every_case_under_a_filter_is_a_row_of_the_file(fresh_shop: Shop, short: list[int]) -> None:
    fresh_shop.run(handling.assign, "Mia", alert_ids=short[:1], user_id=fresh_shop.person("Sam").user_id)
    rows = fresh_shop.run(exports.alerts_csv, "Mia", filter=AlertFilter(search="WEB-")).decode("utf-8-sig").splitlines()
    assert rows[0] == ",".join(exports.ALERT_COLUMNS)
    assert len(rows) == 4
    assert f"{short[0]},unknown_variant,urgent,open" in rows[1]
    assert ",WEB-1,pi_" in rows[1]
    assert ",1,10.00,usd," in rows[1]
    assert ",Sam," in rows[1]
