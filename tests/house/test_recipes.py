"""The recipes of CONTRIBUTING.md work: each is followed in a copy of the project and tested on a database."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import open_fresh
from tests.house.documents import ROOT, Document
from tests.house.recipes import RECIPES, copy_project, follow, named_files
from tests.support.servers import Server

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
    assert len(targets) == 4


def test_every_recipe_of_the_page_is_followed_here() -> None:
    assert list(RECIPES) == re.findall(r"^### (.+)$", CONTRIBUTING.under("Recipes"), re.MULTILINE)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_names_the_files_that_following_it_changes(recipe: str) -> None:
    named = named_files(recipe)
    edited = dict.fromkeys(edit.file for edit in RECIPES[recipe])
    assert named == [file if file in named else f"{Path(file).parent.as_posix()}/" for file in edited]


@pytest.mark.slow
def test_following_the_recipes_one_after_another_gives_what_each_promises(tmp_path: Path, embedded: Server) -> None:
    project = copy_project(tmp_path)
    touched = [file for edits in RECIPES.values() for file in follow(project, edits)]
    with ExitStack() as stack:
        shops = [stack.enter_context(contextmanager(open_fresh)(embedded)) for _ in RECIPES]
        databases = [[recipe, shop.app_url, shop.owner_url] for recipe, shop in zip(RECIPES, shops, strict=True)]
        for command in (
            ["ruff", "check", "--no-cache", *(path for path in touched if path.endswith(".py"))],
            ["tests.house.proofs", json.dumps(databases), *touched],
        ):
            done = subprocess.run(
                [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
