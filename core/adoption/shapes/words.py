"""What `--map` says about columns, and what their names say: whether a row is sold, which units cannot be sold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from core.adoption.look import Column, Table

_DAMAGED = (
    *("damage_quantity", "damaged_quantity", "damaged_stock", "damaged", "defective", "defective_quantity"),
    *("quarantined", "quarantine_quantity", "quarantined_quantity", "on_hold", "on_hold_quantity", "reserved_damaged"),
)
"""Names of columns with units that cannot be sold."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENDED = re.compile(r"(is_)?(archived|deleted|disabled|discontinued|hidden)")
NOT_SOLD = (
    *("archived", "deleted", "disabled", "discontinued", "draft", "hidden", "inactive", "removed", "unavailable"),
    *("unlisted", "unpublished"),
)
ON_PRODUCTS = ("sku", "stock_quantity", "is_active")
"""Of products: what a product without variants gives the one variant that it becomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A value that is computed from an old column: divided by `by`, or the text under `key` of a jsonb column."""

    column: str
    by: int | None = None
    key: str | None = None


class Words(dict[tuple[str, str], str]):
    """What `--map` says: (table, their column) -> our column; `made` has the computed ones by table and our column."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[tuple[str, str], list[Made]] = {}
        self.ignored: set[tuple[str, str]] = set()

    def decided(self, table: str) -> set[str]:
        """Return our columns that the words name for this table."""
        plain = {ours for (name, _), ours in self.items() if name == table}
        return plain | {ours for name, ours in self.made if name == table}


def snake(name: str) -> str:
    """Return a name as SQL usually writes it: `stockQuantity` is stock_quantity."""
    return _HUMP.sub("_", name).lower()


def damaged_columns(table: Table, mapping: Words) -> tuple[Column, ...]:
    """Return the columns of units that cannot be sold: those with a known name, and those that `--map` names."""
    named = {column for (name, column), ours in mapping.items() if name == table.name and ours == "damaged"}
    known, decided = {*_DAMAGED}, {*mapping, *mapping.ignored}
    return tuple(
        column
        for column in table.columns.values()
        if (column.name in named or (snake(column.name) in known and (table.name, column.name) not in decided))
        and column.category == "N"
    )


def is_flag(column: Column | None, ended: bool = False) -> sql.SQL | None:
    """Return the SQL that says whether a row is sold, by its old column {c}; None if the column cannot say.

    `ended`: only columns that say that something is no longer sold, such as `deleted_at`.
    """
    if column is None or (ended and column.category != "D" and not _ENDED.fullmatch(snake(column.name))):
        return None
    if column.category == "D":
        return sql.SQL("{c} is null")
    if column.category == "B":
        return sql.SQL("not coalesce({c}, false)" if _ENDED.fullmatch(snake(column.name)) else "coalesce({c}, true)")
    if column.category not in "SE":
        return None
    words = ", ".join(f"'{word}'" for word in NOT_SOLD)
    return sql.SQL(f"coalesce(lower(btrim({{c}}::text)) not in ({words}), true)")


def flag_back(table: Table, how: Sequence[Made]) -> LiteralString | None:
    """Return the SQL that computes the old column from is_active ({c}), or None if nothing can."""
    column = table.columns[how[0].column]
    if len(how) > 1 or column.category != "B":
        return None
    return "not {c}" if _ENDED.fullmatch(snake(column.name)) else "{c}"
