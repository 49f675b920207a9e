"""Who calls whom: Python functions, SQL functions and triggers, each with what it mentions in the order of execution.

A node is `path/to/module.py:function`, `path/to/module.py:Class.method`, or an SQL name with its schema. Names are
resolved, types are not: `self.x` is a method of the same class, and any other `x.y` may be a method `y` of a class that
the module knows. Of a constant only its SQL counts, because a table of functions calls none of them. That is enough to
follow a flow from a button to the ledger.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.house.reading import MIGRATIONS, ROOT, SQL_FILES, name, python_files, sql, tree

HOPS = 5
"""How many functions that a flow does not name may lie between two that it names."""

Def = ast.FunctionDef | ast.AsyncFunctionDef
_MADE = re.compile(r"^create (?:or replace )?(?:function|view) ((?:stockroom_api|stockroom|public)\.\w+)", re.MULTILINE)
_TRIGGER = re.compile(
    r"^create (constraint )?trigger \w+\s+(?:before|after) ([\w ,]+?) on ([\w.]+)(.*?)execute function ([\w.]+)",
    re.MULTILINE | re.DOTALL,
)
_TOKEN = re.compile(r"(insert into|update|delete from)?\s*\b((?:stockroom_api|stockroom|public)\.\w+)(\s*\()?|[()]")


# ---------------------------------------------------------------- SQL


@cache
def sql_bodies() -> dict[str, str]:
    """Each SQL function and view with its text, without comments and strings."""
    bodies: dict[str, str] = {}
    for path in (*MIGRATIONS, *SQL_FILES):
        text = sql(path)
        made = [*_MADE.finditer(text)]
        ends = [*(each.start() for each in made[1:]), len(text)]
        for each, end in zip(made, ends[: len(made)], strict=True):
            body = text[each.end() : end].partition("\ngrant ")[0].partition("\ncreate trigger ")[0]
            bodies[each[1]] = re.sub(r"'(?:[^']|'')*'", "''", body)
    return bodies


@cache
def triggers() -> dict[tuple[str, str], list[tuple[str, bool]]]:
    """What each table's triggers call, by event, and whether it waits for the commit."""
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for path in MIGRATIONS:
        for _, events, table, rest, function in _TRIGGER.findall(sql(path)):
            for event in re.split(r" or ", re.sub(r" of .*", "", events)):
                found.setdefault((event.strip(), table), []).append((function, "initially deferred" in rest))
    return found


_EVENTS = {"insert into": "insert", "update": "update", "delete from": "delete"}


def sql_mentions(text: str) -> list[str]:
    """The names in an SQL text in the order of execution: arguments before their function, deferred triggers last."""
    found: list[str] = []
    late: list[str] = []
    waiting: list[str | None] = []
    for verb, named, is_called in ((m[1], m[2], m[3]) if m[2] else (None, m[0], None) for m in _TOKEN.finditer(text)):
        if named == "(":
            waiting.append(None)
        elif named == ")":
            done = waiting.pop() if waiting else None
            found += [done] if done else []
        elif verb:
            for function, is_late in triggers().get((_EVENTS[verb], named), []):
                (late if is_late else found).append(function)
            waiting += [None] if is_called else []
        elif is_called:
            waiting.append(named)
        else:
            found.append(named)
    return found + late


# ---------------------------------------------------------------- Python


class Module:
    """A Python file: what its names mean."""

    def __init__(self, path: Path) -> None:
        self.path, self.tree = name(path), tree(path)
        self.names = dict(self._names())

    def _names(self) -> Iterator[tuple[str, str]]:
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    yield alias.asname or alias.name, _imported(node.module, alias.name)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield node.name, f"{self.path}:{node.name}"
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        yield target.id, f"{self.path}:{target.id}"

    def nodes(self) -> Iterator[tuple[str, ast.AST]]:
        """Everything in it that has a name: functions, methods, constants."""
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{self.path}:{node.name}", node
            elif isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield f"{self.path}:{node.name}.{inner.name}", inner
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                yield f"{self.path}:{node.targets[0].id}", node.value


def _imported(module: str, what: str) -> str:
    path = module.replace(".", "/")
    return f"{path}/{what}.py" if (ROOT / path / f"{what}.py").exists() else f"{path}.py:{what}"


@cache
def modules() -> dict[str, Module]:
    """Every module of the product, by its path."""
    return {name(path): Module(path) for path in python_files("core", "dashboard", "pages")}


@cache
def python_nodes() -> dict[str, ast.AST]:
    """Every function, method and constant of the product, by its name."""
    return {named: node for module in modules().values() for named, node in module.nodes()}


