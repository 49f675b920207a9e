"""Messages to /webhook/stripe: stored once and unchanged, or refused with the right status."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from core.alerts import system as system_alerts
from core.database import engine as database
from core.foundation.errors import InvalidInput
from core.foundation.sales import AlertKind
from core.inbox import messages as inbox
from core.inbox import polling
from core.people.accounts import SignedIn
from core.stripe.gateway import sign
from dashboard.door import intake, post, webhook
from dashboard.door.gate import AuthGate
from tests.stripe.account import StripeAccount
from tests.support.builders import Shop

OLD, NEW = "whsec_TheOldSecret", "whsec_TheNewSecret"
AWAY = "postgresql+psycopg://stockroom_app@/shop?host=/nowhere"
Answers = list[httpx.Response]


async def nobody(token: str) -> SignedIn | None:
    return None


@dataclass
class Door:
    """The webhook of a dashboard behind its gate, and Stripe before it."""

    shop: Shop
    secrets: Sequence[str] = (OLD, NEW)
    account: StripeAccount = field(default_factory=StripeAccount)
    engine: Engine | None = None

    def visit(self, what: Callable[[httpx.AsyncClient], Coroutine[Any, Any, Answers]]) -> Answers:
        """Call the webhook, then wait for the tasks it started."""

        async def go() -> Answers:
            async with self._opened() as client:
                return await what(client)

        return asyncio.run(go())

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[httpx.AsyncClient]:
        door = webhook.StripeDoor(engine=lambda: self.engine or self.shop.engine, secrets=lambda: self.secrets)
        app = Starlette(
            routes=[Route("/webhook/stripe", door.answer, methods=post.ALL_METHODS)],
            middleware=[Middleware(AuthGate, find_session=nobody)],
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://shop.example") as client:
            yield client
        await door.close()

    def post(self, *messages: tuple[bytes, str | None]) -> Answers:
        """Post messages with their signatures one after another."""

        async def each(client: httpx.AsyncClient) -> Answers:
            return [await send(client, body, signature) for body, signature in messages]

        return self.visit(each)

    def paid(self, times: int = 1, **how: Any) -> list[bytes]:
        """Make payments; returns Stripe's messages about them."""
        for _ in range(times):
            self.account.pay(9000)
        return [body for body, _ in self.account.deliveries(**how)]

    def deliver(self, bodies: Sequence[bytes], secret: str = NEW) -> Answers:
        """Deliver messages one after another, signed."""
        return self.post(*((body, sign(body, secret)) for body in bodies))

    def deliver_at_once(self, bodies: Sequence[bytes]) -> list[int]:
        """Deliver messages all at the same moment; returns the statuses, in their order."""

        async def crowd(client: httpx.AsyncClient) -> Answers:
            return list(await asyncio.gather(*(send(client, body, sign(body, NEW)) for body in bodies)))

        return statuses(self.visit(crowd))

    def stored(self) -> list[Any]:
        """The inbox, oldest first."""
        return self.shop.rows("select * from stockroom.stripe_events order by id")

    def cases(self) -> list[tuple[str, str]]:
        """The cases about bad signatures: state and by whom resolved."""
        rows = self.shop.rows("select state, coalesce(resolved_by, '') as who from stockroom.alerts order by id")
        return [(row.state, row.who) for row in rows]


async def send(client: httpx.AsyncClient, body: bytes, signature: str | None) -> httpx.Response:
    headers = {} if signature is None else {"stripe-signature": signature}
    return await client.post("/webhook/stripe", content=body, headers=headers)


@pytest.fixture
def door(embedded_shop: Shop) -> Door:
    return Door(embedded_shop)


def statuses(answers: Answers) -> list[int]:
    return [answer.status_code for answer in answers]


# ---------------------------------------------------------------- taken


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_a_payment_is_stored_as_it_came_under_either_secret_of_a_rolled_pair(door: Door, secret: str) -> None:
    bodies = door.paid()
    assert set(statuses(door.deliver(bodies, secret))) == {200}
    assert [row.body for row in door.stored()] == [body.decode() for body in bodies]
    row = next(row for row in door.stored() if row.kind == "payment_intent.succeeded")
    assert (row.payment_id, row.source, row.state) == (row.object_id, "webhook", "new")
    assert row.payment_id.startswith("pi_")


def test_storing_moves_no_stock_and_asks_a_worker_to_apply(door: Door) -> None:
    shoe = door.shop.variant(5, sku="TEE-M")
    door.account.pay(1000, metadata={"cart": '[{"sku": "TEE-M", "quantity": 1}]'})
    door.deliver(door.paid(0))
    assert door.shop.on_hand(shoe) == 5
    assert door.shop.rows("select task_name, status from procrastinate.procrastinate_jobs") == [("apply_inbox", "todo")]


def test_a_message_delivered_again_is_stored_once_and_answered_200_again(door: Door) -> None:
    bodies = door.paid()
    assert set(statuses(door.deliver([*bodies, *bodies]))) == {200}
    assert len(door.stored()) == len(bodies)


