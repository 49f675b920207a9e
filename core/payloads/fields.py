"""Reads one JSON object from Stripe field by field. A value of the wrong type makes the object unreadable.

Nothing is guessed or converted: true is not 1, "100" is not 100. The error names the field and never shows its text,
which may be personal data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from core.foundation.errors import Unreadable

LARGEST_AMOUNT = 999_999_999_999
"""Twelve digits: the most that Stripe accepts in any currency."""
EARLIEST, LATEST = 1_000_000_000, 4_102_444_800  # 2001-09-09, 2100-01-01
LONGEST_TEXT = 5_000
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_ID = re.compile(r"[\x21-\x7e]{1,255}")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object. `what` names the object in errors: "payment_intent pi_1"."""

    what: str
    values: Mapping[str, Any]

    def unreadable(self, field: str, why: str) -> Unreadable:
        """Return the error that says what is wrong with a field."""
        return Unreadable(f"Stripe's {self.what} cannot be read: {field} {why}.", field=field, why=why)

    def _required(self, field: str, found: _T | None) -> _T:
        if found is None:
            raise self.unreadable(field, "is missing")
        return found

    def id(self, field: str = "id") -> str:
        """Return an id: printable, without spaces."""
        return self._required(field, self.maybe_id(field))

    def maybe_id(self, field: str) -> str | None:
        """Return the id of a related object, which may be expanded, or None."""
        value = self.values.get(field)
        if isinstance(value, Mapping):
            value = value.get("id")
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise self.unreadable(field, "is not an id")
        return value

    def maybe_text(self, field: str) -> str | None:
        """Return a text that may be missing. An empty one counts as missing."""
        value = self.values.get(field)
        return None if value is None else self._text(field, value) or None

    def text(self, field: str) -> str:
        """Return a text that must not be missing."""
        return self._required(field, self.maybe_text(field))

    def _text(self, field: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.unreadable(field, f"is {_kind(value)}, not a text")
        if len(value) > LONGEST_TEXT:
            raise self.unreadable(field, f"has more than {LONGEST_TEXT:,} characters")
        if not storable(value):
            raise self.unreadable(field, "has characters that text cannot have")
        return value

    def amount(self, field: str) -> int:
        """Return an amount of money in minor units."""
        return self._required(field, self.maybe_amount(field))

    def maybe_amount(self, field: str) -> int | None:
        """Return an amount that may be missing."""
        value = self.values.get(field)
        if value is None:
            return None
        if type(value) is not int:
            raise self.unreadable(field, f"is {_kind(value)}, not a whole number of minor units")
        if value < 0:
            raise self.unreadable(field, "is below zero")
        if value > LARGEST_AMOUNT:
            raise self.unreadable(field, "is more money than Stripe accepts")
        return value

    def currency(self, field: str = "currency") -> str:
        """Return a currency code of three letters, in lower case."""
        value = self.text(field)
        if not _CURRENCY.fullmatch(value):
            raise self.unreadable(field, "is not three letters")
        return value.lower()

    def moment(self, field: str = "created") -> datetime:
        """Return a moment that is given in seconds since 1970."""
        return self._required(field, self.maybe_moment(field))

    def maybe_moment(self, field: str) -> datetime | None:
        """Return a moment that may be missing."""
        value = self.values.get(field)
        if value is None:
            return None
        if type(value) is not int:
            raise self.unreadable(field, f"is {_kind(value)}, not seconds since 1970")
        if not EARLIEST <= value <= LATEST:
            raise self.unreadable(field, "is not a possible moment")
        return datetime.fromtimestamp(value, UTC)

    def flag(self, field: str, missing: bool | None = None) -> bool:
        """Return true or false. `missing` is the value of a missing field, where it may be missing."""
        value = self.values.get(field)
        if value is None and missing is not None:
            return missing
        if not isinstance(value, bool):
            raise self.unreadable(field, "is missing" if value is None else f"is {_kind(value)}, not true or false")
        return value

    def inside(self, field: str) -> Fields:
        """Return the object in a field, or an object without fields where there is none."""
        value = self.values.get(field)
        if isinstance(value, Mapping):
            return Fields(f"{self.what}, {field}", value)
        if value is None or value in ("", []):  # PHP writes an empty object as an empty list, forms as nothing
            return Fields(f"{self.what}, {field}", {})
        raise self.unreadable(field, f"is {_kind(value)}, not an object")

    def metadata(self) -> dict[str, str]:
        """Return the metadata that the shop wrote: texts by key."""
        inside = self.inside("metadata")
        for key, value in inside.values.items():
            inside._text("a key", key)
            inside._text(key[:80], value)
        return dict(inside.values)


def fields(what: str, values: Mapping[str, Any]) -> Fields:
    """Return the fields of an object, which errors name by its id where it has a valid one."""
    found = values.get("id")
    named = isinstance(found, str) and _ID.fullmatch(found)
    return Fields(f"{what} {found}" if named else what, values)


def storable(text: str) -> bool:
    """Return whether PostgreSQL can store the text: it has no null character and no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _kind(value: object) -> str:
    known = {bool: "true or false", int: "a number", float: "a number with decimals", str: "a text", type(None): "null"}
    return known.get(type(value), "a list" if isinstance(value, list) else "an object")
