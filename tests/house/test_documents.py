"""The documents are true: names, files, commands and labels they quote exist, and tables agree with the code."""

from __future__ import annotations

import argparse
import ast
import importlib
import io
import re
import shlex
import subprocess
import tokenize
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core import __main__ as core_main
from core.catalog import file as catalog_file
from core.database.migrate import OLDEST_SERVER
from core.database.programs import MAJOR
from core.foundation.errors import BY_SQLSTATE
from core.foundation.model import MovementType, Role
from core.foundation.settings import load_settings
from core.ledger import history_sheet
from core.people.access import ROLES, Permission
from core.screens.lists import LISTS
from tests.house.documents import (
    ARCHITECTURE,
    BACKUPS,
    CHANGELOG,
    DOCS,
    DOCUMENTS,
    GUIDES,
    MOVING_IN,
    README,
    RUNNING,
    STOREFRONT,
    Document,
)
from tests.house.reading import MIGRATIONS, ROOT, SQL_FILES, name, nodes, python_files, sql

PRODUCT = ("core", "dashboard", "pages")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
AVOIDED = re.compile(r"\b(whoever|told|anew|stands\s+beside|goes\s+by)\b", re.IGNORECASE)
VARIABLE = re.compile(r"\b(DATABASE_URL|STOCKROOM_[A-Z_]+|STRIPE_[A-Z_]+)\b")


# ---------------------------------------------------------------- what the code contains


@cache
def code() -> str:
    """All code that runs, without its comments."""
    python = "\n".join(without_comments(path) for path in python_files(*PRODUCT))
    config = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    return "\n".join([python, *(sql(path) for path in (*SQL_FILES, *MIGRATIONS)), config, MAKEFILE])


def without_comments(path: Path) -> str:
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return " ".join(token.string for token in tokens if token.type != tokenize.COMMENT)


@cache
def sentences() -> list[str]:
    """Every text a person can see; a null character takes the place of filled-in values."""
    return [
        " ".join(said(node).split())
        for path in python_files(*PRODUCT)
        for node in nodes(path)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]


def said(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(said(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "\0"


def is_said(quote: str) -> bool:
    """Whether some text contains this quote, whose figures and `...` match any filled-in value."""
    parts = [re.escape(part) for part in re.split(r"\d+|\.\.\.", quote)]
    return re.search(".*".join(parts), screen_text()) is not None


@cache
def screen_text() -> str:
    """All of these texts, one a line, so that a quote is looked up in one search; and the page that is no Python."""
    scan = ROOT / "dashboard" / "scan" / "files"
    return "\n".join([*sentences(), *(path.read_text("utf-8") for path in [scan / "page.html", *scan.glob("*.js")])])


# ---------------------------------------------------------------- what is quoted


def exists_as_file(span: str) -> bool:
    return (ROOT / span).exists()


def exists_as_target(span: str) -> bool:
    return re.search(rf"^{span.removeprefix('make ')}:", MAKEFILE, re.MULTILINE) is not None


def exists_as_command(span: str) -> bool:
    words = shlex.split(span)[3:]
    parser: argparse.ArgumentParser = core_main.parser()
    try:
        return parser.parse_args(words) is not None
    except SystemExit:
        return False


def exists_as_variable(span: str) -> bool:
    return f'"{span}"' in (ROOT / "core/foundation/settings.py").read_text(encoding="utf-8")


def exists_in_sql(span: str) -> bool:
    made = rf"create (?:or replace )?(?:function|table|view|type|aggregate) {re.escape(span)}\b"
    return any(re.search(made, sql(path)) for path in (*SQL_FILES, *MIGRATIONS))


def exists_in_python(span: str) -> bool:
    """A call as it is written: the function exists, and so does every dotted name it is given."""
    called, _, given = span.rstrip(")").partition("(")
    dotted = [part.strip() for part in given.split(",") if "." in part.strip(" .")]
    return f"{called.rpartition('.')[2]}" in words() and all(resolves(part) for part in dotted)


def resolves(dotted: str) -> bool:
    module, _, attribute = dotted.rpartition(".")
    return hasattr(importlib.import_module(module), attribute)


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"\w+", code()))


def exists_word_by_word(span: str) -> bool:
    return set(re.findall(r"\w+", span)) <= words()


KINDS = (
    (r"[\w.-]+(?:/[\w.-]*)+", exists_as_file),
    (r"make [\w-]+", exists_as_target),
    (r"python -m core .+", exists_as_command),
    (VARIABLE.pattern, exists_as_variable),
    (r"(?:public|stockroom|stockroom_api)\.\w+", exists_in_sql),
    (r"[a-z_.]+\([\w., ]*\)", exists_in_python),
    (r"SK\.\.\.", lambda _: all(state.startswith("SK") for state in BY_SQLSTATE)),
    (r".+", exists_word_by_word),
)


def exists(span: str) -> bool:
    return next(check(span) for pattern, check in KINDS if re.fullmatch(pattern, span))


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_everything_between_backticks_exists_in_the_code(document: Document) -> None:
    assert [span for span in document.code if not exists(span)] == []


def test_the_check_for_existence_does_not_believe_everything() -> None:
    wrong = ("core/weather.py", "make coffee", "python -m core dance", "STOCKROOM_COLOUR", "stockroom.weather",
             "session.run(core.sell, ...)", "postScriptGB = false", "shipped_quantity")  # fmt: skip
    assert [span for span in wrong if exists(span)] == []
    assert not is_said("The warehouse is on fire")


@pytest.mark.parametrize("document", GUIDES, ids=str)
def test_every_label_and_sentence_of_the_screen_that_is_quoted_is_one_the_screen_shows(document: Document) -> None:
    assert [quote for quote in document.italics if not is_said(quote)] == []


def test_the_guides_speak_of_every_page_in_the_navigation() -> None:
    navigation = (ROOT / "dashboard/frame/navigation.py").read_text(encoding="utf-8")
    titles = set(re.findall(r'_page\("\w+", "([^"]+)"', navigation)) - {"Your account", "Runbook"}
    assert titles - {quote for document in GUIDES for quote in document.italics} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_and_picture_leads_somewhere(document: Document) -> None:
    assert [link for link in document.links if "://" not in link and not leads_somewhere(document, link)] == []


def leads_somewhere(document: Document, link: str) -> bool:
    """Whether the file exists and, where the link names a heading, has that heading."""
    file, _, anchor = link.partition("#")
    path = (document.path.parent / file).resolve() if file else document.path
    return path.exists() and (not anchor or anchor in Document(str(path.relative_to(ROOT))).anchors)


def test_readme_is_short_has_three_small_pictures_and_leads_to_every_guide() -> None:
    assert len(README.text.encode()) <= 12_000
    pictures = [ROOT / link for link in README.links if link.endswith(".png")]
    assert sorted(pictures) == sorted((ROOT / "docs/images").iterdir())
    assert [picture.stat().st_size < 200_000 for picture in pictures] == [True] * 3
    assert {document.name for document in DOCS} - {*README.links, *ARCHITECTURE.links} == set()


# ---------------------------------------------------------------- what is promised


def test_guide_help_and_settings_name_the_same_variables() -> None:
    read = set(VARIABLE.findall((ROOT / "core/foundation/settings.py").read_text(encoding="utf-8")))
    shown = {variable for row in RUNNING.table("variable") for variable in VARIABLE.findall(row[0])}
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown == read
    assert set(re.findall(rf"^{VARIABLE.pattern}", helped, re.MULTILINE)) == read


def test_no_other_module_reads_a_variable_of_ours() -> None:
    readers = {
        name(path)
        for path in python_files(*PRODUCT)
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value)
    }
    assert readers == {"core/foundation/settings.py"}


