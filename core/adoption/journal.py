"""The steps of moving in, each with the statement that takes it back: those, in reverse order, restore everything."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.adoption.look import Database, Statement


@dataclass(slots=True)
class Journal:
    """Does what it is told and remembers how to take it back."""

    database: Database
    backwards: list[str] = field(default_factory=list)

    def do(self, statement: Statement, undo: Statement | None = None) -> None:
        """Run a statement; `undo` is what takes it back."""
        self.database.execute(statement)
        if undo is not None:
            self.remember(undo)

    def remember(self, undo: Statement) -> None:
        """Remember a statement for the way back alone."""
        self.backwards.append(undo.as_string(self.database))
