"""A shop with a Stripe account in memory, and the guard that works on both."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from core.sandbox.objects import Json
from core.storefront.guard import setting, working
from core.storefront.guard.setting import Mode, Noted
from core.stripe.gateway import Gateway
from tests.stripe.account import StripeAccount
from tests.stripe.fake import FakeStripe, fake_gateway
from tests.support.builders import Shop


@dataclass
class Guarded:
    """A shop, its account at Stripe, and the gateway of the guard's key."""

    shop: Shop
    account: StripeAccount = field(default_factory=StripeAccount)

    def __post_init__(self) -> None:
        self.gateway: Gateway
        self.fake: FakeStripe
        self.gateway, self.fake = fake_gateway(self.account)
        self.stopping = threading.Event()

    def set(self, mode: Mode, most: int | None = None) -> None:
        self.shop.run(setting.set_to, "Ada", mode=mode, most_per_hour=most, has_key=True)

    def work(self, *, has_key: bool = True) -> list[str]:
        """Run the job once and return what it said."""
        said: list[str] = []
        working.watch(self.shop.engine, self.gateway, self.gateway if has_key else None, said.append, self.stopping)
        return said

    def record(self) -> list[tuple[str, str, str]]:
        """Return the record, oldest first: act, object and state."""
        return [(str(each.act), each.object_id, str(each.state)) for each in reversed(self.notes())]

    def notes(self) -> tuple[Noted, ...]:
        found: tuple[Noted, ...] = self.shop.run(setting.record, "Ada")
        return found

    def is_active(self, link: Json) -> bool:
        return bool(self.account.kept["payment_link"][link["id"]]["active"])

    def status(self, session: Json) -> Any:
        return self.account.kept["checkout.session"][session["id"]]["status"]

    def writes(self) -> list[str]:
        """Return the requests that asked Stripe to change something."""
        return [asked.path for asked in self.fake.asked if asked.method == "post"]
