"""The recipes of CONTRIBUTING.md work: each is followed in a copy of the project and tested on a database."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.documents import ROOT, Document
from tests.house.recipes import RECIPES, copy_project, follow, named_files
from tests.support.builders import Shop

CONTRIBUTING = Document("CONTRIBUTING.md")
MOST_BYTES = 8_000


def test_the_page_is_one_page() -> None:
    assert len(CONTRIBUTING.text.encode()) <= MOST_BYTES


def test_every_command_of_the_page_names_what_is_there() -> None:
    commands = CONTRIBUTING.block("sh")
    targets = re.findall(r"^make (\w+)", commands, re.MULTILINE)
    assert [each for each in targets if f"\n{each}: " not in (ROOT / "Makefile").read_text(encoding="utf-8")] == []
    ((file, words),) = re.findall(r"pytest (\S+) -k (\w+)", commands)
    assert words in (ROOT / file).read_text(encoding="utf-8")
    assert len(targets) == 3


def test_every_recipe_of_the_page_is_followed_here() -> None:
    assert list(RECIPES) == re.findall(r"^### (.+)$", CONTRIBUTING.under("Recipes"), re.MULTILINE)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_names_the_files_that_following_it_changes(recipe: str) -> None:
    named = named_files(recipe)
    edited = dict.fromkeys(edit.file for edit in RECIPES[recipe])
    assert named == [file if file in named else f"{Path(file).parent.as_posix()}/" for file in edited]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_following_a_recipe_gives_what_it_promises(recipe: str, tmp_path: Path, embedded_shop: Shop) -> None:
    project = copy_project(tmp_path)
    touched = follow(project, RECIPES[recipe])
    for command in (
        ["ruff", "check", "--no-cache", *(path for path in touched if path.endswith(".py"))],
        ["tests.house.proofs", recipe, embedded_shop.app_url, embedded_shop.owner_url, *touched],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
