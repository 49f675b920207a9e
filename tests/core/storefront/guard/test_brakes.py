"""What stops the Stripe guard: the kill switch in the middle of a run, the brake, a lost answer, a dead worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from core.database.engine import run
from core.foundation.errors import StripeRefused, Unavailable
from core.foundation.sales import AlertKind
from core.inbox.messages import WORKER
from core.sandbox.objects import Json
from core.storefront.guard import keeping, setting, working
from core.storefront.guard.setting import Act, Mode
from tests.core.storefront.guard.guarding import Guarded
from tests.support.builders import Shop


def many_links(shop: Shop, count: int) -> tuple[Guarded, list[Json]]:
    """Return a guard that is on, with links that all sell what is out."""
    guarded = Guarded(shop)
    shop.variant(0, sku="SHOE")
    links = [guarded.account.link([("SHOE", 2500, 1)]) for _ in range(count)]
    guarded.set(Mode.ON)
    return guarded, links


def test_the_kill_switch_is_valid_in_the_middle_of_a_run(fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded, links = many_links(fresh_shop, 5)
    ask = guarded.gateway.switch_link

    def switch_link(link_id: str, *, key: str, active: bool, metadata: Mapping[str, str]) -> Json:
        answer = ask(link_id, key=key, active=active, metadata=metadata)
        if len(guarded.writes()) == 2:
            guarded.set(Mode.OFF)
        return answer

    monkeypatch.setattr(guarded.gateway, "switch_link", switch_link)
    assert guarded.work() == ["Deactivated 2 Payment Links, activated 0, and expired 0 Checkout Sessions."]
    assert [guarded.is_active(link) for link in links].count(False) == 2
    assert guarded.work() == []
    guarded.set(Mode.ON)
    guarded.work()
    assert not any(map(guarded.is_active, links)), "what was left is done when it is on again"


def test_the_brake_stops_a_storm_with_a_case_for_a_person(fresh_shop: Shop) -> None:
    guarded, links = many_links(fresh_shop, 5)
    guarded.set(Mode.ON, most=3)
    guarded.work()
    assert (len(guarded.writes()), [guarded.is_active(link) for link in links].count(False)) == (3, 3)
    found = fresh_shop.run(setting.setting, "Ada")
    assert (found.mode, found.most_per_hour) == (Mode.OFF, 3)
    assert found.stopped_why == (
        "The Stripe guard stopped: it made 3 changes at Stripe within an hour, as many as it may."
    )
    cases = fresh_shop.rows("select kind, severity, state from stockroom.alerts where kind = 'guard_stopped'")
    assert [tuple(case) for case in cases] == [(AlertKind.GUARD_STOPPED, "urgent", "open")]
    assert guarded.work() == []
    guarded.set(Mode.ON)
    guarded.work()
    assert not any(map(guarded.is_active, links)), "a person has looked, and the count begins again"
    assert fresh_shop.sql("select state from stockroom.alerts where kind = 'guard_stopped'") == "resolved"


def test_a_dry_run_has_no_brake(fresh_shop: Shop) -> None:
    guarded, _ = many_links(fresh_shop, 3)
    guarded.set(Mode.DRY, most=1)
    guarded.work()
    assert [act for act, _, _ in guarded.record()] == ["deactivate"] * 3


def test_an_act_whose_answer_was_lost_is_looked_up_and_not_done_twice(fresh_shop: Shop) -> None:
    guarded, (link,) = many_links(fresh_shop, 1)
    guarded.fake.lost = 5
    with pytest.raises(Unavailable):
        guarded.work()
    assert [state for _, _, state in guarded.record()] == ["asked"]
    assert not guarded.is_active(link), "Stripe did it, only its answer was lost"
    guarded.fake.lost = 0
    guarded.work()
    assert [state for _, _, state in guarded.record()] == ["done"]
    shoe = fresh_shop.sql("select id from public.product_variants")
    fresh_shop.adjust(shoe, 1)
    guarded.work()
    assert guarded.is_active(link)


def test_a_worker_killed_before_its_request_claims_no_link_that_a_person_deactivated(fresh_shop: Shop) -> None:
    guarded, (link,) = many_links(fresh_shop, 1)
    begun: dict[str, Any] = {"mode": Mode.ON, "act": Act.DEACTIVATE, "object_id": link["id"], "found": [], "asked": ""}
    run(fresh_shop.engine, keeping.begin_act, WORKER, **begun)  # and here the worker dies
    guarded.account.switch(link["id"], active=False)  # a person, meanwhile
    guarded.work()
    assert [state for _, _, state in guarded.record()] == ["lost"]
    fresh_shop.adjust(fresh_shop.sql("select id from public.product_variants"), 1)
    guarded.work()
    assert not guarded.is_active(link)


def test_a_session_that_is_paid_meanwhile_is_noted_as_refused(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = Guarded(fresh_shop)
    fresh_shop.variant(0, sku="SHOE")
    session = guarded.account.checkout([("SHOE", 2500, 1)])
    guarded.set(Mode.ON)
    ask = guarded.gateway.expire_session

    def expire_session(session_id: str, *, key: str) -> Json:
        guarded.account.complete(session_id)
        return ask(session_id, key=key)

    monkeypatch.setattr(guarded.gateway, "expire_session", expire_session)
    guarded.work()
    (noted,) = guarded.notes()
    assert (noted.state, guarded.status(session)) == ("refused", "complete")
    assert "has a status of `complete`" in str(noted.answer)


def test_a_key_that_may_not_write_ends_the_run_and_the_page_says_what_it_needs(fresh_shop: Shop) -> None:
    guarded, links = many_links(fresh_shop, 3)
    guarded.fake.denied = {"rak_payment_link_write"}
    with pytest.raises(StripeRefused, match="may not write Payment Links"):
        guarded.work()
    assert (len(guarded.writes()), all(map(guarded.is_active, links))) == (1, True)
    assert "rak_payment_link_write" in str(fresh_shop.run(setting.setting, "Ada").trouble)


def test_a_worker_that_stops_asks_nothing_more_and_the_next_one_goes_on(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded, links = many_links(fresh_shop, 3)
    guarded.stopping.set()
    assert (guarded.work(), guarded.fake.asked) == ([], [])
    guarded.stopping.clear()
    ask = guarded.gateway.switch_link

    def switch_link(link_id: str, *, key: str, active: bool, metadata: Mapping[str, str]) -> Json:
        guarded.stopping.set()
        return ask(link_id, key=key, active=active, metadata=metadata)

    monkeypatch.setattr(guarded.gateway, "switch_link", switch_link)
    guarded.work()
    assert len(guarded.writes()) == 1
    monkeypatch.undo()
    guarded.stopping.clear()
    guarded.work()
    assert not any(map(guarded.is_active, links))


def test_a_look_that_is_stopped_goes_on_with_what_it_has_not_read(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded, links = many_links(fresh_shop, 4)
    monkeypatch.setattr(working, "AT_ONCE", 1)
    read = guarded.gateway.link_items
    asked: list[str] = []

    def link_items(link_id: str) -> list[Json]:
        asked.append(link_id)
        if len(asked) == 2:
            guarded.stopping.set()
        return read(link_id)

    monkeypatch.setattr(guarded.gateway, "link_items", link_items)
    guarded.work()
    guarded.stopping.clear()
    guarded.work()
    assert sorted(asked) == sorted(link["id"] for link in links), "each was read once"
    assert not any(map(guarded.is_active, links))
    fresh_shop.sql("update stockroom.guard_objects set read_at = now() - interval '1 hour'")
    fresh_shop.sql("update stockroom.guard set looked_at = null")
    for link in links:
        guarded.account.switch(link["id"], active=True)
    guarded.work()
    assert len(asked) == 8, "once an hour all are read again"