def test_the_defaults_are_those_of_the_table() -> None:
    defaults = {row[0]: row[2] for row in RUNNING.table("variable")}
    settings = load_settings({})
    assert defaults["`STOCKROOM_ADDRESS`, `STOCKROOM_PORT`"] == f"{settings.address}, {settings.port}"
    assert defaults["`STOCKROOM_BACKUPS_KEPT`"] == str(settings.backups_kept)
    assert defaults["`STOCKROOM_LOG`"] == f"`{settings.log}`"
    assert settings.embedded
    assert settings.sample


def test_every_target_the_help_lists_can_be_made() -> None:
    listed = re.findall(r'@echo "make ([\w-]+)', MAKEFILE)
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(listed) == set(phony[1].split()) - {"help", "browser"}  # the list itself, and a part of `make test`
    assert [target for target in listed if not exists_as_target(f"make {target}")] == []


def test_each_role_may_do_what_the_table_says_and_nothing_else() -> None:
    means = {"look": {Permission.VIEW}, "adjust": {Permission.ADJUST}, "receive": {Permission.RECEIVE},
             "set": {Permission.SET_LEVEL}, "count": {Permission.COUNT}, "undo": {Permission.UNDO},
             "approve counts": {Permission.APPROVE_COUNT}, "set order terms": {Permission.SET_ORDER_TERMS},
             "add codes": {Permission.ATTACH_CODE},
             "retry orders": {Permission.RETRY_ORDER}, "handle cases": {Permission.HANDLE_ALERT},
             "map codes": {Permission.MAP_CODE}, "enter lines": {Permission.SET_LINES},
             "resolve cases": {Permission.RESOLVE_ALERT}, "decide refunds": {Permission.DECIDE_REFUND},
             "undo own decisions": {Permission.TAKE_BACK_OWN}, "undo anybody's decisions": {Permission.TAKE_BACK_ANY},
             "import orders": {Permission.IMPORT_ORDERS}, "ship what is there": {Permission.FORCE_ORDER},
             "verify the books": {Permission.PROVE},
             "export buyers": {Permission.EXPORT_BUYERS}, "export everything": {Permission.EXPORT_ALL},
             "import a catalogue": {Permission.IMPORT_CATALOG}, "edit variants": {Permission.EDIT_VARIANT},
             "edit shelf places and reorder points": {Permission.EDIT_SHELF},
             "everything": set(Permission), "people and settings too": set()}  # fmt: skip
    for role, may in README.table("role"):
        means[f"as {role}"] = set().union(*(means[words] for words in re.split(r"; |, and |, ", may)))
    held = {role: {permission for permission, roles in ROLES.items() if role in roles} for role in Role}
    assert {role: means[f"as {role}"] for role, _ in README.table("role")} == held