def test_a_thin_event_is_stored_and_tells_which_object_must_be_fetched(door: Door) -> None:
    assert set(statuses(door.deliver(door.paid(thin=True)))) == {200}
    thin = next(row for row in door.stored() if row.kind == "payment_intent.succeeded")
    assert thin.object_id.startswith("pi_")


def test_two_hundred_messages_at_once_are_each_stored_once_in_a_few_statements(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    receive = inbox.receive

    def counted(*context: Any, messages: Any) -> int:
        groups.append(len(messages))
        return receive(*context, messages=messages)

    monkeypatch.setattr(inbox, "receive", counted)
    bodies = door.paid(100, duplicate=1)[:200]
    assert len(bodies) == 200
    assert door.deliver_at_once(bodies) == [200] * 200
    assert sorted(row.body for row in door.stored()) == sorted({body.decode() for body in bodies})
    assert sum(groups) == 200
    assert len(groups) <= 20


def test_after_a_200_the_row_is_committed(door: Door) -> None:
    async def one(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
        answer = await send(client, body, sign(body, NEW))
        assert door.shop.sql("select count(*) from stockroom.stripe_events where body = :body", body=body.decode()) == 1
        return answer

    bodies = door.paid(10)

    async def at_once(client: httpx.AsyncClient) -> Answers:
        return list(await asyncio.gather(*(one(client, body) for body in bodies)))

    assert set(statuses(door.visit(at_once))) == {200}


def test_a_message_whose_payment_cannot_be_read_is_stored_anyway(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(event: Any) -> str | None:
        raise ZeroDivisionError

    monkeypatch.setattr(polling, "about", stumble)
    assert set(statuses(door.deliver(door.paid()))) == {200}
    assert {row.payment_id for row in door.stored()} == {None}


def test_one_message_that_cannot_be_stored_does_not_keep_its_neighbours_out(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = door.paid(10)
    receive = inbox.receive

    def stumble(*context: Any, messages: Any) -> int:
        if any(message.body == bodies[7].decode() for message in messages):
            raise ZeroDivisionError
        return receive(*context, messages=messages)

    monkeypatch.setattr(inbox, "receive", stumble)
    answers = door.deliver_at_once(bodies)
    assert answers == [500 if n == 7 else 200 for n in range(len(bodies))]
    assert len(door.stored()) == len(bodies) - 1


# ---------------------------------------------------------------- refused


def an_event() -> bytes:
    account = StripeAccount()
    account.pay(9000)
    return next(account.deliveries())[0]


BODY = an_event()
REFUSED: dict[str, tuple[bytes, str | None]] = {
    "no signature": (BODY, None),
    "an empty one": (BODY, ""),
    "junk": (BODY, "t=1,v1=zz,=,,;"),
    "somebody else's secret": (BODY, sign(BODY, "whsec_NotOurs")),
    "signed six minutes ago": (BODY, sign(BODY, NEW, time.time() - 360)),
    "changed on the way": (BODY.replace(b"9000", b"9001"), sign(BODY, NEW)),
    "no JSON": (b"paid: yes", sign(b"paid: yes", NEW)),
    "no object": (b"[1, 2]", sign(b"[1, 2]", NEW)),
    "no event": (b'{"object": "event"}', sign(b'{"object": "event"}', NEW)),
    "no text": (b"\xff\xfe", "t=1,v1=00"),
}


@pytest.mark.parametrize("message", REFUSED.values(), ids=REFUSED)
def test_what_is_no_message_of_stripes_gets_400_and_is_not_stored(door: Door, message: tuple[bytes, str]) -> None:
    answer = door.post(message)[0]
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert door.stored() == []


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_message_that_is_too_large_gets_413_before_it_is_read(door: Door, is_announced: bool) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 100_000

    async def large(client: httpx.AsyncClient) -> Answers:
        headers = {"stripe-signature": "t=1,v1=00"} | ({"content-length": "10000000"} if is_announced else {})
        return [await client.post("/webhook/stripe", content=chunks(), headers=headers)]

    assert statuses(door.visit(large)) == [413]
    assert door.stored() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_there_is_nothing_to_see_at_the_webhook(door: Door, method: str) -> None:
    async def ask(client: httpx.AsyncClient) -> Answers:
        return [await client.request(method, "/webhook/stripe")]

    answer = door.visit(ask)[0]
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_nothing_but_the_webhook_is_public_and_no_page_of_another_site_may_post(door: Door) -> None:
    async def ask(client: httpx.AsyncClient) -> Answers:
        paths = ("/webhook/stripe/", "/webhook", "/webhook/stripe/x", "/Webhook/stripe")
        return [await client.post(path, content=b"x") for path in paths] + [
            await client.post("/webhook/stripe", content=b"x", headers={"origin": "https://evil.example"})
        ]

    assert statuses(door.visit(ask)) == [401, 401, 401, 401, 403]


# ---------------------------------------------------------------- come again


def test_without_the_database_stripe_is_asked_to_come_again(door: Door) -> None:
    door.engine = database.create_engine(AWAY)
    answer = door.post((BODY, sign(BODY, NEW)))[0]
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    door.engine.dispose()
    door.engine = None
    assert statuses(door.post((BODY, sign(BODY, NEW)))) == [200]


def test_a_shop_without_a_secret_asks_stripe_to_come_again(door: Door) -> None:
    door.secrets = ()
    answer = door.post((BODY, sign(BODY, NEW)))[0]
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert door.stored() == []


def test_when_more_wait_than_can_be_stored_in_time_the_rest_is_asked_to_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_WAITING", 10)
    answers = door.deliver_at_once(door.paid(30))
    assert set(answers) == {200, 503}
    assert len(door.stored()) == answers.count(200)


def test_an_insert_that_hangs_does_not_hold_stripe_up_for_ever(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "PATIENCE", 0.1)
    receive = inbox.receive

    def slow(*context: Any, messages: Any) -> int:
        time.sleep(0.3)
        return receive(*context, messages=messages)

    monkeypatch.setattr(inbox, "receive", slow)
    assert statuses(door.post((BODY, sign(BODY, NEW)))) == [503]
    assert len(door.stored()) == 1


# ---------------------------------------------------------------- an eye on who knocks


BAD = (BODY, sign(BODY, "whsec_NotOurs"))


def test_the_fifth_bad_signature_opens_one_case_and_a_good_one_resolves_it(door: Door) -> None:
    door.post(*[BAD] * 4)
    assert door.cases() == []
    door.post(*[BAD] * 5)
    assert door.cases() == [("open", "")]
    door.post(*[BAD] * 15)  # in another process, which tells of it once, too
    row = door.shop.rows("select * from stockroom.alerts")[0]
    assert (row.kind, row.cause, row.seen) == (AlertKind.BAD_SIGNATURE, webhook.BAD_CAUSE, 2)
    assert "STRIPE_WEBHOOK_SECRET" in row.sentence
    door.post((BODY, sign(BODY, NEW)))
    assert door.cases() == [("resolved", "Stockroom")]


def test_bad_signatures_over_a_long_time_or_between_good_ones_are_no_case(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = (BODY, sign(BODY, NEW))
    door.post(*[BAD] * 4, good, *[BAD] * 4)
    assert door.cases() == []
    monkeypatch.setattr(webhook, "BAD_SECONDS", 0.0)
    door.post(*[BAD] * 6)
    assert door.cases() == []


def test_only_cases_about_the_machinery_are_opened_and_resolved_this_way(fresh_shop: Shop) -> None:
    case: dict[str, Any] = {"severity": "urgent", "sentence": "Something is wrong", "facts": {}}
    with pytest.raises(InvalidInput, match="not about the installation itself"):
        fresh_shop.run(system_alerts.open_alert, kind=AlertKind.INSUFFICIENT_STOCK, cause="order:pi_1", **case)
    fresh_shop.sql(
        """insert into stockroom.alerts (kind, severity, cause, sentence)
           values ('insufficient_stock', 'urgent', 'order:pi_1', 'Short')"""
    )
    for _ in range(2):
        fresh_shop.run(system_alerts.open_alert, kind=AlertKind.JOB_STALLED, cause="job:poll", **case)
    for cause in ("order:pi_1", "job:poll", "job:none"):
        fresh_shop.run(system_alerts.resolve, cause=cause, resolution="It is gone.")
    rows = fresh_shop.rows("select cause, state, seen from stockroom.alerts order by id")
    assert [tuple(row) for row in rows] == [("order:pi_1", "open", 1), ("job:poll", "resolved", 2)]


def test_no_log_holds_what_a_message_says_nor_its_signature_nor_a_secret(
    door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bad, good = sign(BODY, "whsec_NotOurs"), sign(BODY, NEW)
    door.post(*[(BODY, bad)] * 6, (BODY, good), (b"buyer@shop.example", sign(b"buyer@shop.example", NEW)))
    door.shop.sql("alter table stockroom.stripe_events add constraint broken check (length(body) < 1) not valid")
    broken = BODY.replace(b"evt_", b"evt_broken")
    door.post((broken, sign(broken, NEW)))
    assert "could not be stored" in caplog.text
    signatures = [header.partition("v1=")[2] for header in (good, bad)]
    for secret in ("buyer@shop.example", "Casey", "evt_broken", OLD, NEW, *signatures):
        assert secret not in caplog.text


def test_what_an_error_of_the_database_says_repeats_no_value_that_was_sent(fresh_shop: Shop) -> None:
    with fresh_shop.engine.connect() as connection:
        with pytest.raises(DBAPIError) as direct:
            database.call(connection, "select %(email)s, 1 / 0", {"email": "buyer@shop.example"})
        connection.rollback()
        with pytest.raises(DBAPIError) as composed:
            connection.execute(text("select cast(:email as text), 1 / 0"), {"email": "buyer@shop.example"})
    for error in (direct.value, composed.value):
        assert "division by zero" in str(error)
        assert "buyer" not in str(error)
