"""Webhooks under Settings: an admin creates one, sees its secret once, sees its messages and sends one again."""

from __future__ import annotations

from core.storefront.hooks import endpoints, sending
from core.storefront.hooks.endpoints import Event
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]


def test_ada_makes_a_webhook_sees_its_messages_and_sends_one_again(tabs: Tabs, embedded_shop: Shop) -> None:
    shoe = embedded_shop.variant(3, sku="TOLD")
    tab = tabs.open("Ada", "settings", set_section="Webhooks")
    assert "There are no webhooks yet" in words_of(tab)
    field(tab, "text_input", "Name").input("Web shop")
    field(tab, "text_input", "URL").input("http://shop.example/hook")
    field(tab, "multiselect", "Events").select(Event.LEVEL_CHANGED)
    press(tab, "Create webhook")
    assert "Address must begin with https://" in words_of(tab)
    field(tab, "text_input", "URL").input("https://shop.example/hook")
    press(tab, "Create webhook")
    (secret,) = [shown.value for shown in tab.code if str(shown.value).startswith("whsec_")]
    assert secret not in [shown.value for shown in run(tab).code], "it is shown once"
    embedded_shop.run(sending.gather)
    embedded_shop.adjust(shoe, -1)
    embedded_shop.run(sending.gather)
    embedded_shop.sql("update stockroom.hook_deliveries set state = 'failed', finished_at = now(), status = 500")
    again = run(tab)
    assert "Failed: 1" in words_of(again)
    press(again, "Send again")
    (delivery,) = embedded_shop.run(endpoints.deliveries, "Ada")
    assert (delivery.state, delivery.sku) == ("waiting", "TOLD")
    press(again, "Switch off")
    assert "Switch on" in labels(again)
    assert secret not in words_of(tabs.open("Ada", "settings", set_section="Recent changes"))
    assert "Your role cannot view this page" in words_of(tabs.open("Mia", "settings", set_section="Webhooks"))
