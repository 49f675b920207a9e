"""`python -m core user ...`: arguments and output."""

from __future__ import annotations

import argparse
import io

import pytest

from core.commands.accounts import add_parsers
from core.foundation.errors import InvalidInput
from core.foundation.model import Role
from tests.support.builders import Shop
from tests.support.people import PASSWORD, new_person, sign_in, token_of, use_link
from tests.support.shared.second_steps import enrolled, half_of


def type_in(shop: Shop, line: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_parsers(parser.add_subparsers())
    arguments = parser.parse_args(["user", *line.split()])
    arguments.operate(shop.engine, arguments)


def test_a_person_added_on_the_command_line_signs_in_with_the_printed_link(
    fresh_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(fresh_shop, "add Mia@Shop.example --name Mia --role manager --url https://stock.example/")
    said = capsys.readouterr().out
    assert "Mia has an account as manager." in said
    address, _, link = said.strip().rpartition("/welcome?token=")
    assert address.endswith("https://stock.example")
    assert use_link(fresh_shop, link) is not None


def test_a_password_comes_from_standard_input_and_is_never_an_argument(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    type_in(fresh_shop, "add mia@shop.example --name Mia --role manager --password-stdin")
    assert "token" not in capsys.readouterr().out
    assert sign_in(fresh_shop, "mia@shop.example") is not None


def test_a_person_is_listed_demoted_deactivated_and_activated_again(
    fresh_shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(fresh_shop, "add sam@shop.example --name Sam --role manager")
    link = capsys.readouterr().out.strip().rpartition("token=")[2]
    assert use_link(fresh_shop, link) is not None
    for line, said in (
        ("role sam@shop.example support", "Sam has the role support"),
        ("sign-out sam@shop.example", "Sam is signed out of 1 browser."),
        ("deactivate sam@shop.example", "can no longer sign in"),
        ("list", "support    Sam  (deactivated)"),
        ("activate SAM@shop.example", "Sam can sign in again."),
        ("link sam@shop.example", "http://127.0.0.1:8501/welcome?token="),
    ):
        type_in(fresh_shop, line)
        assert said in capsys.readouterr().out
    monkeypatch.setenv("STOCKROOM_PUBLIC_URL", "https://stock.example.com")
    type_in(fresh_shop, "link sam@shop.example")
    assert "https://stock.example.com/welcome?token=" in capsys.readouterr().out


def test_the_last_admin_who_lost_the_phone_is_let_in_again(
    fresh_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    email = new_person(fresh_shop, Role.ADMIN)
    enrolled(fresh_shop, token_of(sign_in(fresh_shop, email)))
    half_of(fresh_shop, email)
    type_in(fresh_shop, f"remove-factor {email}")
    assert "is removed, and" in capsys.readouterr().out
    assert token_of(sign_in(fresh_shop, email))
    with pytest.raises(InvalidInput):
        type_in(fresh_shop, f"remove-factor {email}")


@pytest.mark.parametrize(
    "line",
    ["link nobody@shop.example", "link nonsense", "role nobody@shop.example admin", "add x --name X --role admin"],
)
def test_an_unknown_person_gives_a_sentence(fresh_shop: Shop, line: str) -> None:
    with pytest.raises(InvalidInput):
        type_in(fresh_shop, line)


def test_a_role_that_does_not_exist_is_refused_before_anything_happens() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_parsers(parser.add_subparsers())
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parser.parse_args(["user", "add", "x@y.example", "--name", "X", "--role", "owner"])
