"""Adds one product with its variants, as typed on a page. It is a catalogue whose rows must all be new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from core.catalog.extras import as_json, extras, read_values
from core.catalog.file import CatalogLine, read_line
from core.catalog.imports import CatalogImport, lines_as_json, refused_rows
from core.catalog.size_runs import MOST_SIZES as MOST_VARIANTS
from core.foundation.barcodes import code_key
from core.foundation.cells import Problem
from core.foundation.errors import InvalidInput, invalid
from core.foundation.model import Actor
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import asker

_ADD = text(
    """select * from stockroom_api.add_product(:key, :user_id, :session_id, cast(:roles as text[]), :name,
              cast(:lines as jsonb), :to_known, :into_sample, cast(:extra as jsonb))"""
)
_COLUMNS = ("product", "brand", "color", "price", "unit_cost", "reorder_point", "sku", "size", "opening")
_LABELS = {
    "product": "Product", "brand": "Brand", "color": "Colour", "price": "Price", "unit_cost": "Unit cost",
    "reorder_point": "Reorder point", "sku": "SKU", "size": "Size", "opening": "Units",
}  # fmt: skip
_OF_VARIANT = ("sku", "opening")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVariant:
    """A variant as typed. `units` are counted as its initial stock; None leaves it uncounted at zero."""

    sku: str
    size: str = ""
    units: int | None = None


def add_product(
    connection: Connection,
    actor: Actor,
    *,
    product: str,
    variants: Sequence[NewVariant],
    key: str,
    brand: str = "",
    price: str = "",
    color: str = "",
    unit_cost: str = "",
    reorder_point: int | None = None,
    to_known: bool = False,
    into_sample: bool = False,
    values: Sequence[str] = (),
) -> CatalogImport:
    """Add a product with its variants, alike but for SKU and size, and count their units as the initial stock.

    `to_known` adds the variants to the product of this name. `values` (`status=active`) are for the shop's own columns.
    Raises InvalidInput for a value that does not fit, for a SKU or product that the shop has already (`is_known`), and
    where the shop holds the sample data and `into_sample` is not set; KeyReused, Forbidden, SignInRequired.
    """
    of_all = (product, brand, color, price, unit_cost, "" if reorder_point is None else str(reorder_point))
    lines = _lines(of_all, variants)
    given = read_values(values, extras(connection, actor)) if values else {}
    sent = {
        "key": clean(key, "key", 200),
        "lines": lines_as_json(lines),
        "to_known": to_known,
        "into_sample": into_sample,
        "extra": as_json(given),
    }
    try:
        done = connection.execute(_ADD, asker(actor, Permission.IMPORT_CATALOG) | sent).one()
    except DBAPIError as error:
        if problems := refused_rows(error):
            raise _refusal(problems, variants) from error
        raise
    return CatalogImport(**done._mapping)


def _lines(of_all: Sequence[str], variants: Sequence[NewVariant]) -> list[CatalogLine]:
    if not 1 <= len(variants) <= MOST_VARIANTS:
        raise invalid("sizes", f"must be 1 to {MOST_VARIANTS}")
    problems: list[Problem] = []
    lines = []
    for number, each in enumerate(variants, start=1):
        typed = (*of_all, each.sku, each.size, "" if each.units is None else str(each.units))
        lines.append(read_line(number, _COLUMNS, [value.strip() for value in typed], problems))
    problems += _repeated(lines)
    if problems:
        raise _refusal(problems, variants)
    return lines


def _repeated(lines: Iterable[CatalogLine]) -> Iterator[Problem]:
    """Yield a problem for each SKU that is typed twice, in any letter case and writing."""
    first: dict[str, CatalogLine] = {}
    for line in lines:
        same = first.setdefault(code_key(line.sku).casefold(), line)
        if line.sku and same is not line:
            of = f"of size {same.size}" if same.size else "above"
            yield Problem(line=line.line, field="sku", why=f"is also the SKU {of}", value=line.sku)


def _refusal(problems: Sequence[Problem], variants: Sequence[NewVariant]) -> InvalidInput:
    """Return all problems as sentences, each once: those of the product are the same for every variant."""
    sentences = dict.fromkeys(_sentence(problem, variants[problem.line - 1]) for problem in problems)
    return InvalidInput(" ".join(sentences), field=problems[0].field, why=problems[0].why)


def _sentence(problem: Problem, variant: NewVariant) -> str:
    of = f" of size {variant.size}" if problem.field in _OF_VARIANT and variant.size else ""
    value = "" if problem.value is None else f' "{problem.value}"'
    return f"{_LABELS.get(problem.field, problem.field.capitalize())}{of}{value} {problem.why}."
