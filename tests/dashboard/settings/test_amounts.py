"""Settings > Stripe, amounts that differ: an admin sets how far a payment may differ from the prices of its cart."""

from __future__ import annotations

import pytest

from core.carts.amounts import Tolerance
from core.foundation.errors import Forbidden, InvalidInput
from core.inbox import messages as inbox
from core.orders import stripe_link
from tests.dashboard.tabs import Tabs, field, run, tabs

__all__ = ["tabs"]


def test_an_admin_sets_how_far_a_payment_may_differ_and_the_audit_says_so(tabs: Tabs) -> None:
    tab = tabs.open("Ada", "settings", set_section="Stripe")
    field(tab, "number_input", "At most this much less, in percent").set_value(15)
    [button] = [button for button in tab.button if button.key == "set_tolerance_save"]
    button.click()
    tab = run(tab)
    assert tabs.shop.run(inbox.link).tolerance == Tolerance(less=15, more=30, amount=25)
    assert "The tolerance is saved" in " ".join(str(shown.value) for shown in tab.toast)
    change = tabs.shop.sql("select after ->> 'paid_less' from stockroom.audit order by id desc limit 1")
    assert change == "15"


def test_only_an_admin_sets_the_tolerance_and_only_within_limits(tabs: Tabs) -> None:
    with pytest.raises(Forbidden):
        tabs.shop.run(stripe_link.save_tolerance, "Mia", tolerance=Tolerance())
    with pytest.raises(InvalidInput, match="must be from 0 to 100"):
        tabs.shop.run(stripe_link.save_tolerance, "Ada", tolerance=Tolerance(less=101))
