"""What Settings shows of a key without showing the key, and the page of Stripe that creates the right one."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from core.commands import imports as commands_orders
from core.foundation.sales import Policy
from core.foundation.settings import load_settings
from core.orders import stripe_link
from core.stripe.trouble import READS
from dashboard.catalog import order_import
from tests.house.documents import STRIPE

KEY, SECRET = "rk_live_51TheKeyOfTheShop0123456789", "whsec_TheSecretOfTheShop"


@pytest.mark.parametrize(("key", "livemode"), [("", None), (KEY, True), (KEY.replace("_live_", "_test_"), False)])
def test_only_the_mode_of_a_key_is_shown(key: str, livemode: bool | None) -> None:
    found = stripe_link.keys(load_settings({"STRIPE_SECRET_KEY": key, "STRIPE_WEBHOOK_SECRET": SECRET}))
    assert (found.livemode, found.is_set, found.secrets) == (livemode, bool(key), 1)
    assert "TheKey" not in repr(found)
    assert "TheSecret" not in repr(found)


def test_the_link_to_a_new_key_chooses_every_permission_that_is_read_and_no_other() -> None:
    asked = dict(parse_qsl(urlsplit(stripe_link.key_link("Trail & Turf")).query))
    assert asked.pop("name") == "Trail & Turf"
    assert asked == {f"permissions[{place}]": permission for place, permission in enumerate(READS)}
    assert all(permission.startswith("rak_") and permission.endswith("_read") for permission in asked.values())


def test_the_guide_has_the_same_link_and_names_what_it_chooses() -> None:
    assert stripe_link.key_link() in STRIPE.links
    said = " ".join(STRIPE.under("Connect Stripe").split())
    assert [name for name in READS.values() if name not in said] == []


def test_the_policies_of_the_guide_are_those_of_the_command_and_of_the_page() -> None:
    shown = {row[0].strip("`"): row[1].strip("*") for row in STRIPE.table("policy")}
    assert set(shown) == {commands_orders.AUTO, *Policy}
    assert shown == {str(policy): label for policy, label in order_import.POLICIES.items()}
    assert set(order_import.CONSEQUENCES) == set(order_import.POLICIES)
