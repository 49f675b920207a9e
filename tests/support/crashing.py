"""A worker that dies: its connection breaks at a chosen statement, as when its process is killed."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Engine, event

from core.database import engine as database


class Killed(BaseException):
    """The process is gone: nothing handles this, and the database gets no message."""


class Fate:
    """Counts statements and commits down to the one that is not survived.

    `after`: the last thing asked of the database is still done, but nobody learns of it. `is_killed`: the process
    dies; else only its connection is lost, and it goes on.
    """

    def __init__(self, statements: int, *, after: bool, is_killed: bool) -> None:
        self.left = statements
        self.after = after
        self.is_killed = is_killed
        self.struck = False

    def meets(self) -> bool:
        """Whether this statement is the one."""
        self.left -= 1
        self.struck = self.struck or self.left < 0
        return self.left == -1 or (self.struck and self.is_killed)

    def strike(self, connection: psycopg.Connection) -> None:
        """Cut the connection; the server rolls back what was not committed."""
        connection.close()
        raise Killed if self.is_killed else psycopg.OperationalError("the connection is lost")


def doomed_engine(url: str, fate: Fate) -> Engine:
    """Return an engine like the product's own, until its fate strikes."""

    class Doomed(psycopg.Connection[Any]):
        def execute(self, *args: Any, **more: Any) -> Any:
            if not fate.meets():
                return super().execute(*args, **more)
            if fate.after:
                super().execute(*args, **more)
            return fate.strike(self)

        def commit(self) -> None:
            if not fate.meets():
                return super().commit()
            if fate.after:
                super().commit()
            return fate.strike(self)

    engine = database.create_engine(url)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, values: Any) -> Any:
        return Doomed.connect(*args, **values)

    return engine
