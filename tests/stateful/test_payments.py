"""Payments, refunds, lost, doubled and late messages, killed workers: the shelf must agree with plain dicts."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.alerts import handling
from core.foundation.errors import (
    AlreadyReversed,
    DecidedMeanwhile,
    Forbidden,
    InsufficientStock,
    InvalidInput,
    RestoresTooMuch,
    StockError,
)
from core.foundation.sales import Disposition, MeaningKind
from core.inbox import applying, polling
from core.ledger import changes as ledger
from core.orders import cases, meanings, refund_reads, refunds, returns
from core.orders.meanings import Meaning
from core.proof import checks
from core.sandbox.books import Denied
from tests.stateful.till import Till
from tests.support.builders import Shop, key
from tests.support.crashing import Fate, Killed, doomed_engine

NUMBER = st.integers(0, 1_000)
SHOES = 3
CARTS = st.lists(st.tuples(st.integers(0, SHOES), st.integers(1, 4)), min_size=1, max_size=4)
HEARD = st.sampled_from(["webhook", "poll", "later"])
SHARE = st.sampled_from([0.0, 0.0, 0.5, 1.0])
DECISIONS = st.tuples(st.sampled_from([Disposition.RESTOCK, *Disposition]), st.integers(1, 3))
FATES = st.builds(Fate, st.integers(0, 16), after=st.booleans(), is_killed=st.booleans())


class Payments(RuleBasedStateMachine):
    """Buyers, Stripe, the worker and the people of the shop. `shop` is set by the test that runs it."""

    shop: Shop
    said: list[str]

    @initialize(levels=st.tuples(*[st.integers(0, 20)] * SHOES))
    def open_the_shop(self, levels: tuple[int, ...]) -> None:
        self.till = Till.open(self.shop, levels)
        self.account = self.till.stripe.account
        self.said.clear()

    def _hear(self, how: str) -> None:
        """The shop hears of it at once, by webhook or poll, or in its own time."""
        if how != "later":
            getattr(self.till.stripe, how)()
            self.till.stripe.work()

    # ------------------------------------------------------------ buyers

    @rule(picked=CARTS)
    def begin_to_pay(self, picked: list[tuple[int, int]]) -> None:
        cart = self.till.cart(picked)
        metadata = {"cart": json.dumps([{"sku": code, "quantity": units} for code, units in cart])}
        payment = self.account.open_payment(1000 * sum(units for _, units in cart), metadata=metadata)
        self.till.waiting[payment["id"]] = cart

    @rule(carts=st.lists(CARTS, min_size=1, max_size=3), how=HEARD)
    def pay_at_once(self, carts: list[list[tuple[int, int]]], how: str) -> None:
        for picked in carts:
            self.begin_to_pay(picked)
            self.finish_paying(-1, "succeed")
        self._hear(how)

    @precondition(lambda self: self.till.waiting)
    @rule(n=NUMBER, how=st.sampled_from(["succeed", "succeed", "cancel", "fail_try", "process"]))
    def finish_paying(self, n: int, how: str) -> None:
        payment_id = list(self.till.waiting)[n % len(self.till.waiting)]
        self.account.advance(1)
        {"succeed": self._succeed, "cancel": self.account.cancel}.get(how, getattr(self.account, how))(payment_id)
        if how == "cancel":
            del self.till.waiting[payment_id]
            self.till.sessions = {s: p for s, p in self.till.sessions.items() if p != payment_id}

    def _succeed(self, payment_id: str) -> None:
        session_id = next((s for s, p in self.till.sessions.items() if p == payment_id), None)
        if session_id is None:
            self.account.succeed(payment_id)
        else:
            self.account.settle(session_id)
            del self.till.sessions[session_id]
        self.till.paid[payment_id] = self.till.waiting.pop(payment_id)

    @rule(picked=CARTS, delayed=st.booleans(), how=HEARD)
    def check_out(self, picked: list[tuple[int, int]], delayed: bool, how: str) -> None:
        cart = self.till.cart(picked)
        session = self.account.checkout([(code, 1000, units) for code, units in cart], shipping=500)
        self.account.advance(1)
        payment_id = self.account.complete(session["id"], delayed=delayed)["payment_intent"]
        if delayed:
            self.till.waiting[payment_id], self.till.sessions[session["id"]] = cart, payment_id
        else:
            self.till.paid[payment_id] = cart
        self._hear(how)

    # ------------------------------------------------------------ money going back

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER, amount=st.sampled_from([None, 500, 1000]), how=HEARD, decisions=st.lists(DECISIONS, max_size=2))
    def refund(self, n: int, amount: int | None, how: str, decisions: list[tuple[Disposition, int]]) -> None:
        payment_id = list(self.till.paid)[n % len(self.till.paid)]
        self.account.advance(1)
        try:
            made = self.account.refund(payment_intent=payment_id, amount=amount)
        except Denied:
            return  # nothing is left to refund
        self.till.refunds[made["id"]] = "succeeded"
        self._hear(how)
        for what, units in decisions:
            self.decide(-1, (what, units))

    @precondition(lambda self: "succeeded" in self.till.refunds.values())
    @rule(n=NUMBER)
    def send_a_refund_back(self, n: int) -> None:
        arrived = [refund_id for refund_id, status in self.till.refunds.items() if status == "succeeded"]
        self.account.advance(1)
        self.account.fail_refund(arrived[n % len(arrived)])
        self.till.refunds[arrived[n % len(arrived)]] = "failed"

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER, won=st.booleans())
    def object_or_decide(self, n: int, won: bool) -> None:
        payment_id = list(self.till.paid)[n % len(self.till.paid)]
        disputes = self.till.disputes.setdefault(payment_id, {})
        self.account.advance(1)
        if disputes:
            self.account.close_dispute(next(iter(disputes)), won=won)
            disputes[next(iter(disputes))] = "won" if won else "lost"
        else:
            made = self.account.dispute(self.account.get("payment_intent", payment_id)["latest_charge"])
            disputes[made["id"]] = "needs_response"

    # ------------------------------------------------------------ messages and the worker

    @rule(duplicate=SHARE, drop=SHARE, shuffle=st.booleans(), thin=st.booleans(), seed=NUMBER)
    def deliver(self, **how: Any) -> None:
        self.till.stripe.webhook(**how)

    @rule()
    def poll(self) -> None:
        self.till.stripe.poll()

    @rule()
    def import_a_range(self) -> None:
        self.till.stripe.import_all(policy=None)

    @rule(limit=st.sampled_from([1, 3, 500]))
    def apply(self, limit: int) -> None:
        applying.apply_due(self.shop.engine, self.till.stripe.gateway, limit=limit)

    @rule(carts=st.lists(CARTS, min_size=1, max_size=3), fate=FATES, limit=st.sampled_from([2, 500]))
    def apply_and_die(self, carts: list[list[tuple[int, int]]], fate: Fate, limit: int) -> None:
        self.pay_at_once(carts, "later")
        self.till.stripe.webhook()
        self._die(fate, lambda engine: applying.apply_due(engine, self.till.stripe.gateway, limit=limit))

    @rule(fate=FATES)
    def poll_and_die(self, fate: Fate) -> None:
        self._die(fate, lambda engine: polling.poll(engine, self.till.stripe.gateway))

    def _die(self, fate: Fate, work: Callable[[Any], object]) -> None:
        engine = doomed_engine(self.shop.app_url, fate)
        try:
            work(engine)
        except (Killed, StockError):
            assert fate.struck
        finally:
            engine.dispose()
        self.till.give_back()

    # ------------------------------------------------------------ people

    @rule(n=st.integers(0, SHOES - 1), units=st.integers(1, 6))
    def receive(self, n: int, units: int) -> None:
        self.till.receive(list(self.till.skus)[n], units)

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER, by_force=st.booleans(), twice=st.booleans())
    def retry(self, n: int, by_force: bool, twice: bool) -> None:
        order_id = self.till.pick("o.id", n)
        values = {"order_id": order_id, "key": key()} | ({"note": "the last ones"} if by_force else {})
        operation = cases.ship_what_is_there if by_force else cases.retry_order
        if order_id:
            first = self.shop.run(operation, "Mia", **values)
            assert not twice or self.shop.run(operation, "Mia", **values) == first
            self.till.assert_nothing_fits(order_id)

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER, is_goods=st.booleans(), is_wrong=st.booleans())
    def say_what_a_code_means(self, n: int, is_goods: bool, is_wrong: bool) -> None:
        code = self.till.pick("l.code", n, "and l.state = 'failed' and l.variant_id is null")
        if code:
            self.receive(n % SHOES, 4)
            shoe = Meaning(kind=MeaningKind.VARIANT, variant_id=list(self.till.skus.values())[n % SHOES])
            meaning = shoe if is_goods else Meaning(kind=MeaningKind.NO_GOODS)
            known = self.shop.run(meanings.in_force, "Mia", codes=[code]).get(code)
            given = self.shop.run(
                meanings.give, "Mia", code=code, meaning=meaning, seen=known.meaning_id if known else None
            )
            for order_id in given.orders:
                self.shop.run(cases.retry_order, "Mia", order_id=order_id, key=key())
            if is_wrong:
                self._reopen(given.meaning_id)

    def _reopen(self, meaning_id: int) -> None:
        self.shop.run(meanings.end, "Mia", meaning_id=meaning_id)
        for order_id in self.shop.run(meanings.touched, "Mia", meaning_id=meaning_id):
            self.shop.run(meanings.reopen, "Mia", order_id=order_id, meaning_id=meaning_id, key=key())
            self.till.assert_nothing_fits(order_id)
        assert self.shop.run(meanings.touched, "Mia", meaning_id=meaning_id) == ()

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER)
    def give_up(self, n: int) -> None:
        alert_id = self.till.pick("a.id", n, "join stockroom.alerts a on a.order_id = o.id and a.state <> 'resolved'")
        if alert_id:
            self.shop.run(handling.resolve, "Mia", alert_ids=[alert_id], reason="the buyer does not mind")

    @precondition(lambda self: self.till.refunds)
    @rule(n=NUMBER, decision=DECISIONS, is_sure=st.booleans(), is_old=st.booleans())
    def decide(self, n: int, decision: tuple[Disposition, int], is_sure: bool = True, is_old: bool = False) -> None:
        refund_id = self.till.pick("r.id", n, "join stockroom.refunds r on r.order_id = o.id")
        if refund_id:
            where = f"join stockroom.refunds r on r.order_id = o.id and r.id = {refund_id}"
            line_id, order_id = self.till.pick("l.id", n, where), self.till.pick("o.id", n, where)
            decisions = [refunds.Decision(line_id=line_id, disposition=decision[0], quantity=decision[1])]
            self._decide(
                order_id, is_old, refunds.decide, refund_id=refund_id, decisions=decisions, is_confirmed=is_sure
            )

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER, condition=st.sampled_from(returns.CONDITIONS), units=st.integers(1, 3), is_old=st.booleans())
    def goods_come_back(self, n: int, condition: Disposition, units: int, is_old: bool) -> None:
        order_id = self.till.pick("o.id", n)
        if order_id:
            line_id = self.till.pick("l.id", n, f"and o.id = {order_id}")
            goods = [returns.CameBack(line_id=line_id, condition=condition, quantity=units)]
            self._decide(order_id, is_old, returns.take_in, order_id=order_id, goods=goods, reason="exchange")

    def _decide(self, about: int, is_old: bool, operation: Any, **values: Any) -> None:
        """Decide on a page that is opened now, or on the one of the decision before, which is refused if it is old."""
        now = self.shop.run(refund_reads.seen_of, "Mia", order_id=about)
        seen = self.till.pages.get(about, now) if is_old else now
        self.till.pages[about] = now
        try:
            self.shop.run(operation, "Mia", **values, key=key(), seen=seen)
        except DecidedMeanwhile:
            assert seen != now
        except (RestoresTooMuch, InvalidInput):
            assert seen == now
        else:
            assert seen == now, "what was decided meanwhile is decided once"

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER, who=st.sampled_from(["Sam", "Mia"]))
    def take_back(self, n: int, who: str) -> None:
        more = (
            "join stockroom.refund_decisions d on d.line_id = l.id join stockroom.operations p on p.id = d.operation_id"
        )
        decided = self.till.pick("p.key", n, more)
        if decided:
            with contextlib.suppress(AlreadyReversed, InsufficientStock, Forbidden):
                self.shop.run(returns.take_back, who, decided=decided, key=key())
                assert who == "Mia", "she made them all"

    @precondition(lambda self: self.till.paid)
    @rule(n=NUMBER)
    def undo(self, n: int) -> None:
        movement_id = self.till.pick("m.movement_id", n, "join stockroom_api.line_movements m on m.line_id = l.id")
        if movement_id:
            refusals = (AlreadyReversed, RestoresTooMuch, InsufficientStock, InvalidInput)
            self._try(refusals, ledger.undo, movement_ids=[movement_id], key=key(), note="a slip")

    def _try(self, refusals: tuple[type[StockError], ...], operation: Any, **values: Any) -> None:
        with contextlib.suppress(*refusals):  # and nothing has moved then: the invariants see to that
            self.shop.run(operation, "Mia", **values)

    # ------------------------------------------------------------ what must hold

    @invariant()
    def the_shelf_and_every_order_agree_with_the_model(self) -> None:
        if hasattr(self, "till"):
            self.till.assert_levels()
            self.till.assert_orders()
            assert self.said == []

    def teardown(self) -> None:
        """Check that the poll brings lost messages, a range import adds nothing, and the ledger is intact."""
        if hasattr(self, "till"):
            self.till.give_back()
            for ask in (self.till.stripe.poll, self.till.stripe.import_all):
                ask()
                self.till.stripe.work()
                self.the_shelf_and_every_order_agree_with_the_model()
                self.till.assert_whole()
            assert all(check.holds for check in self.shop.run(checks.run_checks))
            assert self.shop.sql("select count(*) from stockroom_api.shelf_lines where unexplained <> 0") == 0


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The errors that the shop logs."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("stockroom").addHandler(handler)
    yield found
    logging.getLogger("stockroom").removeHandler(handler)


def test_whatever_happens_to_money_and_messages_the_shelf_agrees_with_plain_dicts(
    embedded_shop: Shop, said: list[str]
) -> None:
    machine = type("PaymentsOfThisShop", (Payments,), {"shop": embedded_shop, "said": said})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
