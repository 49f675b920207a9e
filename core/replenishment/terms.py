"""The terms on which goods are ordered: of a variant, its brand or the shop; the most specific value counts.

An edit names the value that the person saw. If somebody else has changed it since, the whole operation is refused; two
people who edit different terms both succeed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import array, call, rows_of
from core.foundation import numbers
from core.foundation.errors import InvalidInput, invalid
from core.foundation.model import Actor
from core.foundation.text import clean, clean_line
from core.people.access import Permission
from core.people.guard import ask, require

MOST_EDITS = 3_000
LONGEST_SUPPLIER = 200
LONGEST_BRAND = 400
_BOUNDS = {"lead_days": (0, 730), "pack_size": (1, 100_000), "cover_days": (0, 730)}
_SET = """select variant_id, brand, supplier, lead_days, pack_size, cover_days, changed_by, changed_at
            from stockroom_api.order_terms"""
_COUNTING = "select * from stockroom_api.variant_terms where variant_id = any (cast(%(variants)s as uuid[]))"


class Term(StrEnum):
    """A term: from whom, days until it arrives, units of a pack, days that the stock is to last."""

    SUPPLIER = "supplier"
    LEAD_DAYS = "lead_days"
    PACK_SIZE = "pack_size"
    COVER_DAYS = "cover_days"


LABELS = {
    Term.SUPPLIER: "Supplier",
    Term.LEAD_DAYS: "Lead time in days",
    Term.PACK_SIZE: "Units in a pack",
    Term.COVER_DAYS: "Cover in days",
}


class Whose(StrEnum):
    """Whose value a term has: the variant's own, the brand's, the shop's, or the usual one that nobody set."""

    VARIANT = "variant"
    BRAND = "brand"
    SHOP = "shop"
    USUAL = "usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms as they were set, of a variant, of a brand, or of the shop (neither). None: not set here."""

    variant_id: UUID | None = None
    brand: str | None = None
    supplier: str | None = None
    lead_days: int | None = None
    pack_size: int | None = None
    cover_days: int | None = None
    changed_by: str | None = None
    changed_at: datetime | None = None

    def text(self, term: Term) -> str | None:
        """Return a term as an `Edit` takes it as `before`."""
        value = getattr(self, term.value)
        return None if value is None else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """The terms that count for a variant, and whose each is."""

    variant_id: UUID
    supplier: str | None
    supplier_of: Whose
    lead_days: int
    lead_of: Whose
    pack_size: int
    pack_of: Whose
    cover_days: int
    cover_of: Whose


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A term to change: `before` as the person saw it, `after` as they typed it. Empty is None or ''."""

    term: Term
    before: str | None
    after: str | None
    variant_id: UUID | None = None
    brand: str | None = None


def of_shop(connection: Connection, actor: Actor) -> tuple[Terms, ...]:
    """Return the terms of the shop, then those of brands, sorted; not those of variants."""
    require(connection, actor, Permission.VIEW)
    rows = call(connection, f"{_SET} where variant_id is null order by brand nulls first", {})
    found = rows_of(Terms, rows)
    return found if found and found[0].brand is None else (Terms(), *found)


def of_variant(connection: Connection, actor: Actor, *, variant_id: UUID) -> tuple[Terms, Counting]:
    """Return a variant's own terms, and those that count for it. Raises InvalidInput if there is no such variant."""
    require(connection, actor, Permission.VIEW)
    own = rows_of(Terms, call(connection, f"{_SET} where variant_id = %(id)s", {"id": variant_id}))
    rows = call(connection, _COUNTING, {"variants": array([variant_id])})
    counting = rows_of(Counting, rows, supplier_of=Whose, lead_of=Whose, pack_of=Whose, cover_of=Whose)
    if not counting:
        raise invalid("variant", "is not in the catalogue")
    return (own[0] if own else Terms(variant_id=variant_id)), counting[0]


def edit(connection: Connection, actor: Actor, *, edits: Sequence[Edit], key: str, mark: str = "") -> bool:
    """Change terms, all of them or none. Return whether this was done before.

    `mark` separates thousands for the person (`numbers.group_mark`). Raises EditedMeanwhile with the values that
    somebody else has changed, InvalidInput, UnknownVariant, KeyReused, Forbidden, SignInRequired.
    """
    if not 1 <= len(edits) <= MOST_EDITS:
        raise invalid("edits", f"must be 1 to {MOST_EDITS:,}")
    if len({(each.variant_id, each.brand, each.term) for each in edits}) < len(edits):
        raise invalid("edits", "change one term twice")
    wanted = [
        {
            "variant_id": str(each.variant_id) if each.variant_id else None,
            "brand": clean_line(each.brand, "brand", LONGEST_BRAND) if each.brand else None,
            "field": each.term.value,
            "before": each.before or None,
            "after": read(each.term, each.after, mark),
        }
        for each in edits
    ]
    rows = ask(
        connection, actor, Permission.SET_ORDER_TERMS, "set_order_terms",
        key=clean(key, "key", 200), edits=json.dumps(wanted),
    )  # fmt: skip
    return bool(rows[0][0])


def read(term: Term, typed: str | None, mark: str = "") -> str | None:
    """Return a typed term as it is stored; None is not set. Raises InvalidInput that says what is wrong with it."""
    text = (typed or "").strip()
    if not text:
        return None
    try:
        if term is Term.SUPPLIER:
            return clean_line(text, "value", LONGEST_SUPPLIER)
        lowest, highest = _BOUNDS[term.value]
        return str(numbers.whole(text, "value", lowest=lowest, highest=highest, mark=mark))
    except InvalidInput as error:
        raise InvalidInput(f"{LABELS[term]} {error.why}.", field=term.value, why=error.why) from error
