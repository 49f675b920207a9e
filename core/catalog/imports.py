"""Previews and imports catalogue files. An import applies all of a file or nothing.

A SKU identifies a variant, so importing the same file again changes nothing. A name identifies a product. A known SKU
stays with its product: another product name in its row renames the product.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from core.catalog.extras import Warned, as_json, extras, products_have_prices, read_values, told, uneven, warnings
from core.catalog.file import CatalogFile, CatalogLine, UnreadableCatalog, read_catalog
from core.database.engine import translate
from core.foundation.cells import Problem
from core.foundation.errors import InvalidInput
from core.foundation.model import Actor
from core.foundation.text import clean
from core.people.access import Permission
from core.people.guard import asker
from core.sheets import Choices

_PREVIEW = text(
    """select * from stockroom_api.preview_catalog(:user_id, :session_id, cast(:roles as text[]), :name,
              cast(:lines as jsonb), cast(:extra as jsonb))"""
)
_IMPORT = text(
    """select * from stockroom_api.import_catalog(:key, :user_id, :session_id, cast(:roles as text[]), :name,
              :file_name, cast(:lines as jsonb), :into_sample, cast(:extra as jsonb))"""
)


class RowStatus(StrEnum):
    """What a row would do. The first row of a new product is NEW_PRODUCT, its other rows are NEW_VARIANT."""

    NEW_PRODUCT = "new_product"
    NEW_VARIANT = "new_variant"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A field that would change from `before` (None: empty) to `after`."""

    field: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRow:
    """One row of a catalogue and what it would do."""

    line: CatalogLine
    status: RowStatus
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPreview:
    """What importing a file would do, row by row.

    `told` says which values new rows get in the shop's own columns, `warnings` what they would lack there.
    """

    file_name: str
    rows: tuple[CatalogRow, ...]
    told: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()

    @property
    def counts(self) -> Counter[RowStatus]:
        """How many rows of each kind."""
        return Counter(row.status for row in self.rows)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems of the file; empty if it can be imported."""
        return tuple(problem for row in self.rows for problem in row.problems)

    @property
    def changes_nothing(self) -> bool:
        """Whether the shop has everything that the file says."""
        return not self.units_counted and all(row.status is RowStatus.UNCHANGED for row in self.rows)

    @property
    def products_added(self) -> int:
        """How many products would be new."""
        return self.counts[RowStatus.NEW_PRODUCT]

    @property
    def variants_added(self) -> int:
        """How many variants would be new, including those of new products."""
        return self.counts[RowStatus.NEW_PRODUCT] + self.counts[RowStatus.NEW_VARIANT]

    @property
    def units_counted(self) -> int:
        """How many units the openings would count."""
        new = (RowStatus.NEW_PRODUCT, RowStatus.NEW_VARIANT)
        counted = (
            row for row in self.rows if row.status in new or any(change.field == "opening" for change in row.changes)
        )
        return sum(row.line.opening or 0 for row in counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogImport:
    """The result of an import. `variants_known` existed before and are now as the file says.

    `replayed`: it was done before under the same key, and these are the numbers of that import.
    """

    operation_id: int
    replayed: bool
    products_added: int
    variants_added: int
    variants_known: int
    variants_counted: int
    units_counted: int


def preview_catalog(
    connection: Connection,
    actor: Actor,
    *,
    content: bytes,
    file_name: str,
    values: Sequence[str] = (),
    choices: Choices | None = None,
) -> CatalogPreview:
    """Return what importing this file would do, with `values` (`status=active`) for the shop's own columns.

    Changes nothing. Raises Unreadable if the file as a whole is not a catalogue, InvalidInput for a value that does not
    fit, Forbidden, SignInRequired. Bad rows are in the result.
    """
    return preview_file(connection, actor, file=read_catalog(content, file_name, choices), values=values)


def preview_file(
    connection: Connection, actor: Actor, *, file: CatalogFile, values: Sequence[str] = ()
) -> CatalogPreview:
    """Return what importing a file that was read would do. Otherwise as `preview_catalog`."""
    columns = extras(connection, actor)
    given = read_values(values, columns)
    sent = {"lines": lines_as_json(file.good), "extra": as_json(given)}
    planned = connection.execute(_PREVIEW, asker(actor, Permission.IMPORT_CATALOG) | sent)
    plans = {plan.line: plan for plan in planned}
    problems: dict[int, list[Problem]] = {}
    for problem in file.problems:
        problems.setdefault(problem.line, []).append(problem)
    rows = tuple(_row(line, plans.get(line.line), problems.get(line.line, ())) for line in file.lines)
    bare = CatalogPreview(file_name=file.name, rows=rows)
    added = {"product": bare.products_added, "variant": bare.variants_added}
    warned = [*warnings(columns, given, added), *_uneven(connection, bare)]
    return replace(bare, told=told(columns, given, added), warnings=tuple(warned))


def import_catalog(
    connection: Connection,
    actor: Actor,
    *,
    content: bytes,
    file_name: str,
    key: str,
    into_sample: bool = False,
    values: Sequence[str] = (),
    choices: Choices | None = None,
) -> CatalogImport:
    """Import a file into the catalogue, all of it or nothing. Openings are posted as one initial count.

    `values` (`status=active`) are for the shop's own columns of new rows. Raises Unreadable, UnreadableCatalog naming
    every bad row, KeyReused, Forbidden, SignInRequired, and InvalidInput for a value that does not fit, or where the
    shop holds the sample data and `into_sample` is not set.
    """
    file = read_catalog(content, file_name, choices)
    return import_file(connection, actor, file=file, key=key, into_sample=into_sample, values=values)


def import_file(
    connection: Connection,
    actor: Actor,
    *,
    file: CatalogFile,
    key: str,
    into_sample: bool = False,
    values: Sequence[str] = (),
) -> CatalogImport:
    """Import a file that was read. Otherwise as `import_catalog`."""
    file_name = file.name
    if file.problems:
        raise UnreadableCatalog(file_name, preview_file(connection, actor, file=file).problems)
    given = read_values(values, extras(connection, actor)) if values else {}
    sent = {
        "key": clean(key, "key", 200),
        "file_name": clean(file_name, "file name", 255),
        "lines": lines_as_json(file.lines),
        "into_sample": into_sample,
        "extra": as_json(given),
    }
    try:
        done = connection.execute(_IMPORT, asker(actor, Permission.IMPORT_CATALOG) | sent).one()
    except DBAPIError as error:
        if problems := refused_rows(error):
            raise UnreadableCatalog(file_name, problems) from error
        raise
    return CatalogImport(**done._mapping)


def refused_rows(error: DBAPIError) -> list[Problem]:
    """Return the rows that the database refused; none if the error is another one."""
    refusal = translate(error)
    facts = refusal.facts.get("problems", []) if isinstance(refusal, InvalidInput) else []
    return [Problem(**fact) for fact in facts]


def _uneven(connection: Connection, found: CatalogPreview) -> Iterator[Warned]:
    names = {row.line.product for row in found.rows if row.status is RowStatus.NEW_PRODUCT}
    prices: dict[str, set[Decimal]] = {name: set() for name in names}
    for row in found.rows:
        if row.line.product in names and row.line.price is not None:
            prices[row.line.product].add(row.line.price)
    if any(len(each) > 1 for each in prices.values()) and products_have_prices(connection):
        yield from uneven(prices)


def _row(line: CatalogLine, plan: Any | None, problems: Sequence[Problem]) -> CatalogRow:
    if plan is None:
        return CatalogRow(line=line, status=RowStatus.ERROR, changes=(), problems=tuple(problems))
    return CatalogRow(
        line=line,
        status=RowStatus(plan.status),
        changes=tuple(Change(**change) for change in plan.changes),
        problems=tuple(Problem(line=line.line, **problem) for problem in plan.problems),
    )


def lines_as_json(lines: Sequence[CatalogLine]) -> str:
    """Return rows as the database takes them. An empty value is left out: a large file is half as long without them."""
    names = [each.name for each in fields(CatalogLine)]
    known = ({name: value for name in names if (value := getattr(line, name)) is not None} for line in lines)
    return f"[{','.join(json.dumps(each, default=str) for each in known)}]"
