"""What a typed or pasted text can mean."""

from __future__ import annotations

import pytest

from core.orders.finding.reading import Amount, Meant, read


def minor(meant: Meant, digits: int = 2) -> list[int]:
    """The readings as an amount of a currency with so many minor digits."""
    return [each.minor for each in meant.amounts if each.digits == digits]


@pytest.mark.parametrize(
    ("typed", "currency", "cents"),
    [
        ("199.80", None, [19980]),
        ("199,80", None, [19980]),
        ("€199.80", "EUR", [19980]),
        ("199,80 €", "EUR", [19980]),
        ("1.199,80 EUR", "EUR", [119980]),
        ("$1,199.80", None, [119980]),  # a dollar of any country
        ("1'199.80 CHF", "CHF", [119980]),
        ("1 199,80 zł", "PLN", [119980]),
        ("89", None, [8900]),
        ("1.199", None, [119900]),
        ("EUR 5 EUR", None, []),
        ("TW-42", None, []),
        ("1000000000000000", None, []),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, currency: str | None, cents: list[int]) -> None:
    meant = read(typed)
    assert minor(meant) == cents
    assert meant.currency == currency


def test_an_amount_with_two_readings_has_both() -> None:
    assert set(read("1.199").amounts) == {
        Amount(minor=1199, digits=0), Amount(minor=119900, digits=2),
        Amount(minor=1199, digits=3), Amount(minor=1199000, digits=3),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "digits", "prefix"),
    [
        ("1042", "1042", None),
        ("#1042", "1042", None),
        ("Order 1042", "1042", None),
        ("WEB-1042", "1042", "web"),
        ("web1042", "1042", "web"),
        ("TW-42/5", None, None),
        ("kim+1@buyer.example", None, None),
        ("ana", None, None),
    ],
)
def test_a_number_is_read_with_and_without_its_prefix(typed: str, digits: str | None, prefix: str | None) -> None:
    assert (read(typed).digits, read(typed).prefix) == (digits, prefix)


@pytest.mark.parametrize(
    ("pasted", "stripe_id"),
    [
        ("pi_3MtwBw2eZvKYlo2C", "pi_3MtwBw2eZvKYlo2C"),
        ("https://dashboard.stripe.com/test/payments/pi_3MtwBw2eZvKYlo2C", "pi_3MtwBw2eZvKYlo2C"),
        ("https://dashboard.stripe.com/acct_1032D8/payments/pi_3MtwBw2eZvKYlo2C?tab=1#x", "pi_3MtwBw2eZvKYlo2C"),
        (" <https://dashboard.stripe.com/refunds/re_1Nispe2eZvKYlo2C> ", "re_1Nispe2eZvKYlo2C"),
        ("https://dashboard.stripe.com/checkout/sessions/cs_test_a1b2c3d4", "cs_test_a1b2c3d4"),
        ("https://dashboard.stripe.com/disputes/du_1Nispe2eZvKYlo2C", "du_1Nispe2eZvKYlo2C"),
        ("https://dashboard.stripe.com/events/evt_1Nispe2eZvKYlo2C", "evt_1Nispe2eZvKYlo2C"),
        ("Refund re_1Nispe2eZvKYlo2C of yesterday", "re_1Nispe2eZvKYlo2C"),
        ("pi_", "pi_"),
        ("re_ana", "re_ana"),
        ("there_fore_it", None),
        ("https://dashboard.stripe.com/acct_1032D8/customers/cus_9s6XKzkNRiz8i3", None),
    ],
)
def test_an_id_of_stripe_is_found_in_what_was_pasted(pasted: str, stripe_id: str | None) -> None:
    assert read(pasted).stripe_id == stripe_id


@pytest.mark.parametrize(
    ("typed", "last4"), [("4242", "4242"), ("•••• 4242", "4242"), ("**** 0005", "0005"), ("424", None)]
)
def test_four_digits_can_end_a_card(typed: str, last4: str | None) -> None:
    assert read(typed).last4 == last4
