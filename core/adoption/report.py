"""The report of a plan: what was found in an existing database, and what adopting it does."""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that was found. Each sentence of `obstacles` prevents adopting."""

    findings: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    already: str | None = None
    """Why there is nothing to do, or None."""

    @property
    def possible(self) -> bool:
        """Whether the database can be adopted."""
        return not self.obstacles

    def found(self, what: str, found: str, then: str) -> None:
        """Add a line to the table."""
        self.findings.append(Finding(what=what, found=found, then=then))


def listed(names: list[str], most: int = 5) -> str:
    """Return names separated by commas; of more than `most` only the first, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
