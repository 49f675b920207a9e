"""Cases age in the open: how long they take is measured, and one that waits too long is sent once more."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from core.alerts import ageing, deliveries, handling
from core.alerts import reads as alerts
from core.alerts.ageing import Limits
from core.alerts.deliveries import Wishes
from core.alerts.reads import Event
from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.sales import AlertKind
from core.people import audit
from tests.core.alerts.test_telling import open_case, tell
from tests.support.builders import Shop, key
from tests.support.receivers import hook
from tests.support.selling import Sale, case_of, sell

HOURS = "update stockroom.alerts set first_at = now() - make_interval(hours => :hours)"


def told(shop: Shop, *names: str) -> dict[str, int]:
    """Make the messages that are due and return how many each destination has of the cases, ever."""
    shop.run(deliveries.bundle, names=list(names))
    rows = shop.rows(
        """select d.destination, count(*) from stockroom.deliveries d
             join stockroom.delivery_alerts x on x.delivery_id = d.id group by 1"""
    )
    return {row[0]: row[1] for row in rows}


def place(shop: Shop, **places: int) -> None:
    for name, at in places.items():
        shop.run(deliveries.save, "Ada", name=name, wishes=Wishes(place=at))


def the_case(shop: Shop) -> int:
    return int(shop.sql("select id from stockroom.alerts"))


def age(shop: Shop, hours: float) -> None:
    shop.sql(HOURS.replace(":hours", str(int(hours))))


def test_a_case_that_nobody_acts_on_is_sent_once_more_to_the_next_destination(fresh_shop: Shop) -> None:
    place(fresh_shop, team=1)
    fresh_shop.run(deliveries.save, "Ada", name="mia", wishes=Wishes(place=2, min_severity="waited"))
    open_case(fresh_shop)
    assert told(fresh_shop, "team", "mia") == {"team": 1}
    age(fresh_shop, 23)
    assert told(fresh_shop, "team", "mia") == {"team": 1}
    age(fresh_shop, 25)
    assert told(fresh_shop, "team", "mia") == {"team": 1, "mia": 1}
    age(fresh_shop, 500)
    assert told(fresh_shop, "team", "mia") == {"team": 1, "mia": 1}, "once"
    last = fresh_shop.run(alerts.history, "Wanda", alert_id=the_case(fresh_shop))[-1]
    assert (last.what, last.who, last.note) == (
        Event.ESCALATED, "Stockroom", "to mia: nobody has acted on it for 24 hours")  # fmt: skip


def test_the_message_says_that_nobody_has_acted_on_the_case(fresh_shop: Shop) -> None:
    with hook() as team:
        open_case(fresh_shop, severity="urgent")
        tell(fresh_shop, {"team": team.url})
        age(fresh_shop, 5)
        assert tell(fresh_shop, {"team": team.url}) == (1, 0), "the only destination is the next one"
    first, again = team.got
    assert "nobody" not in first["message"]
    assert "Still waiting: A job stands still" in again["title"]
    assert "nobody has acted on it, since" in again["message"]


@pytest.mark.parametrize(
    ("places", "names", "next_one"),
    [
        ({"a": 2, "b": 1, "c": 3}, ["a", "b", "c"], "a"),
        ({"a": 1, "b": 1, "c": 1}, ["a", "b", "c"], "b"),
        ({"a": 1, "b": 2}, ["a", "b"], "b"),
        ({"a": 1}, ["a"], "a"),
    ],
)
def test_the_next_destination_follows_the_first_in_the_order_of_the_shop(
    fresh_shop: Shop, places: dict[str, int], names: list[str], next_one: str
) -> None:
    place(fresh_shop, **places)
    open_case(fresh_shop)
    assert told(fresh_shop, *names) == dict.fromkeys(names, 1), "at first every destination is told"
    age(fresh_shop, 25)
    assert told(fresh_shop, *names) == dict.fromkeys(names, 1) | {next_one: 2}


def test_a_destination_that_is_off_is_not_the_next_one(fresh_shop: Shop) -> None:
    place(fresh_shop, team=1)
    fresh_shop.run(deliveries.save, "Ada", name="mia", wishes=Wishes(place=2, is_on=False))
    open_case(fresh_shop)
    told(fresh_shop, "team", "mia")
    age(fresh_shop, 25)
    assert told(fresh_shop, "team", "mia") == {"team": 2}


STEPS: dict[str, Any] = {
    "acknowledged": lambda shop: shop.run(handling.acknowledge, "Wanda", alert_ids=[the_case(shop)]),
    "assigned": lambda shop: shop.run(
        handling.assign, "Wanda", alert_ids=[the_case(shop)], user_id=shop.person("Sam").user_id
    ),
    "resolved": lambda shop: shop.run(handling.resolve, "Sam", alert_ids=[the_case(shop)], reason="Done"),
    "snoozed": lambda shop: shop.sql("update stockroom.alerts set snoozed_until = now() + interval '1 hour'"),
    "woken just now": lambda shop: shop.sql("update stockroom.alerts set snoozed_until = now() - interval '1 minute'"),
    "tried again just now": lambda shop: shop.sql("select stockroom_api.note_try('job:poll', 'Wanda')"),
    "allowed to wait": lambda shop: shop.run(ageing.save_limits, "Ada", limits=Limits(urgent=None, other=None)),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_a_case_that_somebody_has_or_that_may_wait_is_not_sent_again(fresh_shop: Shop, step: Any) -> None:
    open_case(fresh_shop)
    told(fresh_shop, "team")
    age(fresh_shop, 30)
    step(fresh_shop)
    assert told(fresh_shop, "team") == {"team": 1}


def test_levels_may_wait_unless_the_shop_says_otherwise(fresh_shop: Shop) -> None:
    fresh_shop.adjust(fresh_shop.variant(4, reorder_point=5), -4)
    assert told(fresh_shop, "team") == {"team": 1}
    age(fresh_shop, 100)
    assert told(fresh_shop, "team") == {"team": 1}
    fresh_shop.run(ageing.save_limits, "Ada", limits=Limits(levels=48))
    assert told(fresh_shop, "team") == {"team": 2}


def test_a_note_is_not_sent_again_where_no_destination_wants_notes(fresh_shop: Shop) -> None:
    open_case(fresh_shop, severity="note")
    age(fresh_shop, 100)
    assert told(fresh_shop, "team") == {}
    fresh_shop.run(deliveries.save, "Ada", name="team", wishes=Wishes(min_severity="note"))
    assert told(fresh_shop, "team") == {"team": 1}


def test_without_a_destination_a_case_waits_until_there_is_one(fresh_shop: Shop) -> None:
    open_case(fresh_shop)
    age(fresh_shop, 100)
    assert told(fresh_shop) == {}
    assert fresh_shop.sql("select escalated_at from stockroom.alerts") is None
    assert told(fresh_shop, "team") == {"team": 1}


def test_two_workers_at_once_send_each_case_once_more_and_not_twice(fresh_shop: Shop) -> None:
    for n in range(40):
        open_case(fresh_shop, f"job:{n}")
    told(fresh_shop, "team")
    age(fresh_shop, 30)
    start = threading.Barrier(2)

    def work() -> int:
        start.wait()
        return int(fresh_shop.run(ageing.escalate, names=["team"]))

    with ThreadPoolExecutor(2) as pool:
        done = [each.result() for each in [pool.submit(work), pool.submit(work)]]
    assert sum(done) == 40
    assert fresh_shop.sql("select count(*) from stockroom.alert_history where what = 'escalated'") == 40
    assert told(fresh_shop, "team") == {"team": 80}


# ---------------------------------------------------------------- the setting


def test_only_an_admin_sets_how_long_cases_may_wait_and_the_audit_has_it(shop: Shop) -> None:
    with pytest.raises(Forbidden):
        shop.run(ageing.save_limits, "Mia", limits=Limits())
    with pytest.raises(Forbidden):
        shop.run(ageing.limits, "Mia")
    for wrong in (0, -1, 1001):
        with pytest.raises(InvalidInput, match="Hours must be"):
            shop.run(ageing.save_limits, "Ada", limits=Limits(other=wrong))
    shop.run(ageing.save_limits, "Ada", limits=Limits(urgent=2, other=None, levels=72))
    assert shop.run(ageing.limits, "Ada") == Limits(urgent=2, other=None, levels=72)
    change = shop.run(audit.recent_changes, "Ada", limit=1)[0]
    assert (change.what, change.after["urgent_hours"]) == (audit.What.WAITING_CHANGED, 2)
    shop.run(ageing.save_limits, "Ada", limits=Limits())


# ---------------------------------------------------------------- how long cases take


def test_the_time_to_the_first_action_of_a_person_and_to_the_end_is_measured_by_kind(fresh_shop: Shop) -> None:
    sales = [Sale(lines=[("OLD-CODE", 1)]) for _ in range(3)]
    for sale in sales:
        sell(fresh_shop, sale)
    ids = [case_of(fresh_shop, sale) for sale in sales]
    fresh_shop.sql("select stockroom_api.note_try(cause, 'Stockroom') from stockroom.alerts limit 1")
    for alert_id, hours in zip(ids[:2], (2, 4), strict=True):
        fresh_shop.sql(f"{HOURS} where id = :id", hours=hours, id=alert_id)
        fresh_shop.run(handling.acknowledge, "Wanda", alert_ids=[alert_id])
    fresh_shop.run(handling.resolve, "Sam", alert_ids=ids[1:2], reason="Refunded")
    (found,) = fresh_shop.run(ageing.times, "Wanda")
    assert (found.kind, found.cases, found.waiting) == (AlertKind.UNKNOWN_VARIANT, 3, 1)
    assert (round(found.first_hand / 3600, 1), round(found.resolution / 3600, 1)) == (3.0, 4.0)
    fresh_shop.sql(HOURS, hours=24 * 91)
    assert fresh_shop.run(ageing.times, "Wanda") == ()


def test_a_case_that_ends_by_itself_has_no_first_action(fresh_shop: Shop) -> None:
    shoe = fresh_shop.variant(4, reorder_point=5)
    fresh_shop.adjust(shoe, 9, key=key())
    (found,) = fresh_shop.run(ageing.times, "Wanda")
    assert (found.first_hand, found.waiting) == (None, 0)
    assert found.resolution is not None
