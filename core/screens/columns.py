"""What a list as a file is made of: its columns, their types, and who may have it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.people.access import Permission


class Kind(StrEnum):
    """The type of a column, as the file of columns names it."""

    TEXT = "text"
    WHOLE = "whole number"
    MONEY = "exact decimal"
    DECIMAL = "decimal"
    MOMENT = "moment"
    DAY = "day"
    YES = "true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `about` says what it holds where its name does not. `is_buyer`: it names a buyer."""

    name: str
    kind: Kind
    about: str = ""
    is_buyer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFile:
    """A list: its title, who may have it, its columns, and the columns it is sorted by (`-` means descending)."""

    name: str
    title: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    permission: Permission = Permission.VIEW

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(column.name for column in self.columns)


_KINDS = {
    "": Kind.TEXT, "buyer": Kind.TEXT, "int": Kind.WHOLE, "money": Kind.MONEY, "decimal": Kind.DECIMAL,
    "at": Kind.MOMENT, "day": Kind.DAY, "yes": Kind.YES,
}  # fmt: skip


def _column(text: str) -> Column:
    """Return the column of a text such as `on_hand:int units on the shelf`: its name, its kind and what it holds."""
    head, _, about = text.partition(" ")
    name, _, kind = head.partition(":")
    return Column(name=name, kind=_KINDS[kind], about=about, is_buyer=kind == "buyer")


def declare(
    name: str, title: str, *columns: str, order: str, permission: Permission = Permission.VIEW
) -> tuple[str, ListFile]:
    """Return a list by its name, its columns written as `on_hand:int units on the shelf`."""
    read = tuple(map(_column, columns))
    return name, ListFile(name=name, title=title, columns=read, order=tuple(order.split()), permission=permission)