class _Walk(ast.NodeVisitor):
    """Collects what a piece of code mentions, in the order in which it runs."""

    def __init__(self, module: Module, class_name: str, node: ast.AST, inner: dict[str, Def] | None = None) -> None:
        self.module, self.class_name, self.found = module, class_name, list[str]()
        self.inner = dict(inner or {})
        self.walking: set[str] = set()
        inside = [part for part in ast.walk(node) if part is not node]
        self.inner |= {part.name: part for part in inside if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
        self.hidden = {part.arg for part in inside if isinstance(part, ast.arg)}
        self.hidden |= {p.id for p in inside if isinstance(p, ast.Name) and not isinstance(p.ctx, ast.Load)}
        for part in node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else [node]:
            self.visit(part)

    def visit_Call(self, node: ast.Call) -> None:
        """Arguments that are work run first; functions that are handed over run inside."""
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        handed = [each for each in given if isinstance(each, ast.Name | ast.Attribute | ast.Lambda)]
        for each in given:
            if each not in handed:
                self.visit(each)
        self.visit(node.func)
        for each in handed:
            self.visit(each)

    def visit_Assign(self, node: ast.Assign) -> None:
        """The value is worked out first."""
        self.visit(node.value)

    def visit_Try(self, node: ast.Try) -> None:
        """What goes well comes before what is done about trouble."""
        for part in (*node.body, *node.orelse, *node.handlers, *node.finalbody):
            self.visit(part)

    def generic_visit(self, node: ast.AST) -> None:
        """A comprehension begins with what it goes over."""
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            for part in (*node.generators, node.elt):
                self.visit(part)
        elif isinstance(node, ast.AsyncFunctionDef):
            self.visit_FunctionDef(node)
        else:
            super().generic_visit(node)

    def visit_FunctionDef(self, node: Def) -> None:
        """A function inside another runs where it is handed over; a decorator hands it over at once."""
        for part in node.body if node.decorator_list else []:
            self.visit(part)

    def visit_Name(self, node: ast.Name) -> None:
        """A function of this function, a name of the module, or a variable."""
        if node.id in self.inner and node.id not in self.walking:
            self.walking.add(node.id)
            for part in self.inner[node.id].body:
                self.visit(part)
            self.walking.discard(node.id)
        elif node.id not in self.hidden and node.id in self.module.names:
            self.found.append(self.module.names[node.id])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A function of a module, a method of this class, or of a class that this module knows."""
        self.visit(node.value)
        owner = self.module.names.get(node.value.id, "") if isinstance(node.value, ast.Name) else ""
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            self.found.append(f"{self.module.path}:{self.class_name}.{node.attr}")
        elif owner.endswith(".py") and isinstance(node.value, ast.Name) and node.value.id not in self.hidden:
            self.found.append(f"{owner}:{node.attr}")
        else:
            self.found += [f"{known}.{node.attr}" for known in self.module.names.values() if ":" in known]

    def visit_Constant(self, node: ast.Constant) -> None:
        """An SQL statement."""
        if isinstance(node.value, str):
            self.found += sql_mentions(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """An SQL statement with constants in it."""
        parts = [part.value if isinstance(part, ast.Constant) else " " for part in node.values]
        self.found += sql_mentions("".join(map(str, parts)))


# ---------------------------------------------------------------- both


@cache
def exists(node: str) -> bool:
    """Whether there is such a function."""
    return node in (sql_bodies() if ".py:" not in node else python_nodes())


@cache
def mentions(node: str) -> tuple[str, ...]:
    """What a function mentions, in the order in which it runs."""
    if node in sql_bodies():
        return tuple(sql_mentions(sql_bodies()[node]))
    if node not in python_nodes():
        return ()
    path, _, qualified = node.partition(":")
    code = python_nodes()[node]
    walked = _Walk(modules()[path], qualified.rpartition(".")[0], code)
    is_function = isinstance(code, ast.FunctionDef | ast.AsyncFunctionDef)
    return tuple(each for each in walked.found if exists(each) and (is_function or ".py:" not in each))


def first_visits(root: str, named: Iterable[str]) -> list[str]:
    """The named functions that `root` leads to, in the order in which each is reached first."""
    wanted, found, seen = set(named), list[str](), dict[str, int]()

    def visit(node: str, hops: int) -> None:
        if node in wanted:
            if node in found:
                return
            found.append(node)
            hops = HOPS + 1
        if hops <= seen.get(node, 0):
            return
        seen[node] = hops
        for each in mentions(node):
            visit(each, hops - 1)

    visit(root, HOPS + 1)
    return found
