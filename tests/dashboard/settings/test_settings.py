"""Settings as an admin sees it: the shop, its reasons, who changed what, and the hint to choose a time zone."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.foundation.model import MovementType, Role
from core.ledger import reports
from core.people import administration as people
from core.people import audit
from core.people.audit import What
from core.people.factors import rules
from core.shop import profile as shop
from core.shop import reasons
from core.storefront.guard import setting
from core.storefront.guard.setting import Mode
from dashboard.settings import changes
from tests.dashboard.tabs import Tabs, field, labels, press, run, table, tabs, words_of
from tests.support.builders import ZONE, Shop
from tests.support.people import id_of

__all__ = ["tabs"]

ADJUSTMENT = MovementType.ADJUSTMENT


def section(tabs: Tabs, name: str, person: str = "Ada") -> AppTest:
    return tabs.open(person, "settings", set_section=name)


def toast(tab: AppTest) -> str:
    return " ".join(str(shown.value) for shown in tab.toast).replace("\\", "")


def own_shop(opened: Shop) -> tuple[str, str, str]:
    found = opened.run(reports.shop)
    return (found.name, found.zone, found.currency)


# ---------------------------------------------------------------- the shop


def test_ada_gives_the_shop_its_name_time_zone_and_currency(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = section(tabs, "Shop")
    field(tab, "text_input", "Name").input("Halde *Boots*")
    field(tab, "selectbox", "Time zone").select("America/Los_Angeles")
    field(tab, "selectbox", "Currency").select("CHF")
    press(tab, "Save")
    assert own_shop(embedded_shop) == ("Halde *Boots*", "America/Los_Angeles", "CHF")
    assert "Its time zone is now America/Los Angeles." in toast(tab)
    assert field(tab, "text_input", "Name").value == "Halde *Boots*"
    assert not run(tab).toast, "it is said once"


def test_saving_reverts_no_concurrent_change(tabs: Tabs, embedded_shop: Shop) -> None:  # pains.md 8
    tab = section(tabs, "Shop")
    embedded_shop.run(shop.change_shop, zone="Europe/Berlin", currency="NZD")
    field(tab, "text_input", "Name").input("Halde Boots")
    press(tab, "Save")
    assert own_shop(embedded_shop) == ("Halde Boots", "Europe/Berlin", "NZD")
    assert field(tab, "selectbox", "Time zone").value == "Europe/Berlin"


def test_a_refused_name_keeps_what_was_typed(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = section(tabs, "Shop")
    field(tab, "text_input", "Name").input(" ")
    field(tab, "selectbox", "Currency").select("CHF")
    press(tab, "Save")
    assert "Name must not be empty. Nothing was changed." in words_of(tab)
    assert field(tab, "selectbox", "Currency").value == "CHF"
    assert own_shop(embedded_shop) == ("My shop", ZONE, "EUR")


def test_saving_what_is_there_already_says_so(tabs: Tabs, embedded_shop: Shop) -> None:
    assert toast(press(section(tabs, "Shop"), "Save")) == "There are no changes to save."
    assert embedded_shop.run(audit.recent_changes) == ()


@pytest.mark.parametrize("where", ["People", "Shop", "Reasons", "Recent changes"])
def test_a_shop_of_ones_own_is_asked_for_its_time_zone_until_it_has_one(
    tabs: Tabs, embedded_shop: Shop, where: str
) -> None:
    hint = "Choose your own time zone under Shop"
    assert hint not in words_of(section(tabs, where))
    embedded_shop.sql("update stockroom.shop set zone = 'UTC'")
    assert hint in words_of(section(tabs, where))
    embedded_shop.sql("update stockroom.shop set is_sample = true")
    assert hint not in words_of(section(tabs, where))


# ---------------------------------------------------------------- its reasons


def test_ada_adds_a_reason_and_wanda_is_offered_it_at_once(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(5, sku="HB-40")
    tab = section(tabs, "Reasons")
    field(tab, "text_input", "Label", 1).input("Photo shoot")
    field(tab, "selectbox", "Type and direction").select((ADJUSTMENT, -1))
    field(tab, "toggle", "Require a note").set_value(True)
    press(tab, "Add reason")
    assert "Reason Photo shoot added." in toast(tab)
    assert "photo_shoot" in list(table(tab, "Code")["Code"])
    assert field(tab, "text_input", "Label", 1).value == ""
    (made,) = [row for row in embedded_shop.run(reports.reasons) if row.reason == "photo_shoot"]
    assert (made.sign, made.note_required, made.by_hand) == (-1, True, True)
    stock = tabs.open("Wanda", "stock", sku="HB-40")
    offered = [option for box in stock.selectbox if box.label == "Reason" for option in box.options]
    assert any("Photo shoot (note required)" in option for option in offered)


def test_ada_renames_retires_and_brings_back_a_reason(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = section(tabs, "Reasons")
    field(tab, "selectbox", "Reason").select("adjustment.donation")
    run(tab)
    field(tab, "text_input", "Label").input("Given away")
    press(tab, "Rename")
    assert "Donation is renamed to Given away." in toast(tab)
    assert "Given away" in list(table(tab, "Code")["Reason"])
    press(tab, "Retire")
    assert "Restore" in labels(tab)
    rows = table(tab, "Code")
    assert list(rows[rows["Code"] == "donation"]["State"]) == ["Retired"]
    press(tab, "Restore")
    assert embedded_shop.sql("select bool_and(is_active) from stockroom.reasons")


def test_what_the_software_posts_has_no_button_to_retire_it_and_says_why(tabs: Tabs) -> None:
    tab = tabs.open("Ada", "settings", set_section="Reasons", set_reason="Paid order · Sale")
    assert "Retire" not in labels(tab)
    assert "It cannot be retired: it is the reason of every paid order." in words_of(tab)


def test_a_label_that_is_taken_is_refused_and_stays_typed(tabs: Tabs) -> None:
    tab = section(tabs, "Reasons")
    field(tab, "text_input", "Label", 1).input("Lost")
    press(tab, "Add reason")
    assert 'Label "Lost" is already used by another reason of type adjustment. Nothing was changed.' in words_of(tab)
    assert field(tab, "text_input", "Label", 1).value == "Lost"


# ---------------------------------------------------------------- who changed what


def test_recent_changes_show_who_changed_what_before_and_after(tabs: Tabs, embedded_shop: Shop) -> None:
    ada = embedded_shop.person("Ada")
    embedded_shop.run(people.add_person, email="noor@shop.example", name="Noor", role=Role.SUPPORT)
    embedded_shop.run(people.set_role, ada, user_id=id_of(embedded_shop, "noor@shop.example"), role=Role.MANAGER)
    embedded_shop.run(shop.change_shop, ada, name="Halde Boots", currency="CHF")
    embedded_shop.run(reasons.add_reason, ada, movement_type=ADJUSTMENT, label="Loan", sign=0, note_required=True)
    tab = section(tabs, "Recent changes")
    rows = table(tab, "Who").drop(columns="When").to_numpy().tolist()
    assert rows == [
        ["Ada", "Reason added", "Loan (adjustment, loan)", "Direction: in or out, Note: required"],
        ["Ada", "Shop changed", "Halde Boots", "Name: My shop → Halde Boots, Currency: EUR → CHF"],
        ["Ada", "Role changed", "Noor (noor@shop.example)", "Role: Support → Manager"],
        ["Command line", "Person added", "Noor (noor@shop.example)", "Role: Support"],
    ]
    assert "Name: My shop → Halde Boots, Currency: EUR → CHF · Ada," in words_of(tab), "and so on a phone"


def test_the_record_names_roles_and_the_guard_as_their_pages_do(tabs: Tabs, embedded_shop: Shop) -> None:
    ada = embedded_shop.person("Ada")
    embedded_shop.run(rules.set_factor_rule, ada, role=Role.WAREHOUSE, is_needed=True)
    embedded_shop.run(setting.set_to, ada, mode=Mode.DRY, most_per_hour=5)
    rows = table(section(tabs, "Recent changes"), "Who").drop(columns="When").to_numpy().tolist()
    guard = "Guard: Switched off → Dry run, Changes an hour at most: 30 → 5"
    assert ["Ada", "Stripe guard set", "Stripe guard", guard] in rows
    assert ["Ada", "Second factor for a role", "Warehouse", "Required: no → yes"] in rows


def test_a_shop_where_nothing_was_changed_says_so(tabs: Tabs) -> None:
    assert "No changes yet" in words_of(section(tabs, "Recent changes"))


def test_every_word_of_the_record_has_a_label() -> None:
    assert set(changes.WHAT) == set(What)


@pytest.mark.parametrize("where", ["People", "Shop", "Reasons", "Recent changes"])
@pytest.mark.parametrize("person", ["Wanda", "Sam", "Mia"])
def test_no_section_of_settings_is_for_anybody_but_admins(tabs: Tabs, where: str, person: str) -> None:
    tab = section(tabs, where, person)
    assert "Your role cannot view this page" in words_of(tab)
    assert not tab.dataframe
    assert [field.label for field in tab.text_input] == ["Find an order, a buyer, a variant"]
    assert [button.label for button in tab.button] == ["Find"]


def test_a_link_to_a_section_opens_its_group_and_another_group_begins_with_its_first_section(tabs: Tabs) -> None:
    tab = tabs.open("Ada", "settings", set_section="Health")
    group, section = tab.button_group(key="set_group"), tab.button_group(key="set_section")
    assert (group.value, section.value) == ("Operations", "Health")
    assert list(section.options) == ["Jobs", "Health", "Backups"]
    group.set_value("Connections").run()
    assert tab.button_group(key="set_section").value == "Stripe"
    assert "Stripe" in words_of(tab)
    assert not tab.exception
