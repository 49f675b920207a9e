"""The lists of packages that `make run` and `make test` install."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
LISTS = ["requirements.txt", "tests/requirements.txt"]


def _pins(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.strip().startswith("#")]
    return dict(line.partition(" ;")[0].split("==") for line in lines)  # after it: on which systems


@pytest.mark.parametrize("name", LISTS)
def test_every_package_is_pinned_to_one_version_and_no_registry_is_named(name: str) -> None:
    assert all(re.fullmatch(r"\d[\w.]*", version) for version in _pins(name).values())
    assert "://" not in (ROOT / name).read_text()


def test_tests_run_on_the_same_packages_as_the_shop() -> None:
    assert _pins("requirements.txt").items() <= _pins("tests/requirements.txt").items()


def test_every_required_package_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[\[<>=]", text)[0] for text in project["dependencies"]}
    assert asked <= set(_pins("requirements.txt"))
    assert set(project["optional-dependencies"]["test"]) <= set(_pins("tests/requirements.txt"))
