"""API keys under Settings: an admin creates one, sees it once, and revokes it."""

from __future__ import annotations

from core.foundation.model import Actor
from core.people import api_keys
from core.people.api_keys import Scope
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop

__all__ = ["tabs"]

NOBODY = Actor(name="Storefront")


def test_ada_makes_a_key_that_is_shown_once_and_lets_its_program_in(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = tabs.open("Ada", "settings", set_section="API keys")
    assert "There are no API keys yet" in words_of(tab)
    field(tab, "text_input", "Name").input("Web shop")
    field(tab, "multiselect", "Scopes").select(Scope.VALIDATE)
    press(tab, "Create key")
    (key,) = [shown.value for shown in tab.code if str(shown.value).startswith("stk_")]
    found = embedded_shop.run(api_keys.caller, NOBODY, key=key)
    assert (found.name, found.scopes) == ("Web shop", {Scope.VALIDATE})
    again = run(tab)
    assert key not in [shown.value for shown in again.code], "it is shown once"
    changes = words_of(tabs.open("Ada", "settings", set_section="Recent changes"))
    assert key not in changes


def test_ada_revokes_a_key(tabs: Tabs, embedded_shop: Shop) -> None:
    key = embedded_shop.run(api_keys.make, "Ada", name="Old shop", scopes=tuple(Scope))
    tab = tabs.open("Ada", "settings", set_section="API keys")
    press(tab, "Revoke")
    assert embedded_shop.run(api_keys.caller, NOBODY, key=key) is None
    assert "Revoke" not in labels(tab)


def test_a_key_without_a_scope_is_refused_in_words(tabs: Tabs) -> None:
    tab = tabs.open("Ada", "settings", set_section="API keys")
    field(tab, "text_input", "Name").input("Web shop")
    press(tab, "Create key")
    assert "Scopes must be some of validate, reserve, orders, metrics and read" in words_of(tab)


def test_only_an_admin_sees_them(tabs: Tabs) -> None:
    assert "Your role cannot view this page" in words_of(tabs.open("Mia", "settings", set_section="API keys"))
