"""The codes of a variant besides its SKU and barcode. A scan finds them, and people add and remove them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy import text as sql

from core.database.engine import call, rows_of
from core.foundation.barcodes import LENGTHS, check_digit, is_gtin, read_scan, upc_a
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.text import clean, clean_line, folded
from core.people.access import Permission
from core.people.guard import ask, require

LONGEST_CODE = 80
MOST_IN_CARTON = 100_000
_LONGEST_SCAN = 400
_CHOICES = "select * from stockroom_api.code_choices(%(code)s)"
_OF_VARIANT = sql(
    """select code_id, kind, code, units, added_by, added_at
         from stockroom_api.codes where variant_id = :id order by code_id"""
)


class CodeKind(StrEnum):
    """What a code is. A former SKU is kept when the SKU is renamed; people do not add one."""

    EAN = "ean"
    UPC = "upc"
    CARTON = "carton"
    SUPPLIER = "supplier"
    FORMER_SKU = "former_sku"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A variant that a code means. `kind`: `sku`, `barcode` or a `CodeKind`; `units`: what a scan of it counts."""

    variant_id: UUID
    sku: str
    kind: str
    code: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantCode:
    """A code that people gave a variant. `units` is more than one only for a carton."""

    code_id: int
    kind: CodeKind
    code: str
    units: int
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A code was given to a variant. `replayed`: it was done before under the same key."""

    code_id: int | None
    replayed: bool


def find(connection: Connection, actor: Actor, *, text: str) -> Found | None:
    """Return the variant that a scanned or typed code means, or None if no variant has it.

    A SKU, a barcode, a code of any kind, or a GS1 element string, whose count multiplies `units`. Raises InvalidInput
    with the fact `choices` (variant_id, sku) if several variants have the code; Forbidden, SignInRequired.
    """
    found = choices(connection, actor, text=text)
    if len(found) > 1:
        listed = ", ".join(each.sku for each in found)
        several = [{"variant_id": str(each.variant_id), "sku": each.sku} for each in found]
        raise invalid("code", f"belongs to several variants: {listed}. Choose one of them", choices=several)
    return found[0] if found else None


def choices(connection: Connection, actor: Actor, *, text: str) -> tuple[Found, ...]:
    """Return every variant that a scanned or typed code can mean: normally one or none, at most ten."""
    require(connection, actor, Permission.VIEW)
    for scanned in read_scan(text[:_LONGEST_SCAN].replace("\0", "")):
        rows = call(connection, _CHOICES, {"code": scanned.code}) if scanned.code else []
        if rows:
            return tuple(replace(each, units=each.units * scanned.count) for each in rows_of(Found, rows))
    return ()


def attach(
    connection: Connection, actor: Actor, *, variant_id: UUID, code: str, kind: str, units: int = 1, key: str
) -> Attached:
    """Give a code to a variant. A carton has its quantity in `units`.

    Raises InvalidInput for a wrong check digit, with the right one, for a code that this or another variant has already
    and for values that do not fit; UnknownVariant, KeyReused, Forbidden, SignInRequired.
    """
    written, number = _checked(code, kind)
    if type(units) is not int or not 1 <= units <= MOST_IN_CARTON:
        raise invalid("units", f"must be a whole number from 1 to {MOST_IN_CARTON:,}")
    if units != 1 and kind != CodeKind.CARTON:
        raise invalid("units", "are only for a carton: another code counts one unit")
    if units == 1 and kind == CodeKind.CARTON:
        raise invalid("units", "of a carton must be 2 or more")
    values = {"key": clean(key, "key", 200), "variant_id": variant_id, "code": written, "number": number}
    rows = ask(connection, actor, Permission.ATTACH_CODE, "attach_code", **values, kind=str(kind), units=units)
    return rows_of(Attached, rows)[0]


def detach(connection: Connection, actor: Actor, *, code_id: int) -> None:
    """Take a code away from its variant; one that is gone already stays gone.

    Raises InvalidInput for a former SKU, which stays; Forbidden, SignInRequired.
    """
    ask(connection, actor, Permission.ATTACH_CODE, "detach_code", code_id=code_id)


def of_variant(connection: Connection, actor: Actor, *, variant_id: UUID) -> tuple[VariantCode, ...]:
    """Return the codes that people gave a variant, the oldest first."""
    require(connection, actor, Permission.VIEW)
    rows = connection.execute(_OF_VARIANT, {"id": variant_id})
    return tuple(VariantCode(**dict(row._mapping) | {"kind": CodeKind(row.kind)}) for row in rows)


def _checked(code: str, kind: str) -> tuple[str, str | None]:
    """Return a code as it is written, and the number it means if it is written in short form."""
    if kind not in set(CodeKind) - {CodeKind.FORMER_SKU}:
        raise invalid("kind", "must be ean, upc, carton or supplier")
    written = clean_line(read_scan(code)[0].code, "code", LONGEST_CODE)
    if kind == CodeKind.SUPPLIER:
        return written, None
    key = folded(written)
    digits = re.fullmatch(r"[0-9]+", key) is not None
    if kind == CodeKind.UPC and (number := upc_a(key)):
        return written, number
    if digits and len(key) in LENGTHS and not is_gtin(key):
        raise invalid(
            "code",
            f"{written} has a wrong check digit: its last digit would have to be {check_digit(key)}, not {key[-1]}",
        )
    if kind in (CodeKind.EAN, CodeKind.UPC) and not is_gtin(key):
        raise invalid("code", f"{written} is not {_EXPECTED[CodeKind(kind)]}")
    return written, None


_EXPECTED = {CodeKind.EAN: "a number of 8, 13 or 14 digits", CodeKind.UPC: "a number of 12 digits"}
