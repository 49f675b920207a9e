"""Sending alerts: over real HTTP and SMTP, bundled, outside quiet hours, and past dead destinations."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.alerts import deliveries, notifier
from core.alerts import system as system_alerts
from core.alerts.deliveries import Wishes
from core.alerts.notifier import Message
from core.foundation.errors import DeliveryFailed, Forbidden, InvalidInput
from core.foundation.sales import AlertKind
from tests.support.builders import ZONE, Shop, key
from tests.support.receivers import hook, mailbox, socket_free

GO = threading.Event()


def open_case(
    shop: Shop, cause: str = "job:poll", severity: str = "warning", sentence: str = "A job stands still"
) -> None:
    shop.run(system_alerts.open_alert, kind=AlertKind.JOB_STALLED, severity=severity, cause=cause,
             sentence=sentence, facts={})  # fmt: skip


def tell(shop: Shop, addresses: Mapping[str, str], **more: Any) -> tuple[int, int]:
    shop.run(deliveries.bundle, names=list(addresses), **more)
    return deliveries.send_due(shop.engine, addresses, GO)


def test_a_new_case_is_sent_once_with_a_link_and_without_an_address_of_a_buyer(fresh_shop: Shop) -> None:
    with hook() as team:
        open_case(fresh_shop, sentence="The order of kim@shop.example waits")
        assert tell(fresh_shop, {"team": team.url}, public_url="https://stock.example") == (1, 0)
        open_case(fresh_shop, sentence="The order of kim@shop.example waits")
        assert tell(fresh_shop, {"team": team.url}) == (0, 0)
    (got,) = team.got
    assert "The order of (an address) waits" in got["title"]
    assert "https://stock.example/alerts?alert=" in got["message"]
    assert "kim@" not in str(got)


def test_a_case_is_sent_again_when_it_becomes_more_severe(fresh_shop: Shop) -> None:
    with hook() as team:
        open_case(fresh_shop, severity="note")
        assert tell(fresh_shop, {"team": team.url}) == (0, 0), "below its minimum severity"
        open_case(fresh_shop, severity="urgent")
        assert tell(fresh_shop, {"team": team.url}) == (1, 0)
    assert "Urgent" in team.got[0]["title"]


def test_a_thousand_cases_at_once_are_one_message(fresh_shop: Shop) -> None:
    fresh_shop.sql(
        """select stockroom_api.open_alerts(array_agg(row ('job_stalled', 'warning', 'x:' || n, 'Case ' || n, '{}',
                  null, null, null, null, 1, 100, 'usd')::stockroom_api.new_alert)) from generate_series(1, 1000) n"""
    )
    with hook() as team:
        assert tell(fresh_shop, {"team": team.url}) == (1, 0)
    assert "1,000 cases" in team.got[0]["title"]
    assert "And 980 more." in team.got[0]["message"]
    assert fresh_shop.sql("select count(*) from stockroom.delivery_alerts") == 1000


def test_what_was_resolved_while_it_waited_is_left_out(fresh_shop: Shop) -> None:
    with hook() as team:
        open_case(fresh_shop)
        fresh_shop.run(system_alerts.resolve, cause="job:poll", resolution="It runs")
        assert tell(fresh_shop, {"team": team.url}) == (0, 0)


def test_a_dead_destination_is_retried_later_and_delays_no_other(fresh_shop: Shop) -> None:
    with socket_free() as port:
        dead = f"json://127.0.0.1:{port}/hush"
    with hook() as team, hook(503) as busy, hook(404) as gone:
        open_case(fresh_shop)
        addresses = {"dead": dead, "busy": busy.url, "gone": gone.url, "team": team.url}
        assert tell(fresh_shop, addresses) == (1, 3)
        assert len(team.got) == 1
    states = dict(
        tuple(row)
        for row in fresh_shop.rows("select destination, state from stockroom.deliveries where state <> 'sent'")
    )
    assert states == {"dead": "waiting", "busy": "waiting", "gone": "failed"}
    alert_id = fresh_shop.sql("select id from stockroom.alerts")
    shown = {sent.destination: sent for sent in fresh_shop.run(deliveries.of_alert, "Wanda", alert_id=alert_id)}
    assert shown["busy"].why == "It answered with an error (503)."
    assert "hush" not in str(shown)


def test_a_destination_that_comes_back_gets_what_it_missed(fresh_shop: Shop) -> None:
    with hook(503) as team:
        open_case(fresh_shop)
        assert tell(fresh_shop, {"team": team.url}) == (0, 1)
        team.status = 200
        assert tell(fresh_shop, {"team": team.url}) == (0, 0), "not before its time"
        fresh_shop.sql("update stockroom.deliveries set due_at = now()")
        assert tell(fresh_shop, {"team": team.url}) == (1, 0)


def test_a_destination_that_sends_elsewhere_has_not_got_the_message(fresh_shop: Shop) -> None:
    with hook(302) as team:
        open_case(fresh_shop)
        assert tell(fresh_shop, {"team": team.url}) == (0, 1)
        assert len(team.got) == 1, "what follows a redirect arrives empty"
    assert fresh_shop.sql("select why from stockroom.deliveries") == "It answered with an error (302)."


@pytest.mark.slow
def test_two_workers_at_once_send_nothing_twice(fresh_shop: Shop) -> None:
    for _ in range(20):
        enqueue_order(fresh_shop)
    with mailbox() as post:
        start = threading.Barrier(2)

        def work() -> int:
            start.wait()
            return deliveries.send_due(fresh_shop.engine, {"orders": post.url}, GO)[0]

        with ThreadPoolExecutor(2) as pool:
            sent = [done.result() for done in [pool.submit(work), pool.submit(work)]]
    assert sum(sent) == len(post.got) == 20


def enqueue_order(shop: Shop) -> None:
    shop.sql(
        "select stockroom_api.enqueue_delivery(:key, 'order', 'orders', 'kim@shop.example', 'Your order', 'Two shoes')",
        key=key(),
    )


def test_an_order_confirmation_is_mailed_to_its_buyer_alone(fresh_shop: Shop) -> None:
    enqueue_order(fresh_shop)
    with mailbox() as post:
        assert deliveries.send_due(fresh_shop.engine, {"orders": post.url}, GO) == (1, 0)
    ((recipients, mail),) = post.got
    assert recipients == ["kim@shop.example"]
    assert mail["Subject"] == "Your order"
    assert "Two shoes" in mail.as_string()


def test_alerts_go_by_mail_too(fresh_shop: Shop) -> None:
    open_case(fresh_shop)
    with mailbox() as post:
        assert tell(fresh_shop, {"duty": post.url}) == (1, 0)
    assert post.got[0][0] == ["duty@shop.example"]


NIGHT = Wishes(quiet_from=time(22), quiet_until=time(7))


@pytest.mark.parametrize(
    ("wishes", "severity", "at", "due"),
    [
        (NIGHT, "warning", "2026-06-10 12:00", "2026-06-10 12:00"),
        (NIGHT, "warning", "2026-06-10 23:30", "2026-06-11 07:00"),
        (NIGHT, "warning", "2026-06-11 06:59", "2026-06-11 07:00"),
        (NIGHT, "urgent", "2026-06-10 23:30", "2026-06-10 23:30"),
        (NIGHT, "warning", "2026-09-26 23:30", "2026-09-27 07:00"),  # clocks go forward in that night
        (NIGHT, "warning", "2026-04-04 23:30", "2026-04-05 07:00"),  # and back in this one
        (Wishes(quiet_from=time(12), quiet_until=time(13)), "note", "2026-06-10 12:30", "2026-06-10 13:00"),
        (Wishes(digest="hour"), "warning", "2026-06-10 12:20", "2026-06-10 13:00"),
        (Wishes(digest="day"), "warning", "2026-06-10 07:20", "2026-06-10 08:00"),
        (Wishes(digest="day"), "warning", "2026-06-10 08:00", "2026-06-11 08:00"),
        (Wishes(digest="day", urgent_passes=False), "urgent", "2026-06-10 12:20", "2026-06-11 08:00"),
    ],
)
def test_quiet_hours_and_digests_are_those_of_the_shops_clock(
    shop: Shop, wishes: Wishes, severity: str, at: str, due: str
) -> None:
    name = f"d{key()[:10]}"
    shop.run(deliveries.save, "Ada", name=name, wishes=wishes)
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(ZONE))
    found = shop.sql(
        "select stockroom_api.due_for(d, :severity, :at, :zone) from stockroom.destinations d where name = :name",
        severity=severity, at=moment, zone=ZONE, name=name,
    )  # fmt: skip
    assert found == datetime.fromisoformat(due).replace(tzinfo=ZoneInfo(ZONE))


def test_a_digest_is_one_message_of_what_opened_meanwhile(fresh_shop: Shop) -> None:
    fresh_shop.run(deliveries.save, "Ada", name="mia", wishes=Wishes(digest="day"))
    with hook() as mia:
        for cause in ("a", "b"):
            open_case(fresh_shop, cause)
            assert tell(fresh_shop, {"mia": mia.url}) == (0, 0)
        fresh_shop.sql("update stockroom.alert_waits set due_at = now()")
        assert tell(fresh_shop, {"mia": mia.url}) == (1, 0)
    assert "2 cases" in mia.got[0]["title"]


def test_only_an_admin_changes_the_settings_of_a_destination(shop: Shop) -> None:
    with pytest.raises(Forbidden):
        shop.run(deliveries.save, "Mia", name="team", wishes=Wishes())
    with pytest.raises(InvalidInput, match="Quiet hours"):
        shop.run(deliveries.save, "Ada", name="team", wishes=Wishes(quiet_from=time(7)))


def test_neither_failure_nor_log_repeats_an_address(written: io.StringIO) -> None:
    with socket_free() as port:
        dead = f"json://mia:hush@127.0.0.1:{port}/hush"
    for url in (dead, "nosuch://hush"):
        with pytest.raises(DeliveryFailed) as problem:
            notifier.send(url, Message(title="A", body="B"))
        assert "hush" not in problem.value.message
        assert "hush" not in notifier.describe(url)
    logging.getLogger("stockroom").warning("The log is on")
    assert "The log is on" in written.getvalue()
    assert "hush" not in written.getvalue()
