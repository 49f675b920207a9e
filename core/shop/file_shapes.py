"""What people chose about the columns of their files, remembered for the next file of that shape and purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from core.database import engine as database
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ask

MOST = 100
LONGEST = 300
_PURPOSE = re.compile(r"[a-z_]{1,40}")
_SHAPE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShape:
    """What was chosen about a shape: the title of each field (None: no column), the answer to each question."""

    columns: Mapping[str, str | None]
    answers: Mapping[str, str]
    remembered_by: str


@database.one_statement
def recall_shape(connection: Connection, actor: Actor, *, purpose: str, shape: str) -> FileShape | None:
    """Return what was chosen about files of this shape. Raises InvalidInput, Forbidden, SignInRequired."""
    values = {"purpose": _checked(purpose, "purpose", _PURPOSE), "shape": _checked(shape, "shape", _SHAPE)}
    rows = ask(connection, actor, Permission.VIEW, "file_shape", **values)
    return FileShape(columns=rows[0][0], answers=rows[0][1], remembered_by=rows[0][2]) if rows else None


@database.one_statement
def remember_shape(
    connection: Connection,
    actor: Actor,
    *,
    purpose: str,
    shape: str,
    columns: Mapping[str, str | None],
    answers: Mapping[str, str],
) -> None:
    """Remember what was chosen about files of this shape. Raises InvalidInput, Forbidden, SignInRequired."""
    values = {
        "purpose": _checked(purpose, "purpose", _PURPOSE),
        "shape": _checked(shape, "shape", _SHAPE),
        "columns": _as_json(columns, "columns"),
        "answers": _as_json(answers, "answers"),
    }
    ask(connection, actor, Permission.RECEIVE, "remember_file_shape", **values)


def _checked(value: str, field: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(value):
        raise invalid(field, "is not known")
    return value


def _as_json(chosen: Mapping[str, str | None], field: str) -> str:
    texts = [each for pair in chosen.items() for each in pair if each is not None]
    if len(chosen) > MOST or any(len(each) > LONGEST or "\0" in each for each in texts):
        raise invalid(field, "are too many or too long")
    return json.dumps(dict(chosen))
