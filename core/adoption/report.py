"""The report of a plan: what was found in an existing database, and what adopting it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.foundation.text import many


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found, and what happens to it."""

    what: str
    found: str
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A row of the old history that cannot be carried over, and why. It stays in its table."""

    row_id: str
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a column of theirs seems to be of ours, why, and the word of `--map` that says so."""

    word: str
    theirs: str
    ours: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Guesses that need the shop's word: three rows as they would stand, and the command that adopts with them."""

    guesses: tuple[Guess, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    command: str

    def lines(self) -> list[str]:
        """Return the proposal as lines of text."""
        lines = ["This mapping is proposed:"]
        lines += lined(["column", "becomes", "because"], [[each.theirs, each.ours, each.why] for each in self.guesses])
        if self.rows:
            lines += [
                "",
                f"{many(len(self.rows), 'row')} as they would stand:",
                *lined([*self.heads], [[*row] for row in self.rows]),
            ]
        return [*lines, "", "If this is right, adopt with:", f"  {self.command}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceExample:
    """A variant: its plain price, its values of the columns that may change it, and what it would cost."""

    sku: str
    plain: str
    parts: tuple[str, ...]
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceCheck:
    """Columns that may change a price, with examples by `words` (given with --price), or else by `proposal`.

    `doubt` names the columns while nothing is confirmed. `unpriced`: how many variants would have no price.
    """

    columns: tuple[str, ...]
    examples: tuple[PriceExample, ...]
    words: str | None
    proposal: str
    doubt: str | None
    unpriced: int


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that was found. Each sentence of `obstacles` prevents adopting."""

    findings: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    cannot: str = ""
    """The one sentence why the database cannot be adopted in any way, and what to do instead."""
    proposal: Proposal | None = None
    already: str | None = None
    """Why there is nothing to do, or None."""
    prices: PriceCheck | None = None
    """What may change a price, or None where the plain price is all there is."""

    @property
    def possible(self) -> bool:
        """Whether the database can be adopted."""
        return not self.obstacles

    def found(self, what: str, found: str, then: str) -> None:
        """Add a line to the table."""
        self.findings.append(Finding(what=what, found=found, then=then))


def stands_on(relation: Any) -> str:
    """Return what to do about a relation that depends on the old tables and is not a plain view. Rows are never lost.

    `relation`: a row of dependents.sql.
    """
    name = relation.name
    if not relation.has_rows:
        return f"{name} depends on the old tables and is not a plain view. Drop it, adopt, and create it again."
    if relation.part_of:
        return f"{name} is a part of {relation.part_of} and holds rows. Do not drop it. {one_table(relation.part_of)}"
    if relation.typed:
        return (
            f"{name} has a column with whole rows of an old table ({relation.typed}). Do not drop it, or these are "
            f'lost. Change the type first: alter table {name} alter column "{relation.typed}" type jsonb using '
            f'to_jsonb("{relation.typed}").'
        )
    return f"{name} depends on the old tables and holds rows. Do not drop it: change what depends on them first."


def one_table(name: str) -> str:
    """Return how the rows of something that is no plain table come into one."""
    return (
        f"Rename {name}, create a plain table with its name (create table ... (like ... including all)), copy every "
        "row into it, and let views and foreign keys use it. Then adopt."
    )


def listed(names: list[str], most: int = 5) -> str:
    """Return names separated by commas; of more than `most` only the first, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def lined(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Return rows under heads; every column but the last as wide as its longest word."""
    widths = [max(len(row[n]) for row in [heads, *rows]) for n in range(len(heads) - 1)]
    return [_line(row, widths) for row in ([heads, *rows] if rows else [])]


def _line(row: list[str], widths: list[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
