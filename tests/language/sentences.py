"""Sentences outside of the pages' Python: those of core, as templates, and those of the scripts in the browser."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.reading import MIGRATIONS, ROOT, SQL_FILES, python_files
from tests.language.finder import Finder, is_text

# The packages of core whose sentences pages show. The others speak to programs, or to people at a command line.
PACKAGES = (
    "foundation", "people", "ledger", "shop", "catalog", "carts", "payloads", "orders", "inbox", "alerts", "proof",
    "deliveries", "counts", "scanning", "jobs", "sheets", "stripe", "backups", "health", "valuation", "reports",
    "replenishment", "views", "people/factors", "storefront/guard", "storefront/hooks",
)  # fmt: skip
ALONE = ("sample/removal.py",)
"""Files of other packages whose sentences pages show."""
# Files of these packages that speak to programs: settings, metrics, files, mails.
_SILENT = frozenset((
    "foundation/settings.py", "foundation/cells.py", "sheets/known.py", "health/metrics.py",
    "backups/manifest.py", "backups/ledger_file.py", "proof/notice.py", "foundation/journal.py", "carts/names.py",
    "shop/prices.py", "ledger/history_file.py", "backups/archive.py",
))  # fmt: skip
_TITLED = ("reports", "replenishment")
"""Packages whose titles and labels pages show."""
SQL = ("10_", "15_", "20_", "21_", "22_", "30_", "31_", "32_", "33_", "40_", "45_", "50_", "55_", "60_", "71_", "72_",
       "74_", "76_", "78_", "90_")  # fmt: skip
MORE = (
    "{v1} available",
    "{v1} missing",
    "Order {v1}:",
    "{v1} size {v2}",
    "{v1} as code, {v2} as quantity",
    "To 30 days",
    "31 to 60",
    "61 to 90",
    "91 to 180",
    "181 to 365",
    "Over 365",
    "out of stock, reorder at {v1}",
    "{v1} on hand, reorder at {v2}",
    "down to {v1}, reorder at {v2}",
    "{v1} on hand, above the reorder point of {v2}.",
    "requested by customer",
    "fraudulent",
    "duplicate",
    "expired uncaptured charge",
)
"""Short pieces of sentences, and the words of Stripe for the reason of a refund."""
_STRING = re.compile(r"'((?:[^']|'')*)'")
_FORMAT = re.compile(r"%(?:(\d+)\$)?[sI]")


def templates() -> Iterator[tuple[str, str]]:
    """Each sentence that core says, as a template with names in braces, and its file."""
    for package in PACKAGES:
        for path in sorted((ROOT / "core" / package).glob("*.py")):
            if f"{package}/{path.name}" in _SILENT:
                continue
            yield from ((text, _name(path)) for text in _of_python(path))
    for name in ALONE:
        yield from ((text, f"core/{name}") for text in _of_python(ROOT / "core" / name))
    for path in SQL_FILES:
        if path.parent.name.startswith(SQL):
            yield from ((text, _name(path)) for text in _of_sql(path.read_text(encoding="utf-8")))
    for path in python_files("dashboard"):
        yield from ((text, _name(path)) for text in _of_page(path))
    yield from ((text, "tests/language/sentences.py") for text in MORE)
    for path in MIGRATIONS:
        yield from ((text, _name(path)) for text in _reasons(path.read_text(encoding="utf-8")))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _of_page(path: Path) -> Iterator[str]:
    """What pages refuse as core does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from _fields(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "invalid":
            finder = Sentences(path)
            finder.visit(node)
            yield from (each.text.strip() for each in finder.found if _is_sentence(each.text))


def _of_python(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "errors.py":
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and (said := ast.get_docstring(node)) and "\n" not in said:
                yield said
    yield from _fields(tree)
    if path.parent.name in _TITLED:
        yield from _titles(tree)
    finder = Sentences(path)
    finder.visit(tree)
    for each in finder.found:
        if _is_sentence(each.text):
            yield each.text.strip()


class Sentences(Finder):
    """Finds the sentences of core: what is said in errors stands where names stand in pages."""

    def visit_Call(self, node: ast.Call) -> None:  # noqa: N802
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in ("text", "execute", "compile", "debug", "warning", "exception", "NewType", "TypeVar", "call"):
            return
        before, self._code = self._code, 0 if name == "invalid" or name[:1].isupper() else self._code
        if name == "invalid":
            for each in node.args:
                self.visit(each)
        else:
            super().visit_Call(node)
        self._code = before


_NOISE = re.compile(
    r"::|%\(|^[),] |\bf\.\w+|\bc\.\w+|^(and|or|end|join|any)\b.*[.(\[&]|_id\b.*_|\w+, \w+, \w+, \w+|^--|"
    r"^(copy|revoke|show) "
    r"|^begin |!r\}|:%Y|^9 minutes|^pg_|classid|tgtype|attrelid|ev_enabled"
    r"|^Smallest opening|^the history of import|^(sale|restoration|adjustment|count|purchase) [a-z_]+$|^v$|=$|~$"
)
"""Pieces of SQL, names of columns and options of commands."""


_SQL = re.compile(r"\s*(select|insert|update|delete|with|create|drop|alter|grant|set|reset|lock|from|where|order by)\b")


def _is_sentence(text: str) -> bool:
    """Whether a text of core is said to people: words with spaces, no SQL, no format of a file."""
    if _NOISE.search(text):
        return False
    plain = re.sub(r"\{\w+\}", "", text)
    if _SQL.match(plain):
        return False
    return (
        " " in plain.strip() and is_text(text) and "\n" not in text.strip() and len(re.findall("[a-z]{2,}", plain)) > 1
    )


def _of_sql(text: str) -> Iterator[str]:
    code = re.sub(r"--[^\n]*", "", text)
    yield from (field.capitalize() for field in re.findall(r"refuse_value\(\s*'([a-z ]+)'", code))
    for match in _STRING.finditer(code):
        said = _named(match[1].replace("''", "'").replace("%%", "%"))
        if _is_sentence(said) and not re.search(r"\b(coalesce|::|stockroom\.)", said):
            yield said.strip()


def _fields(tree: ast.Module) -> Iterator[str]:
    """The names of values in errors: `invalid("note", ...)` says "Note must ..."."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "invalid" and node.args:
            field = node.args[0]
            if isinstance(field, ast.Constant):
                yield str(field.value).capitalize()


def _titles(tree: ast.Module) -> Iterator[str]:
    """The titles of reports, columns and terms, which may be single words."""
    for node in ast.walk(tree):
        pairs: list[tuple[object, ast.expr]] = []
        if isinstance(node, ast.Call):
            pairs = [(each.arg, each.value) for each in node.keywords if each.arg in ("title", "about", "nothing")]
        elif isinstance(node, ast.Dict):
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if _is_word(key)]
        for _, value in pairs:
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value[:1].isupper():
                yield value.value


def _is_word(key: ast.expr | None) -> bool:
    """Whether a key of a dictionary is a member of an enumeration, whose value is a label."""
    return isinstance(key, ast.Attribute)


def _named(text: str) -> str:
    """Return a format of SQL with names for its places: v1, v2."""
    number = iter(range(1, 30))
    return _FORMAT.sub(lambda hole: f"{{v{hole[1] or next(number)}}}", text)


def _reasons(text: str) -> Iterator[str]:
    """The labels of the reasons that every shop has."""
    for block in re.findall(r"insert into stockroom\.reasons.*?;", text, re.DOTALL):
        for _, _, label in re.findall(r"\(\s*'(\w+)',\s*'(\w+)',\s*'((?:[^']|'')*)'", block):
            yield label.replace("''", "'")
