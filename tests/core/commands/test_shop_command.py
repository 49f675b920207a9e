"""`python -m core shop`: arguments and output."""

from __future__ import annotations

import pytest

from core import __main__ as core_main
from core.people import audit
from tests.support.builders import Shop


def test_the_shop_is_shown_changed_and_shown_again(operated: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert core_main.main(["shop"]) == 0
    assert capsys.readouterr().out == "My shop: time zone Pacific/Auckland, currency EUR\n"
    assert core_main.main(["shop", "--name", "Halde Boots", "--zone", "europe/berlin", "--currency", "chf"]) == 0
    assert capsys.readouterr().out == (
        "Every day was summed again: days now begin at midnight in Europe/Berlin.\n"
        "Halde Boots: time zone Europe/Berlin, currency CHF\n"
    )
    assert core_main.main(["shop", "--currency", "EUR"]) == 0
    assert capsys.readouterr().out == "Halde Boots: time zone Europe/Berlin, currency EUR\n"
    assert {change.performed_by for change in operated.run(audit.recent_changes)} == {"Command line"}


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--zone", "Mars/Olympus", 'Time zone "Mars/Olympus" is not one; use a region and a city'),
        ("--currency", "Taler", 'Currency "Taler" is not one; use its three letters'),
        ("--name", "", "Name must not be empty."),
    ],
)
def test_a_wrong_value_gives_a_sentence_and_changes_nothing(
    operated: Shop, capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    assert core_main.main(["shop", "--name", "Other", option, value]) == 1
    assert capsys.readouterr().err.startswith(said)
    assert operated.sql("select name from stockroom.shop") == "My shop"
