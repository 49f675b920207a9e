"""What a typed or pasted text can mean: an id of Stripe, a number of an order, an amount, a card, a code, or words.

A text can mean several things at once: 4242 is an order number, the end of a card and an amount. It asks no database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from core.foundation import numbers
from core.foundation.errors import InvalidInput
from core.foundation.text import folded

LONGEST = 200
LARGEST = 999_999_999_999
"""The largest amount in minor units that Stripe accepts."""
MOST_WORDS = 8
SCALES = (0, 2, 3)
"""How many digits of an amount are minor units, in one currency or another."""
_PREFIXES = "pi|ch|py|cs|re|pyr|dp|du|evt|seti|pm"
STRIPE_ID = re.compile(rf"({_PREFIXES})_\w*", re.ASCII)
_STRIPE_ID_INSIDE = re.compile(rf"(?<![A-Za-z0-9])({_PREFIXES})_\w{{6,}}", re.ASCII)
_VARIANT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODE = r"[A-Za-z]{3}"
_SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "zł": "PLN"}
_MARKS = r"[€£$¥₹₩₪₫₺₽฿₴₦]|zł|kr\.?|Fr\.?"
_AMOUNT = re.compile(
    rf"(?P<before>{_MARKS}|{_CODE})?\s*(?P<number>\d[\d\s.,'\u2019\u00a0\u202f]*?)\s*(?P<after>{_MARKS}|{_CODE})?",
    re.ASCII,
)
_NUMBER = re.compile(r"(?P<prefix>\D*?)(?P<digits>\d{1,18})", re.ASCII)
_NO_PREFIX = re.compile(r"(order|bestellung|no|nr|number|nummer)?[\s.:#]*", re.IGNORECASE)
_SHORT_CARD = re.compile(r"[\s.*\u2022xX\u00b7-]*(\d{4})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A reading of an amount: `minor` units of the currencies whose amounts have `digits` of them."""

    minor: int
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What a text can mean. An id of Stripe excludes everything else.

    `digits` are those at the end of an order's number, `prefix` what must precede them (None: anything).
    """

    text: str
    stripe_id: str | None = None
    digits: str | None = None
    prefix: str | None = None
    amounts: tuple[Amount, ...] = ()
    currency: str | None = None
    last4: str | None = None
    variant_id: UUID | None = None

    @property
    def words(self) -> list[str]:
        """The words of the text, to be looked for in emails, names and numbers."""
        return self.text.split(" ")[:MOST_WORDS] if self.text else []


def read(typed: str) -> Meant:
    """Return everything that a text can mean."""
    text = folded(typed[:LONGEST]).strip()
    found = STRIPE_ID.fullmatch(text) or _STRIPE_ID_INSIDE.search(typed[:2_000])
    if found:
        return Meant(text=text, stripe_id=found[0])
    digits, prefix = _number(text)
    currency, amounts = _amount(text)
    card = _SHORT_CARD.fullmatch(text)
    return Meant(
        text=text,
        digits=digits,
        prefix=prefix,
        amounts=amounts,
        currency=currency,
        last4=card[1] if card else None,
        variant_id=UUID(text) if _VARIANT_ID.fullmatch(text) else None,
    )


def _number(text: str) -> tuple[str | None, str | None]:
    """Return the digits of an order number, and the prefix that was typed with them."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(found["prefix"]) > 40 or "@" in text:
        return None, None
    if _NO_PREFIX.fullmatch(found["prefix"]):
        return found["digits"], None
    prefix = re.sub(r"[^a-z0-9]", "", found["prefix"].lower())
    return (found["digits"], prefix) if prefix else (None, None)


def _amount(text: str) -> tuple[str | None, tuple[Amount, ...]]:
    """Return the readings of an amount. 1.199 is a thousand for some readers and decimals for others: both count."""
    found = _AMOUNT.fullmatch(text)
    if found is None or (found["before"] and found["after"]):
        return None, ()
    named = found["before"] or found["after"] or ""
    currency = _SYMBOLS.get(named) or (named.upper() if re.fullmatch(_CODE, named) else None)
    read_as: set[Amount] = set()
    for digits in SCALES:
        for mark in ("", ".", ","):
            try:
                value = numbers.amount(found["number"], "amount", digits=digits, mark=mark)
            except InvalidInput:
                continue
            minor = value.scaleb(digits)
            if minor == minor.to_integral_value() and 0 <= minor <= LARGEST:
                read_as.add(Amount(minor=int(Decimal(minor)), digits=digits))
    return currency, tuple(sorted(read_as, key=lambda each: (each.digits, each.minor)))
