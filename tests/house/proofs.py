"""The proof of each recipe. Run in the changed copy with a list of recipes, each with the two URLs of its database, and
with the changed files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.alerts import system as system_alerts
from core.database import pool
from core.database.migrate import migrate
from core.foundation.errors import InvalidInput
from core.foundation.model import COMMAND_LINE
from core.foundation.sales import AlertKind
from core.proof import runs as proof
from dashboard.alerts import runbook
from dashboard.language import sales
from tests.core.foundation import test_errors_in_step as in_step
from tests.dashboard.tabs import Tabs, field, table, words_of
from tests.house import test_architecture, test_law, test_shape
from tests.house.reading import MIGRATIONS, ROOT, SQL_FILES, packages
from tests.support.builders import Shop


def reason(tabs: Tabs) -> None:
    """The reason is offered, posts in its own direction only, and is in every list of reasons."""
    in_step.test_a_new_shop_has_the_agreed_reasons_with_their_signs_and_notes(tabs.shop)
    in_step.test_forms_offer_only_reasons_for_manual_operations(tabs.shop)
    from tests.house import test_documents  # it loads the whole command line, which the others do without

    test_documents.test_the_types_and_reasons_of_a_past_are_those_of_the_ledger()
    variant = tabs.shop.variant(on_hand=3, sku="A-1")
    assert tabs.shop.adjust(variant, -1, reason="gift").movements[0].reason == "gift"
    with pytest.raises(InvalidInput):
        tabs.shop.adjust(variant, 1, reason="gift")
    tab = tabs.open("Wanda", "stock", sku="A-1")
    assert any("Gift to a customer" in option for option in field(tab, "selectbox", "Reason").options)


def column(tabs: Tabs) -> None:
    """The value is on the page."""
    tabs.shop.variant(on_hand=3, sku="A-1", shelf="B-4")
    tabs.shop.variant(sku="A-2")
    assert "On shelf B-4" in words_of(tabs.open("Sam", "stock", sku="A-1"))
    assert "On shelf" not in words_of(tabs.open("Sam", "stock", sku="A-2"))


def page(tabs: Tabs) -> None:
    """The page opens, and its package is in every list of packages."""
    tabs.shop.variant(sku="A-1", barcode="40000000017")
    assert table(tabs.open("Wanda", "labels"), "sku").values.tolist() == [["A-1", "40000000017"]]
    test_law.test_every_package_has_its_place_in_the_declared_order()
    for path in packages("dashboard"):
        test_law.test_a_package_uses_only_packages_below_it(path)
        test_law.test_a_package_says_which_packages_it_uses(path)
    test_architecture.test_a_diagram_draws_every_package_in_order_with_its_imports(
        "The screens of dashboard", "dashboard", test_law.SCREENS
    )


def alert(tabs: Tabs) -> None:
    """A case of this kind opens, is listed under its label, has a paragraph in the runbook, and resolves."""
    in_step.test_every_check_of_words_accepts_exactly_the_words_of_python(tabs.shop)
    assert set(sales.KINDS) == set(AlertKind)
    kind = AlertKind("clock_wrong")
    assert "time synchronisation" in runbook.about(sales.KINDS[kind])
    case = {"kind": kind, "severity": "warning", "cause": "clock", "sentence": "It is late", "facts": {}}
    tabs.shop.run(system_alerts.open_alert, COMMAND_LINE, **case)
    assert "Clock is wrong" in table(tabs.open("Mia", "alerts"), "kind").to_string()
    tabs.shop.run(system_alerts.resolve, COMMAND_LINE, cause="clock", resolution="It is set")
    assert tabs.shop.sql("select state from stockroom.alerts where cause = 'clock'") == "resolved"


def check(tabs: Tabs) -> None:
    """The check passes, finds a planted fault, opens a case, and is on the page."""
    variant = tabs.shop.variant(on_hand=3, sku="A-1", price=10, unit_cost=4)
    assert proof.prove(tabs.shop.engine, None, COMMAND_LINE).holds
    tabs.shop.sql("update product_variants set unit_cost = 12 where id = :id", id=variant)
    (failing,) = [each for each in proof.prove(tabs.shop.engine, None, COMMAND_LINE).results if not each.holds]
    assert (failing.code, failing.examples) == ("R14", ("A-1 costs 12.0 and is sold for 10.0",)), failing
    assert tabs.shop.sql("select state from stockroom.alerts where cause = 'proof:R14'") == "open"
    assert "Correct the price" in runbook.about("R14")
    assert "A-1 costs 12.0" in words_of(tabs.open("Mia", "reconciliation"))


PROOFS: dict[str, Callable[[Tabs], None]] = {
    "A movement reason": reason,
    "A column": column,
    "A page": page,
    "An alert kind": alert,
    "A check": check,
}


def house(touched: list[Path]) -> None:
    """Run the house tests that any of these changes could fail."""
    test_law.test_an_sql_file_uses_only_what_lower_numbers_made()
    test_law.test_tables_triggers_and_checks_never_call_what_is_rebuilt()
    test_shape.test_no_folder_holds_more_than_fifteen_modules()
    test_shape.test_no_file_of_the_product_is_longer_than_three_hundred_lines()
    for path in (*SQL_FILES, *MIGRATIONS):
        test_shape.test_a_line_above_every_sql_object_says_what_it_is_for(path)
    for path in (path for path in touched if path.suffix == ".py" and "tests" not in path.parts):
        test_shape.test_every_module_and_every_public_thing_in_it_says_what_it_is_for(path)


def prove(recipe: str, app_url: str, owner_url: str) -> None:
    """Migrate the database to the changed project, then run the proof of the recipe on it."""
    print(recipe, flush=True)
    migrate(owner_url)
    shop = Shop.open(app_url, owner_url)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(pool, "engine", lambda *_: shop.engine)
        PROOFS[recipe](Tabs(shop=shop, monkeypatch=monkeypatch))
    shop.close()


if __name__ == "__main__":
    databases, *changed = sys.argv[1:]
    for words in json.loads(databases):
        prove(*words)
    house([ROOT / file for file in changed])
