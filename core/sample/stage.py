"""Performs the steps of the story that happen at Stripe, on the sandbox's account, at the clock of their moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from core.sample.story import Kind
from core.sandbox.account import StripeAccount

Step = Mapping[str, Any]
REFUND, DISPUTE = "/refund", "/dispute"


class Stage:
    """The account during a part of the story. `names`: what the story calls its objects, with their ids at Stripe."""

    def __init__(self, account: StripeAccount, names: dict[str, str]) -> None:
        self.account = account
        self.names = names
        self.new: dict[str, str] = {}
        """The names that later steps use."""

    def perform(self, step: Step) -> None:
        """Perform a step."""
        self.account.now = int(datetime.fromisoformat(step["at"]).timestamp())
        acts: dict[str, Callable[[Step], None]] = {
            Kind.PAY: self._pay,
            Kind.CHECKOUT: self._check_out,
            Kind.ABANDON: self._abandon,
            Kind.PROCESS: self._process,
            Kind.REFUND: self._refund,
            Kind.FAIL_REFUND: self._fail_refund,
            Kind.DISPUTE: self._dispute,
            Kind.CLOSE_DISPUTE: self._close_dispute,
        }
        acts[step["kind"]](step)

    def _name(self, name: str, object_id: str) -> None:
        self.names[name] = self.new[name] = object_id

    def _open(self, step: Step) -> str:
        made = self.account.open_payment(step["amount"], step["currency"], dict(step["metadata"]), step["buyer"])
        return str(made["id"])

    def _pay(self, step: Step) -> None:
        payment_id = self._open(step)
        self.account.succeed(payment_id, step["buyer"])
        if step.get("is_named"):
            self._name(step["name"], payment_id)

    def _check_out(self, step: Step) -> None:
        made = self.account.checkout(
            [(sku, price, units) for sku, price, units in step["lines"]], currency=step["currency"],
            shipping=step["shipping"], reference=step["reference"], buyer=step["buyer"],
        )  # fmt: skip
        done = self.account.complete(made["id"], buyer=step["buyer"])
        if step.get("is_named"):
            self._name(step["name"], done["payment_intent"])

    def _abandon(self, step: Step) -> None:
        self.account.cancel(self._open(step))

    def _process(self, step: Step) -> None:
        self.account.process(self._open(step))

    def _refund(self, step: Step) -> None:
        made = self.account.refund(
            payment_intent=self.names[step["name"]], amount=step["amount"], reason=step["reason"]
        )
        self._name(step["name"] + REFUND, made["id"])

    def _fail_refund(self, step: Step) -> None:
        self.account.fail_refund(self.names[step["name"] + REFUND])

    def _dispute(self, step: Step) -> None:
        paid = self.account.get("payment_intent", self.names[step["name"]])
        made = self.account.dispute(paid["latest_charge"], reason=step["reason"])
        self._name(step["name"] + DISPUTE, made["id"])

    def _close_dispute(self, step: Step) -> None:
        self.account.close_dispute(self.names[step["name"] + DISPUTE], won=step["won"])
