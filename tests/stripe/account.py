"""The sandbox's Stripe account in memory, whose objects a test may look at and change."""

from __future__ import annotations

from typing import Any

from core.sandbox.account import StripeAccount as Account
from core.sandbox.objects import Json
from core.sandbox.store import Memory


class StripeAccount(Account):
    """One account in memory."""

    def __init__(self, webhook_secret: str = "whsec_the_shop_s", **how: Any) -> None:
        self.memory = Memory()
        super().__init__(store=self.memory, webhook_secret=webhook_secret, **how)

    @property
    def kept(self) -> dict[str, dict[str, Json]]:
        """The objects by kind and id."""
        return self.memory.kept

    @property
    def items(self) -> dict[str, list[Json]]:
        """The lines of each session."""
        return self.memory.items
