"""Retries in quiet hours, permanent refusals, and messages without buyers' names."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.alerts import deliveries
from core.alerts import system as system_alerts
from core.alerts.deliveries import Wishes
from core.foundation.sales import AlertKind
from core.health import measures as health
from core.inbox.messages import WORKER
from tests.core.alerts.test_telling import GO, enqueue_order, open_case, tell
from tests.support.builders import ZONE, Shop
from tests.support.receivers import hook, mailbox
from tests.support.selling import Sale, sell

HERE = ZoneInfo(ZONE)


def quiet_now(passes: bool = True) -> Wishes:
    """Settings with quiet hours that began an hour ago and end in two."""
    now = datetime.now(HERE).replace(second=0, microsecond=0)
    return Wishes(
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_until=(now + timedelta(hours=2)).time(),
        urgent_passes=passes,
    )


@pytest.mark.parametrize(
    ("severity", "passes", "tried"), [("warning", True, 0), ("urgent", True, 1), ("urgent", False, 0)]
)
def test_a_retry_waits_for_the_end_of_quiet_hours_unless_what_is_urgent_passes(
    fresh_shop: Shop, severity: str, passes: bool, tried: int
) -> None:
    with hook(503) as team:
        open_case(fresh_shop, severity=severity)
        assert tell(fresh_shop, {"team": team.url}) == (0, 1)
        fresh_shop.run(deliveries.save, "Ada", name="team", wishes=quiet_now(passes))
        fresh_shop.sql("update stockroom.deliveries set due_at = now()")
        team.status = 200
        assert deliveries.send_due(fresh_shop.engine, {"team": team.url}, GO) == (tried, 0)


def test_a_retry_in_quiet_hours_waits_for_their_end(fresh_shop: Shop) -> None:
    now = datetime.now(HERE).replace(microsecond=0)
    ends = now + timedelta(hours=2)
    with hook(503) as team:
        open_case(fresh_shop)
        fresh_shop.run(deliveries.bundle, names=["team"])
        soon = Wishes(quiet_from=(now + timedelta(seconds=15)).time(), quiet_until=ends.time())
        fresh_shop.run(deliveries.save, "Ada", name="team", wishes=soon)
        assert deliveries.send_due(fresh_shop.engine, {"team": team.url}, GO) == (0, 1)
    assert fresh_shop.sql("select due_at from stockroom.deliveries") == ends


def test_order_mails_know_no_quiet_hours(fresh_shop: Shop) -> None:
    fresh_shop.run(deliveries.save, "Ada", name="team", wishes=quiet_now())
    enqueue_order(fresh_shop)
    with mailbox() as post:
        assert deliveries.send_due(fresh_shop.engine, {"orders": post.url}, GO) == (1, 0)


@pytest.mark.usefixtures("written")  # as in the running product, whose log hides what libraries say
@pytest.mark.parametrize(
    ("answer", "state"),
    [("550 no such mailbox", "failed"), ("450 try again later", "waiting"), ("535 who are you", "waiting")],
)
def test_a_permanent_refusal_is_not_retried_and_a_temporary_one_is(fresh_shop: Shop, answer: str, state: str) -> None:
    enqueue_order(fresh_shop)
    with mailbox(answer) as post:
        assert deliveries.send_due(fresh_shop.engine, {"orders": post.url}, GO) == (0, 1)
        assert post.got == []
    (found,) = fresh_shop.rows("select state, attempts, why from stockroom.deliveries")
    assert tuple(found) == (state, 1, f"It answered with an error ({answer[:3]}).")


def test_old_messages_are_forgotten_once_a_day_and_speed_is_judged_each_ten_minutes(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue_order(fresh_shop)
    fresh_shop.sql(
        "update stockroom.deliveries set kind = 'test', state = 'sent', finished_at = now() - interval '1 year'"
    )
    for left in (0, 1):
        fresh_shop.run(deliveries.forget)
        assert fresh_shop.sql("select count(*) from stockroom.deliveries") == left
        enqueue_order(fresh_shop)
        fresh_shop.sql(
            "update stockroom.deliveries set kind = 'test', state = 'sent', finished_at = now() - interval '1 year'"
        )
    fresh_shop.sql("update stockroom.last_times set at = at - interval '25 hours'")
    fresh_shop.run(deliveries.forget)
    assert fresh_shop.sql("select count(*) from stockroom.deliveries") == 0
    judged: list[int] = []
    monkeypatch.setattr(health, "judge_speed", lambda *_: judged.append(1))
    assert [fresh_shop.run(health.judge_in_time, WORKER) for _ in range(2)] == [True, False]
    fresh_shop.sql("update stockroom.last_times set at = at - interval '10 minutes' where name = 'judge_speed'")
    assert fresh_shop.run(health.judge_in_time, WORKER)
    assert len(judged) == 2


KIM = {"name": "Kim Miller", "email": "kim.miller@buyer.example"}
UNREADABLE = {
    "cart_state": "unreadable",
    "cart_raw": "Kim Miller",
    "why": "its cart cannot be read: Kim Miller has no quantity",
}
TOLD = {
    "a code that is a name": (Sale(lines=[("Kim Miller", 1)], more=KIM), "an unknown code"),
    "a code with the name in it": (Sale(lines=[("gift-for-miller-2", 1)], more=KIM), "an unknown code"),
    "a code of ours": (Sale(lines=[("HB-40", 9)], more=KIM), " HB-40"),
    "a code of theirs": (Sale(lines=[("OLD-77", 1)], more=KIM), " OLD-77"),
    "a number that is a name": (
        Sale(lines=[("HB-40", 9)], more=KIM | {"number": "Kim Miller 2"}), "Order 90.00 USD of "),
    "a number": (Sale(lines=[("HB-40", 9)], more=KIM | {"number": "WEB-1042"}), "Order WEB-1042: "),
    "a cart that cannot be read": (Sale(lines=[], more=KIM | UNREADABLE), "its cart cannot be read"),
    "a cart that is not there": (
        Sale(lines=[], more=KIM | {"cart_state": "absent", "why": "no cart of Kim Miller"}), "its cart was not found"),
}  # fmt: skip


@pytest.mark.parametrize(("sale", "said"), TOLD.values(), ids=TOLD.keys())
def test_nothing_of_a_buyer_leaves_the_house_with_a_case(fresh_shop: Shop, sale: Sale, said: str) -> None:
    fresh_shop.variant(1, sku="HB-40")
    sell(fresh_shop, sale)
    with hook() as team:
        fresh_shop.run(deliveries.save, "Ada", name="team", wishes=Wishes(min_severity="note"))
        assert tell(fresh_shop, {"team": team.url}) == (1, 0)
    (got,) = team.got
    assert said in got["message"]
    assert "kim" not in json.dumps(got).lower()
    assert "miller" not in json.dumps(got).lower()


@pytest.mark.parametrize("kind", [AlertKind.PROOF_FAILED])
def test_the_examples_of_a_proof_and_the_words_of_a_message_stay_in_the_house(
    fresh_shop: Shop, kind: AlertKind
) -> None:
    fresh_shop.run(
        system_alerts.open_alert, kind=kind, severity="urgent", cause="proof:R8", facts={},
        sentence="R8 fails: No urgent case waits too long. 1 found; first: Case 1 is open: Kim Miller; first: Kim",
    )  # fmt: skip
    fresh_shop.sql(
        """select stockroom_api.open_alerts(array[row ('import_error', 'urgent', 'event:1',
               'A Stripe message could not be processed: Kim Miller', '{}', null, null, null, null, 0, 0, null)
               ::stockroom_api.new_alert])"""
    )
    with hook() as team:
        assert tell(fresh_shop, {"team": team.url}) == (1, 0)
    said = team.got[0]["message"]
    assert "R8 fails: No urgent case waits too long. 1 found" in said
    assert "A Stripe message could not be processed" in said
    assert "Kim" not in str(team.got)
