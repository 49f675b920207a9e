"""The law: pages -> dashboard -> core -> SQL -> tables. Arrows never turn back."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import sys
from collections import Counter
from collections.abc import Callable
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import core
from core import ORDER
from core.__main__ import COMMANDS
from core.foundation import measure
from tests.house.reading import ROOT, SQL_FILES, imports, name, packages, python_files, sql, tree

ABOVE = {"core": {"dashboard", "pages", "tests"}, "dashboard": {"pages", "tests"}, "pages": {"tests"}}
FOREIGN = {
    "core": {"streamlit", "pandas", "plotly"},
    "pages": {"sqlalchemy", "psycopg", "alembic"},
}
ONE_DOOR = {
    "stripe": "core/stripe/gateway.py",
    "procrastinate": "core/jobs/worker.py",
    "fastapi": "core/storefront/api.py",
    "apprise": "core/alerts/notifier.py",
    "prometheus_client": "core/health/metrics.py",
    "matplotlib": "core/views/pictures.py",
    "standardwebhooks": "core/storefront/hooks/wire.py",
    "zxcvbn": "core/people/guessing.py",
    "pyotp": "core/people/factors/totp.py",
    "authlib": "core/people/identity.py",
    "webauthn": "core/people/factors/passkeys.py",
}
# A screen may use the building blocks, and the screens after it.
SCREENS = (
    "proof",
    "orders",
    "overview",
    "alerts",
    "counts",
    "deliveries",
    "reports",
    "movements",
    "stock",
    "scan",
    "starting",
    "catalog",
    "sheets",
    "settings",
    "views",
    "frame",
    "door",
    "language",
)


def roots(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imports(path)}


@pytest.mark.parametrize("room", ABOVE)
def test_nobody_imports_from_a_room_above(room: str) -> None:
    assert {name(path): up for path in python_files(room) if (up := roots(path) & ABOVE[room])} == {}


@pytest.mark.parametrize("room", FOREIGN)
def test_no_room_uses_the_tools_of_another(room: str) -> None:
    """core knows neither Streamlit nor pandas; no page talks to the database past core."""
    assert {name(path): used for path in python_files(room) if (used := roots(path) & FOREIGN[room])} == {}


@pytest.mark.parametrize("package", ONE_DOOR)
def test_what_lies_outside_has_one_door(package: str) -> None:
    """No other module speaks to it, so there is one place for keys, time-outs and what an error means."""
    users = {name(path) for path in python_files("core", "dashboard", "pages") if package in roots(path)}
    assert users == {ONE_DOOR[package]}


def used_packages(path: Path) -> list[str]:
    """The packages of the same room that a package imports, from the top of the declared order to the bottom."""
    room, order = ("core", ORDER) if path.parent.name == "core" else ("dashboard", SCREENS)
    modules = {module for file in path.glob("*.py") for module in imports(file)}
    used = {module.split(".")[1] for module in modules if module.startswith(f"{room}.")} - {path.name}
    return [package for package in order if package in used]


def test_every_package_has_its_place_in_the_declared_order() -> None:
    assert sorted(ORDER) == [path.name for path in packages("core")]
    assert sorted(SCREENS) == [path.name for path in packages("dashboard")]


@pytest.mark.parametrize("path", [*packages("core"), *packages("dashboard")], ids=name)
def test_a_package_uses_only_packages_below_it(path: Path) -> None:
    order = ORDER if path.parent.name == "core" else SCREENS
    below = order[order.index(path.name) + 1 :]
    assert [package for package in used_packages(path) if package not in below] == []


@pytest.mark.parametrize("path", [*packages("core"), *packages("dashboard")], ids=name)
def test_a_package_says_which_packages_it_uses(path: Path) -> None:
    said = re.search(r"^Uses: (.+?)\.$", (path / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert said
    assert " ".join(said[1].split()) == (", ".join(used_packages(path)) or "nothing of ours")


def test_inside_a_room_imports_run_one_way_only() -> None:
    """No circle among the modules of core, nor of the dashboard: each can be read after those it uses."""
    for room in ("core", "dashboard"):
        modules = {name(path)[:-3].replace("/", ".").removesuffix(".__init__"): path for path in python_files(room)}
        graph = {module: (imports(path) & set(modules)) - {module, room} for module, path in modules.items()}
        order = list(TopologicalSorter(graph).static_order())
        assert len(order) >= len(modules)


def test_no_page_holds_sql() -> None:
    words = re.compile(r"\b(select|insert into|update|delete from)\b[^\n]*\b(from|set|values|where)\b", re.IGNORECASE)
    found = {name(path) for path in python_files("pages") if words.search(path.read_text(encoding="utf-8"))}
    assert found == set()


def test_no_page_draws_html_or_links_of_what_a_text_says() -> None:
    """Outside text reaches a page only where `tests/dashboard/outside` looks."""
    ways = re.compile(r"unsafe_allow_html|LinkColumn|MarkdownColumn|JsonColumn|components\.html|st\.iframe|st\.latex")
    found = [name(path) for path in python_files("dashboard", "pages") if ways.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_the_entry_script_never_lies_beside_the_pages() -> None:
    """Streamlit would run a page by its address before the sign-in gate had ever been seen."""
    assert list(ROOT.glob("*.py")) == []
    assert not (ROOT / "dashboard" / "pages").exists()
    assert (ROOT / "dashboard" / "app.py").exists()
    assert not (ROOT / "pages" / "pages").exists()


def test_no_module_of_the_dashboard_hides_one_of_python_or_of_a_package() -> None:
    taken = set(sys.stdlib_module_names) | set(packages_distributions())
    assert {path.stem for path in (ROOT / "dashboard").iterdir()} & (taken - {"__main__", "__init__"}) == set()


def test_an_sql_file_uses_only_what_lower_numbers_made() -> None:
    made: dict[str, str] = {}
    for path in SQL_FILES:
        for what in re.findall(r"create (?:function|view|type|aggregate) stockroom_api\.(\w+)", sql(path)):
            made.setdefault(what, name(path))
    for path in SQL_FILES:
        used = set(re.findall(r"stockroom_api\.(\w+)", sql(path)))
        unknown = {what for what in used if what not in made}
        assert unknown == set(), (name(path), "made nowhere")
        assert {what: made[what] for what in used if made[what] > name(path)} == {}, name(path)


def test_tables_triggers_and_checks_never_call_what_is_rebuilt() -> None:
    for path in (ROOT / "core" / "migrations" / "versions").glob("*.sql"):
        assert "stockroom_api." not in sql(path), path.name


def test_no_two_modules_are_measured_under_one_name() -> None:
    operations = [
        (path, function.name)
        for path in python_files("core")
        for function in tree(path).body
        if isinstance(function, ast.FunctionDef) and function.args.args and function.args.args[0].arg == "connection"
    ]
    names = [measured_as(path, function) for path, function in operations]
    assert [each for each, count in Counter(names).items() if count > 1] == []


def measured_as(path: Path, function: str) -> str:
    operation = SimpleNamespace(__module__=name(path)[:-3].replace("/", "."), __name__=function)
    return measure.name_of(cast(Callable[..., Any], operation))


@pytest.mark.parametrize("name", core.__all__)
def test_every_name_of_the_tour_can_be_imported(name: str) -> None:
    assert getattr(core, name) is not None


@pytest.mark.parametrize("module", COMMANDS)
def test_a_module_of_commands_has_the_commands_it_is_listed_with(module: str) -> None:
    subparsers = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(f"core.commands.{module}").add_parsers(subparsers)
    assert tuple(subparsers.choices) == COMMANDS[module]
