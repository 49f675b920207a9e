"""Reading the house: its Python as syntax trees, its SQL without comments, and every text file that belongs to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "dashboard", "pages", "tests")
SQL_FILES = sorted((ROOT / "core" / "sql").glob("*/*.sql"))
MIGRATIONS = sorted((ROOT / "core" / "migrations").rglob("*.sql"))


def python_files(*rooms: str) -> list[Path]:
    """The Python files of some rooms."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def packages(room: str) -> list[Path]:
    """The packages of a room: its folders with an `__init__.py`."""
    return sorted(path.parent for path in (ROOT / room).glob("*/__init__.py"))


def name(path: Path) -> str:
    """A file as the house calls it: `core/ledger/changes.py`."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """A Python file as a syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Every node of a Python file."""
    return list(ast.walk(tree(path)))


@cache
def imports(path: Path) -> set[str]:
    """Every module a file imports, anywhere in it: `from core import ledger` is `core.ledger` (and `core`)."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a Python file, inner ones too."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def sql(path: Path) -> str:
    """An SQL file without its comments; the line numbers stay."""
    return re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))


def texts() -> Iterator[tuple[str, str]]:
    """Every text file that belongs to the project: name and content."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for room in (*ROOMS, ".ci", ".streamlit", "docs"):
        paths += (path for path in (ROOT / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    for path in sorted(paths):
        try:
            yield name(path), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a font
