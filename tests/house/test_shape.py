"""Size and shape: what one person can read at a sitting, with a word above everything that has a name."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.reading import MIGRATIONS, SQL_FILES, functions, name, python_files, sql, tree

MOST_MODULES = 15
LONGEST_FILE = 300
LONGEST_TEST_FILE = 400  # tables of cases are long and read quickly
LONGEST_FUNCTION = 70
PRODUCT = ("core", "dashboard", "pages")
OBJECT = re.compile(r"create (?:or replace )?(function|view|type|table|aggregate|materialized view) ([\w.]+)")


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_no_folder_holds_more_than_fifteen_modules() -> None:
    """But for the migrations: they are a history, read by number, and only grow."""
    files = [path for path in [*python_files(*PRODUCT, "tests"), *SQL_FILES] if path.name != "__init__.py"]
    counts = Counter(name(path.parent) for path in files)
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {
        "core/migrations/versions": counts["core/migrations/versions"]
    }


def test_no_module_repeats_the_name_of_its_package() -> None:
    files = [path for path in [*python_files(*PRODUCT), *SQL_FILES] if "versions" not in path.parts]
    repeating = [name(path) for path in files if words_of(path.stem) & words_of(path.parent.name)]
    assert repeating == []


def words_of(stem: str) -> set[str]:
    """The words of a file's or folder's name, singular and plural alike: `20_orders` is `order`."""
    return {word.removesuffix("s") for word in stem.split("_") if word.isalpha()}


def test_no_file_of_the_product_is_longer_than_three_hundred_lines() -> None:
    files = [*python_files(*PRODUCT), *SQL_FILES]
    assert {name(path): count for path in files if (count := lines(path)) > LONGEST_FILE} == {}


def test_no_file_of_tests_is_longer_than_four_hundred_lines() -> None:
    assert {name(path): count for path in python_files("tests") if (count := lines(path)) > LONGEST_TEST_FILE} == {}


def test_no_function_is_longer_than_seventy_lines() -> None:
    long = {
        f"{name(path)}:{function.name}": length(function)
        for path in python_files(*PRODUCT, "tests")
        for function in functions(path)
        if length(function) > LONGEST_FUNCTION
    }
    assert long == {}


def test_most_functions_are_short() -> None:
    found = sorted(length(function) for path in python_files(*PRODUCT) for function in functions(path))
    assert found[len(found) // 2] <= 10
    assert found[len(found) * 9 // 10] <= 30


def sql_functions(path: Path) -> dict[str, int]:
    """Each function of an SQL file, with the lines from its `create` to the end of its statement."""
    text, found = sql(path), {}
    for match in re.finditer(r"^create (?:or replace )?function ([\w.]+)", text, flags=re.MULTILINE):
        rest = text[match.start() :]
        end = re.search(r"^(end )?\$\$;$|^\s+return [^;]*;$", rest, flags=re.MULTILINE)
        assert end, match[1]
        found[match[1]] = rest[: end.end()].count("\n") + 1
    return found


@pytest.mark.parametrize("path", [*SQL_FILES, *MIGRATIONS], ids=name)
def test_no_sql_function_is_as_long_as_seventy_lines(path: Path) -> None:
    assert {what: count for what, count in sql_functions(path).items() if count >= LONGEST_FUNCTION} == {}


def is_public(node: ast.AST) -> bool:
    named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return named and not node.name.startswith("_")  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", python_files(*PRODUCT), ids=name)
def test_every_module_and_every_public_thing_in_it_says_what_it_is_for(path: Path) -> None:
    module = tree(path)
    if "migrations" not in path.parts:
        assert ast.get_docstring(module), "the module itself"
    members = [
        *module.body,
        *(inner for outer in module.body if isinstance(outer, ast.ClassDef) for inner in outer.body),
    ]
    silent = [
        node.name
        for node in members
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and is_public(node)
        and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("path", [*SQL_FILES, *MIGRATIONS], ids=name)
def test_a_line_above_every_sql_object_says_what_it_is_for(path: Path) -> None:
    written = path.read_text(encoding="utf-8").splitlines()
    silent = [
        match[2] for n, line in enumerate(written) if (match := OBJECT.match(line)) and not said_above(written, n)
    ]
    assert silent == []
    assert written[0].startswith("-- "), "the file itself"


def said_above(written: list[str], n: int) -> bool:
    above = written[n - 1] if n else ""
    return above.startswith("-- ") and not above.startswith("-- ---")