def test_every_list_is_among_the_files_of_the_page_that_the_guide_names() -> None:
    """Found late: counts, deliveries, codes and edits were on pages, but could not be had as files."""
    offered: dict[str, set[str]] = {}
    for path in python_files("pages"):
        named = [node for node in nodes(path)
                 if (isinstance(node, ast.Call) and ast.unparse(node.func) == "links.to_files")
                 or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FILES")]  # fmt: skip
        if named:
            texts = {str(part.value) for node in named for part in ast.walk(node) if isinstance(part, ast.Constant)}
            offered[path.stem.capitalize()] = texts & set(LISTS)
    assert {page: set(re.findall("`(.+?)`", lists)) for page, lists in RUNNING.table("files of")} == offered
    assert set().union(*offered.values()) == set(LISTS)


def test_the_columns_of_both_files_are_those_that_are_read() -> None:
    shown = MOVING_IN.block("csv").splitlines()[0].split(",")
    assert tuple(shown[:2]) == catalog_file.REQUIRED
    assert set(shown) <= set(catalog_file.COLUMNS)
    assert ", ".join(history_sheet.COLUMNS) in MOVING_IN.code


def test_the_types_and_reasons_of_a_past_are_those_of_the_ledger() -> None:
    pairs = re.findall(r"^    \('(\w+)', '(\w+)', '[^']+', -?\d", "\n".join(map(sql, MIGRATIONS)), re.MULTILINE)
    known = {(kind, reason) for kind, reason in pairs if reason != "undo"}
    shown = {
        (kind.strip("`"), reason)
        for kind, reasons in MOVING_IN.table("type")
        for reason in re.findall(r"`(\w+)`", reasons)
    }
    assert shown == known
    assert {kind for kind, _ in shown} == set(MovementType)


def test_readme_and_guide_show_the_same_call_of_a_storefront() -> None:
    assert README.block("sql") == STOREFRONT.block("sql")


def test_versions_hours_and_licence_are_those_of_the_code() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"PostgreSQL {OLDEST_SERVER} to {MAJOR}" in RUNNING.prose
    assert f"servers up to PostgreSQL {MAJOR}" in BACKUPS.prose
    assert f"PostgreSQL {OLDEST_SERVER}-{MAJOR}" in MAKEFILE
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in README.prose
    assert "Sessions last twelve hours" in RUNNING.prose
    assert "interval '12 hours'" in code()
    assert project["license"] in README.under("Licence")
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(project["license"])
    newest = re.search(r"^## (\S+) - (?:unreleased|\d{4}-\d\d-\d\d)$", CHANGELOG.text, re.MULTILINE)
    assert newest
    assert newest[1] == project["version"]


# ---------------------------------------------------------------- the words


def test_every_word_of_the_glossary_is_used() -> None:
    rest = ARCHITECTURE.text.partition("## Words")[0]
    used = "\n".join([*(document.text for document in GUIDES), rest, screen_text(), code()]).lower().replace("_", " ")
    terms = [term for row in ARCHITECTURE.table("say") for term in row[0].split(", ")]
    assert [term for term in terms if term.lower() not in used] == []


def test_nobody_uses_a_word_that_the_glossary_replaces() -> None:
    """Neither documents nor screen may use two words for one thing."""
    avoided = {word for row in ARCHITECTURE.table("say") for word in row[2].split(", ") if word}
    assert len(avoided) > 5
    rest = ARCHITECTURE.text.partition("## Words")[0]
    texts = {document.name: document.prose for document in DOCUMENTS} | {ARCHITECTURE.name: rest} | screen()
    found = {
        (where, word)
        for where, text in texts.items()
        for word in avoided
        if re.search(rf"\b{word}s?\b", text, re.IGNORECASE)
    }
    assert found == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_no_document_uses_a_word_of_the_old_prose(document: Document) -> None:
    """These words made sentences that had to be read twice."""
    assert AVOIDED.findall(re.sub(r"`[^`]+`", "", document.prose)) == []


def screen() -> dict[str, str]:
    """The texts of dashboard and pages that are sentences or labels: docstrings and bare keys are neither."""
    found: dict[str, str] = {}
    for path in python_files("dashboard", "pages"):
        docstrings = {
            ast.get_docstring(node, clean=False)
            for node in nodes(path)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        texts = [
            node.value
            for node in nodes(path)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings
        ]
        found[name(path)] = "\n".join(text for text in texts if re.search(r"[A-Z ]", text))
    return found
