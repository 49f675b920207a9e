"""The law: pages -> dashboard -> core -> SQL -> tables. Arrows never turn back."""

from __future__ import annotations

import re
import sys
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.reading import ROOT, SQL_FILES, imports, name, python_files, sql

ABOVE = {"core": {"dashboard", "pages", "tests"}, "dashboard": {"pages", "tests"}, "pages": {"tests"}}
FOREIGN = {
    "core": {"streamlit", "pandas", "plotly"},
    "pages": {"sqlalchemy", "psycopg", "alembic"},
}
ONE_DOOR = {
    "stripe": "core/stripe_gateway.py",
    "procrastinate": "core/jobs.py",
    "fastapi": "core/api.py",
    "apprise": "core/notifier.py",
    "prometheus_client": "core/metrics.py",
}
FOUNDATION = {"core.model", "core.errors", "core.access"}


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


def test_model_errors_and_access_stand_on_nothing_of_ours() -> None:
    for module in FOUNDATION:
        ours = {used for used in imports(ROOT / f"{module.replace('.', '/')}.py") if used.partition(".")[0] == "core"}
        assert ours == set(), module


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


def test_the_entry_script_never_lies_beside_the_pages() -> None:
    """Streamlit would run a page by its address before the sign-in gate had ever been seen."""
    assert list(ROOT.glob("*.py")) == []
    assert not (ROOT / "dashboard" / "pages").exists()
    assert (ROOT / "dashboard" / "app.py").exists()
    assert not (ROOT / "pages" / "pages").exists()


def test_no_module_of_the_dashboard_hides_one_of_python_or_of_a_package() -> None:
    taken = set(sys.stdlib_module_names) | set(packages_distributions())
    assert {path.stem for path in (ROOT / "dashboard").glob("*.py")} & (taken - {"__main__", "__init__"}) == set()


def test_an_sql_file_uses_only_what_lower_numbers_made() -> None:
    made: dict[str, str] = {}
    for path in SQL_FILES:
        for what in re.findall(r"create (?:function|view|type|aggregate) stockroom_api\.(\w+)", sql(path)):
            made.setdefault(what, path.name)
    for path in SQL_FILES:
        used = set(re.findall(r"stockroom_api\.(\w+)", sql(path)))
        unknown = {what for what in used if what not in made}
        assert unknown == set(), (path.name, "made nowhere")
        assert {what: made[what] for what in used if made[what] > path.name} == {}, path.name


def test_tables_triggers_and_checks_never_call_what_is_rebuilt() -> None:
    for path in (ROOT / "core" / "migrations" / "versions").glob("*.sql"):
        assert "stockroom_api." not in sql(path), path.name
