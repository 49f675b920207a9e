"""Labels for variants: what is on them, and how many of each. `label_sheets` and `label_zpl` print them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call
from core.database.reading import read_only
from core.foundation.barcodes import is_gtin
from core.foundation.errors import UnknownVariant, invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require

MOST_LABELS = 3_000
"""Labels in one file."""
_LABELS = "select * from stockroom_api.labels_of(cast(%(ids)s as uuid[]))"
_OF_OPERATION = "select variant_id, sku, units from stockroom_api.units_of_operation(%(id)s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is on a label, and how many of it are printed. `code` is what its barcode says."""

    sku: str
    name: str
    size: str | None
    color: str | None
    code: str
    count: int = 1

    @property
    def about(self) -> str:
        """Size and color on one line, or nothing."""
        return ", ".join(filter(None, (self.size, self.color)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How many labels of a variant a receipt needs: one for each unit."""

    variant_id: UUID
    sku: str
    units: int


@read_only
def labels(connection: Connection, actor: Actor, *, counts: Mapping[UUID, int]) -> tuple[Label, ...]:
    """Return the labels of variants, with how many of each; a variant with none is left out.

    Raises InvalidInput for a number that does not fit and for more than `MOST_LABELS` in all, UnknownVariant.
    """
    require(connection, actor, Permission.VIEW)
    if any(type(count) is not int or count < 0 for count in counts.values()):
        raise invalid("labels", "must be a whole number of each, zero or more")
    wanted = {variant: count for variant, count in counts.items() if count}
    total = sum(wanted.values())
    if not 1 <= total <= MOST_LABELS:
        raise invalid("labels", f"must be 1 to {MOST_LABELS:,} in one file (these are {total:,})")
    rows = call(connection, _LABELS, {"ids": array(wanted)})
    if len(rows) < len(wanted):
        missing = set(wanted) - {row[0] for row in rows}
        raise UnknownVariant("A variant is not in the catalogue.", variants=[str(each) for each in missing])
    return tuple(
        Label(sku=sku, name=name, size=size, color=color, code=code, count=wanted[variant])
        for variant, sku, name, size, color, code in rows
    )


@read_only
def labels_of_operation(connection: Connection, actor: Actor, *, operation_id: int) -> tuple[Wanted, ...]:
    """Return how many labels an operation such as a receipt needs: one for each unit that it put on the shelf."""
    require(connection, actor, Permission.VIEW)
    rows = call(connection, _OF_OPERATION, {"id": operation_id})
    return tuple(Wanted(variant_id=variant, sku=sku, units=int(units)) for variant, sku, units in rows)


def symbol(code: str) -> tuple[str, str]:
    """Return the kind of barcode for a code, and what it encodes: a GTIN as a shop's scanner expects it, else Code 128.

    The kinds are `EAN13`, `EAN8`, `UPCA`, `Code128`, and `QR` for letters that Code 128 lacks.
    """
    if is_gtin(code):
        bare = code.lstrip("0")
        if len(code) == 8:
            return "EAN8", code
        if len(bare) <= 12:
            return "UPCA", bare.zfill(12)
        if len(bare) == 13:
            return "EAN13", bare
    return ("Code128" if code.isascii() and code.isprintable() else "QR"), code


def shortened(text: str, *, most: int) -> str:
    """Return a text of at most `most` characters, cut after a word where one ends late enough, with an ellipsis."""
    if len(text) <= most:
        return text
    cut = text[: max(most - 1, 1)]
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) >= most * 0.6 else cut).rstrip(" ,;-") + "…"
