"""What looking at an existing database found, and what adopting it does: said in tables and sentences."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found, and what becomes of it."""

    what: str
    found: str
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A row of the old history that cannot go into the ledger, and why. It stays in `stock_movements_legacy`."""

    row_id: str
    what: str
    why: str


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that was found: `obstacles` are sentences that each keep the shop from moving in."""

    findings: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    already: str | None = None
    """Why there is nothing to do, where that is so."""

    @property
    def possible(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.obstacles

    def found(self, what: str, found: str, then: str) -> None:
        """Add a line to the table."""
        self.findings.append(Finding(what=what, found=found, then=then))


def listed(names: list[str], most: int = 5) -> str:
    """Return names with commas; of many only the first, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
