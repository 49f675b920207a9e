"""`python -m core import-orders`: its progress and its result, as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.__main__ import main
from core.commands import imports as commands_orders
from core.inbox import applying, polling
from core.inbox.range_import import Stage
from core.stripe import gateway
from tests.stripe.account import StripeAccount
from tests.stripe.fake import fake_gateway
from tests.stripe.shop import Stripe, open_cases, orders_of, sold
from tests.support.builders import ZONE, Shop

DAY = 24 * 3600


def day(ago: int = 0) -> str:
    """A day of the shop, some days ago."""
    return str((datetime.now(UTC).astimezone(ZoneInfo(ZONE)) - timedelta(days=ago)).date())


@pytest.fixture
def stripe(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    """A shop that the commands find by its settings, with a Stripe account it has gone live with just now."""
    monkeypatch.setenv("DATABASE_URL", embedded_shop.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", embedded_shop.owner_url)
    opened = Stripe(embedded_shop)
    monkeypatch.setattr(gateway, "from_settings", lambda *_: opened.gateway)
    return opened


def paid_ago(stripe: Stripe, days: int, sku: str, units: int = 1) -> None:
    stripe.account.now -= days * DAY
    stripe.pay(sku, units)
    stripe.account.now += days * DAY


def test_orders_of_some_days_are_imported_and_a_second_time_nothing_is_new(
    stripe: Stripe, capsys: pytest.CaptureFixture[str]
) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    stripe.pay("TEE-M", 2)
    stripe.pay("TEE-M", 3)
    stripe.pay("NOBODY-KNOWS")
    assert main(["import-orders", "--since", day(2), "--policy", "normal"]) == 0
    said = capsys.readouterr()
    assert said.out == ("Imported 3 new messages: 3 orders recorded, 2 lines taken off the shelf, 1 case opened.\n")
    assert said.err == ("Reading payments: 3 seen, 3 new\nApplying: 0 messages\nApplying: 3 messages\n")
    assert stripe.shop.on_hand(shoe) == 5
    assert main(["import-orders", "--since", day(2), "--policy", "normal"]) == 0
    assert capsys.readouterr().out == "Nothing new: everything that Stripe has for these days was imported before.\n"
    assert (orders_of(stripe.shop), sold(stripe.shop)) == (3, 5)


def test_without_a_policy_the_go_live_moment_decides_what_takes_stock(
    stripe: Stripe, capsys: pytest.CaptureFixture[str]
) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    paid_ago(stripe, 3, "TEE-M", 4)
    stripe.account.advance(5)
    stripe.pay("TEE-M", 1)
    assert main(["import-orders", "--since", day(5)]) == 0
    assert "2 orders recorded, 1 line taken off the shelf, no case opened." in capsys.readouterr().out
    assert stripe.shop.on_hand(shoe) == 9


def test_a_first_import_before_any_poll_takes_nothing_of_the_past_off_the_shelf(
    embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", embedded_shop.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", embedded_shop.owner_url)
    shoe, account = embedded_shop.variant(10, sku="TEE-M"), StripeAccount()
    account.now -= 3 * DAY
    account.pay(1000, metadata={"cart": '[{"sku":"TEE-M","quantity":2}]'})
    account.now += 3 * DAY
    monkeypatch.setattr(gateway, "from_settings", lambda *_: fake_gateway(account)[0])
    assert main(["import-orders", "--since", day(5)]) == 0
    assert (orders_of(embedded_shop), embedded_shop.on_hand(shoe)) == (1, 10)


def test_both_days_of_a_range_belong_to_it_and_days_are_the_shops_own(stripe: Stripe) -> None:
    stripe.shop.variant(100, sku="TEE-M")
    begins = datetime.fromisoformat(day(3)).replace(tzinfo=ZoneInfo(ZONE))
    ends = begins + timedelta(days=1)
    for moment in (begins.timestamp() - 1, begins.timestamp(), ends.timestamp() - 1, ends.timestamp()):
        stripe.account.now = int(moment)
        stripe.pay("TEE-M")
    stripe.account.now = int(datetime.now(UTC).timestamp())
    assert main(["import-orders", "--since", day(3), "--until", day(3), "--policy", "skip"]) == 0
    assert orders_of(stripe.shop) == 2


@pytest.mark.parametrize(("policy", "taken"), [("normal", 0), ("skip", 0), ("force", 1)])
def test_each_policy_does_what_its_help_says(stripe: Stripe, policy: str, taken: int) -> None:
    stripe.shop.variant(1, sku="TEE-M")
    stripe.pay("TEE-M", 3)
    assert main(["import-orders", "--since", day(), "--policy", policy]) == 0
    assert sold(stripe.shop) == taken
    assert bool(open_cases(stripe.shop)) is (policy == "normal")


def test_without_a_key_one_sentence_says_what_to_set(
    stripe: Stripe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gateway, "from_settings", lambda *_: None)
    assert main(["import-orders", "--since", day()]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Stripe is not connected: set STRIPE_SECRET_KEY")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--since", day(-2)], "Since must not be in the future.\n"),
        (["--since", day(1), "--until", day(2)], "Until must not be before the first day.\n"),
    ],
)
def test_days_that_make_no_range_are_refused(
    stripe: Stripe, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import-orders", *words]) == 1
    assert capsys.readouterr().err == sentence


def test_an_argument_that_is_not_a_day_is_refused_by_the_command(
    stripe: Stripe, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["import-orders", "--since", "last week"])
    assert "'last week' is not a day such as 2026-10-01" in capsys.readouterr().err


def test_a_key_of_the_other_mode_imports_nothing_and_says_why(
    stripe: Stripe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stripe.gateway, "livemode", True)
    stripe.pay("TEE-M")
    assert main(["import-orders", "--since", day()]) == 1
    assert "tied to Stripe's test mode, but the key is of live mode" in capsys.readouterr().err
    assert stripe.shop.sql("select count(*) from stockroom.stripe_events where source = 'import'") == 0


def test_ctrl_c_keeps_what_was_read_and_the_same_command_goes_on(
    stripe: Stripe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shoe = stripe.shop.variant(10, sku="TEE-M")
    for _ in range(4):
        stripe.pay("TEE-M")
    monkeypatch.setattr(polling, "PAGE", 2)
    show = commands_orders.ProgressLines.show

    def pressed(lines: Any, stage: Stage) -> bool:
        show(lines, stage)
        raise KeyboardInterrupt

    monkeypatch.setattr(commands_orders.ProgressLines, "show", pressed)
    assert main(["import-orders", "--since", day(), "--policy", "normal"]) == 130
    assert "Stopped. What was read is stored; run the same command to continue." in capsys.readouterr().err
    assert stripe.shop.sql("select count(*) from stockroom.stripe_events where source = 'import'") == 2
    monkeypatch.setattr(commands_orders.ProgressLines, "show", show)
    assert main(["import-orders", "--since", day(), "--policy", "normal"]) == 0
    assert (orders_of(stripe.shop), stripe.shop.on_hand(shoe)) == (4, 6)


def test_messages_that_wait_for_a_retry_are_reported(
    stripe: Stripe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stripe.shop.variant(10, sku="TEE-M")
    stripe.pay("TEE-M")

    def broken(*_: object, **__: object) -> tuple[int, int]:
        raise RuntimeError("a fault")

    for name in ("apply", "apply_sales"):
        monkeypatch.setattr(applying, name, broken)
    assert main(["import-orders", "--since", day(), "--policy", "normal"]) == 0
    assert "The worker will retry 1 message later." in capsys.readouterr().out


def test_on_a_terminal_each_stage_counts_up_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    lines = commands_orders.ProgressLines()
    for stage in (
        Stage(doing="Reading payments", seen=1_100, stored=3), Stage(doing="Reading payments", seen=1_200, stored=4),
        Stage(doing="Applying", seen=1_200, stored=4, applied=4),
    ):  # fmt: skip
        lines.show(stage)
    lines.end()
    assert capsys.readouterr().err == (
        "\rReading payments: 1,100 seen, 3 new\rReading payments: 1,200 seen, 4 new\n\rApplying: 4 messages\n"
    )
