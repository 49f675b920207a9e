"""Edits variants and their products by hand: compare and set, a field at a time.

An edit names the value that the person saw. If somebody else has changed it since, the whole operation is refused; two
people who edit different fields both succeed. Every change stays on record, with who made it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation import numbers
from core.foundation.errors import InvalidInput, invalid
from core.foundation.model import MAX_UNITS, Actor
from core.foundation.text import clean, clean_line
from core.people.access import Permission
from core.people.guard import ASKER, asker, require
from core.sheets.reading import MAX_AMOUNT

MOST_EDITS = 3_000
LONGEST_SHELF_PLACE = 40
LONGEST_ADDRESS = 1_000
_ADDRESS = re.compile(r"https://[!-~]+|/picture/[0-9a-f]{64}", re.ASCII)
_VALUES = """select variant_id, field, value from stockroom_api.variant_values
              where variant_id = any (cast(%(variants)s as uuid[]))"""
_CHANGES = "select * from stockroom_api.changes_of_variant(%(variant)s, %(count)s)"


class Field(StrEnum):
    """What can be edited. PRODUCT (its name) and BRAND are those of the product, which its variants share."""

    PRODUCT = "product"
    BRAND = "brand"
    SKU = "sku"
    SIZE = "size"
    COLOR = "color"
    PRICE = "price"
    UNIT_COST = "unit_cost"
    REORDER_POINT = "reorder_point"
    SHELF_PLACE = "shelf_place"
    PICTURE = "picture"
    ACTIVE = "active"


class ChangeSource(StrEnum):
    """How a change came: on a page, from a file, or directly in the shop's tables, without Stockroom."""

    PAGE = "page"
    FILE = "file"
    DIRECT = "direct"


ON_SHELF = frozenset({Field.REORDER_POINT, Field.SHELF_PLACE})
"""What the warehouse may edit too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A value to change: `before` as `values` returned it, `after` as a person typed it. Empty is None or ''."""

    variant_id: UUID
    field: Field
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedValue:
    """A value that was changed. `variant_id` and `sku` are None for a value of the product."""

    operation_id: int
    replayed: bool
    variant_id: UUID | None
    sku: str | None
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantChange:
    """A change on record. `field` is a `Field`, `added`, or a column of the shop's own."""

    change_id: int
    field: str
    before: str | None
    after: str | None
    source: ChangeSource
    performed_by: str
    at: datetime


def values(connection: Connection, actor: Actor, *, variant_ids: Iterable[UUID]) -> dict[UUID, dict[Field, str | None]]:
    """Return the present values of variants, as texts that an `Edit` takes as `before`. Unknown ones are missing."""
    require(connection, actor, Permission.VIEW)
    found: dict[UUID, dict[Field, str | None]] = {}
    for variant_id, field, value in call(connection, _VALUES, {"variants": array(variant_ids)}):
        found.setdefault(variant_id, {})[Field(field)] = value
    return found


def changes(connection: Connection, actor: Actor, *, variant_id: UUID, limit: int = 50) -> tuple[VariantChange, ...]:
    """Return the latest changes of a variant and of its product, newest first."""
    require(connection, actor, Permission.VIEW)
    rows = call(connection, _CHANGES, {"variant": variant_id, "count": limit})
    return rows_of(VariantChange, rows, source=ChangeSource)


def edit(
    connection: Connection, actor: Actor, *, edits: Sequence[Edit], key: str, mark: str = ""
) -> tuple[EditedValue, ...]:
    """Change values, all of them or none, and return what was changed; values that are so already are left out.

    `mark` separates thousands for the person (`numbers.group_mark`). Raises EditedMeanwhile with the values that
    somebody else has changed, InvalidInput for a value that does not fit, UnknownVariant, KeyReused, Forbidden,
    SignInRequired.
    """
    if not 1 <= len(edits) <= MOST_EDITS:
        raise invalid("edits", f"must be 1 to {MOST_EDITS:,}")
    wanted = [
        {
            "variant_id": str(each.variant_id),
            "field": each.field.value,
            "before": each.before or None,
            "after": read(each.field, each.after, mark),
        }
        for each in edits
    ]
    sent = {"key": clean(key, "key", 200), "edits": json.dumps(wanted)}
    statement = f"select * from stockroom_api.edit_variants(%(key)s, {ASKER}, cast(%(edits)s as jsonb))"  # noqa: S608 - nothing of a caller is in it
    permission = permission_for(each.field for each in edits)
    return rows_of(EditedValue, call(connection, statement, asker(actor, permission) | sent))


def permission_for(fields: Iterable[Field]) -> Permission:
    """Return what one must be allowed to edit these fields."""
    return Permission.EDIT_SHELF if ON_SHELF.issuperset(fields) else Permission.EDIT_VARIANT


def read(field: Field, typed: str | None, mark: str = "") -> str | None:
    """Return a typed value as it is stored; None is empty. Raises InvalidInput that says what is wrong with it."""
    text = unicodedata.normalize("NFC", (typed or "").strip())
    if not text and field not in _NEVER_EMPTY:
        return "0" if field is Field.REORDER_POINT else None
    try:
        return _READERS[field](text, mark)
    except InvalidInput as error:
        label = LABELS[field]
        raise InvalidInput(f"{label} {error.why}.", field=field.value, why=error.why) from error


def _line(longest: int) -> Callable[[str, str], str]:
    def read_line(text: str, _: str) -> str:
        return clean_line(text, "value", longest)

    return read_line


def _amount(text: str, mark: str) -> str:
    found = numbers.amount(text, "value", digits=2, mark=mark)
    if not 0 <= found <= MAX_AMOUNT:
        raise invalid("value", f"must be 0 to {MAX_AMOUNT:,}")
    return str(found.quantize(Decimal("0.01")))


def _units(text: str, mark: str) -> str:
    return str(numbers.whole(text, "value", lowest=0, highest=MAX_UNITS, mark=mark))


def _picture(text: str, _: str) -> str:
    if not _ADDRESS.fullmatch(text) or len(text) > LONGEST_ADDRESS:
        why = f"must be an address that begins with https://, of at most {LONGEST_ADDRESS:,} characters and no spaces"
        raise invalid("value", why)
    return text


def _yes_or_no(text: str, _: str) -> str:
    if text not in ("yes", "no"):
        raise invalid("value", "is neither yes nor no")
    return text


_NEVER_EMPTY = frozenset({Field.PRODUCT, Field.SKU, Field.ACTIVE})
LABELS: Mapping[Field, str] = {
    Field.PRODUCT: "Product",
    Field.BRAND: "Brand",
    Field.SKU: "SKU",
    Field.SIZE: "Size",
    Field.COLOR: "Colour",
    Field.PRICE: "Price",
    Field.UNIT_COST: "Unit cost",
    Field.REORDER_POINT: "Reorder point",
    Field.SHELF_PLACE: "Shelf place",
    Field.PICTURE: "Picture",
    Field.ACTIVE: "Active",
}
"""The words for fields, as pages and refusals use them."""
_READERS: Mapping[Field, Callable[[str, str], str]] = {
    Field.PRODUCT: _line(300),
    Field.BRAND: _line(100),
    Field.SKU: _line(80),
    Field.SIZE: _line(40),
    Field.COLOR: _line(100),
    Field.PRICE: _amount,
    Field.UNIT_COST: _amount,
    Field.REORDER_POINT: _units,
    Field.SHELF_PLACE: _line(LONGEST_SHELF_PLACE),
    Field.PICTURE: _picture,
    Field.ACTIVE: _yes_or_no,
}
