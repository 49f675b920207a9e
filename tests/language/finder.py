"""Finds the texts of pages in Python files, and says which of them are in the catalogue and which are outside of it.

A literal is a text if it reads like one (a capital letter first, or words with spaces) and does not stand where code
expects a name: a key, an icon, a format, an address, a comparison.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path

from tests.house.reading import ROOT, python_files

MARKS = {"tr", "marked", "lazy"}
"""The functions of dashboard/language that put a text into the catalogue."""
NOUNS = {"plural": (1, 2), "counted": (1,), "noun": (1, 2), "_line": (3,)}
"""The functions that take nouns, with the places of the singular and the plural. It may be the argument `many`, too."""
# Files that speak to programs, not to people.
NO_PAGES = {
    "dashboard/__main__.py", "dashboard/leaving.py", "dashboard/server.py",
    "dashboard/door/webhook.py", "dashboard/door/intake.py", "dashboard/door/health.py", "dashboard/door/post.py",
    "dashboard/door/gate.py", "dashboard/door/pictures.py", "dashboard/door/downloads.py",
}  # fmt: skip
CODE_WORDS = {
    "key", "icon", "type", "width", "height", "format", "language", "autocomplete", "validate", "on_select", "mime",
    "on_change", "selection_mode", "position", "bind", "label_visibility", "horizontal_alignment", "pinned", "step",
    "vertical_alignment", "text_alignment", "gap", "color", "delta_color", "delta_arrow", "alignment", "chart_type",
    "method", "layout", "mode", "file_name", "cursor", "param", "timezone", "action", "media_type", "usual", "empty",
    "tickformat", "fill", "query", "sort", "page_icon", "initial_sidebar_state", "encoding", "url_path",
    "icon_image", "delta_description_color", "kind", "shortcut", "default", "filter_mode", "zone", "imp_section",
    "set_section", "index", "accept", "scale", "domain", "settings_section", "report", "view", "mov_type", "stk_status",
}  # fmt: skip
"""Names of arguments that hold names for programs."""
LINKS = {"to_page", "begin", "switch_page"}
"""Functions whose further arguments are the address."""
CODE_CALLS = {
    "get", "pop", "setdefault", "startswith", "endswith", "removesuffix", "removeprefix", "partition", "rpartition",
    "split", "replace", "strip", "lstrip", "rstrip", "compile", "sub", "match", "fullmatch", "search", "getattr",
    "hasattr", "ContextVar", "TypeVar", "NewType", "ParamSpec", "Path", "open", "read_text", "encode", "decode",
    "ValueError", "RuntimeError", "TypeError", "KeyError", "AssertionError", "warning_", "cast",
    "info_", "log", "strftime", "Route", "Mount", "with_name", "html", "get_all", "form_data", "key_of",
    "_email_field", "password_field", "_action", "_set",
    "namedtuple", "put", "count_of", "invalid", "amount", "whole", "read_units", "_whole", "clean_line", "clean_text",
}  # fmt: skip
"""Functions and methods whose texts are for programs."""
_LETTER = re.compile(r"[A-Za-z]{2}|\b[aAI]\b")
_CODE = re.compile(
    r"""^(:material/.*|http\S*:.*|/.*|\#.*|\.\S+|[a-z0-9_.:/+%@-]+|[A-Z0-9_]+|[a-z-]+/[a-z0-9.+-]+(;.*)?)$"""
)
_MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>|[{};]\s*$|\bst-key-|^(script|form|default)-src|max-age=|no-store|document\.")
_BOUND = re.compile(r"^[a-z]{3}_\w+$")  # the key of a widget as an argument: a part of an address
# Names that are the same in every language.
NAMES = frozenset((
    "Stockroom", "Parquet", "Excel", "EAN", "UPC", "SKU", "SKUs", "Stripe", "Edg", "Edge", "OPR/", "Opera", "Firefox/",
    "Firefox", "Chrom", "Chrome", "Safari/", "Safari", "Android", "Windows", "Mac OS", "Mac", "Linux", "Webhook",
))  # fmt: skip
CODE_TEXTS = {("grid.py", "size {size}")}
"""Literals that read like texts and name something for a program, with their files."""
_STYLES = re.compile(
    r"^(rgba?\(|x (unified|domain)$|font:|font-family:|padding:|color: |\.venv/|GET, | aria-|\{origin\}"
    r"|window\.|\*\.py$|ETag$)|%s"
)
_HOLE = re.compile(r"\{\w+(![rsa])?(:[^{}]*)?\}")
_FORMAT = re.compile(r"^[\s,:.%\-/\\dDMYHmhsAabBjfn~$q]*$")  # a format of dates or numbers: D MMM YYYY, %-d %b


def is_text(text: str) -> bool:
    """Return whether a literal reads like a text for people."""
    shown = re.sub(r":(material/\w+|[a-z]+)(?=:|\[)", "", text)
    said = _HOLE.sub("\0", shown)
    if text in NAMES or _STYLES.search(text):
        return False
    if not _LETTER.search(said) or _MARKUP.search(said) or _FORMAT.match(said.replace("\0", "")):
        return False
    bare = shown.strip()
    if bare != text.strip() and not _LETTER.search(bare):
        return False
    if _CODE.match(bare) or re.fullmatch(r"[a-z0-9_:/.\-]*(\{\w*\}[a-z0-9_:/.\-]*)+", bare):
        return False
    if re.fullmatch(r"[A-Z]\w*(-[A-Z]\w*)+|Int\d+", bare):  # a header: Idempotency-Key; a type of pandas
        return False
    return bool(" " in bare or bare[:1].isupper() or re.match(r"^[*_({\[“]", bare) or text != bare)


def template(node: ast.AST) -> tuple[str, dict[str, ast.expr]] | None:
    """Return a literal as the text of the catalogue, with the expressions of its placeholders; None if it is none."""
    if isinstance(node, ast.Constant):
        return (node.value, {}) if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    text = ""
    values: dict[str, ast.expr] = {}
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value).replace("{", "{{").replace("}", "}}")
            continue
        assert isinstance(part, ast.FormattedValue)
        name = _unique(_placeholder(part.value), part.value, values)
        values[name], spec = _formatted(part)
        conversion = f"!{chr(part.conversion)}" if part.conversion != -1 else ""
        text += f"{{{name}{conversion}{spec}}}"
    return text, values


def _formatted(part: ast.FormattedValue) -> tuple[ast.expr, str]:
    """Return a value of a text as the reader writes it, and the format that is left."""
    if not isinstance(part.format_spec, ast.JoinedStr):
        return part.value, ""
    spec = ast.unparse(part.format_spec)[2:-1]
    number = re.fullmatch(r",?(?:\.(\d)f)?d?", spec)
    if spec != "%H:%M" and number is None:
        return part.value, f":{spec}"
    digits = f", ({number[1]}, {number[1]})" if number and number[1] else ""
    call = ast.parse(f"formats.{'number' if number else 'clock'}(value{digits})", mode="eval").body
    assert isinstance(call, ast.Call)
    call.args[0] = part.value
    return call, ""


def _placeholder(node: ast.AST) -> str:
    """Return a name for a value in a text: what translators read."""
    if isinstance(node, ast.Name):
        return node.id.strip("_").lower()
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_").lower()
    if isinstance(node, ast.Subscript):
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value.isidentifier():
            return key.value
        return _placeholder(node.value)
    if isinstance(node, ast.Call):
        callee = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if callee == "plural" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            return re.sub(r"\W+", "_", str(node.args[1].value)) + "s"
        if callee in ("units", "signed_units"):
            return "units"
        if callee in ("lower", "upper", "capitalize", "isoformat", "strip") and isinstance(node.func, ast.Attribute):
            return _placeholder(node.func.value)
        return _placeholder(node.args[0]) if node.args and callee != "formats" else callee.strip("_").lower() or "value"
    if isinstance(node, ast.BoolOp | ast.BinOp | ast.UnaryOp | ast.IfExp):
        inner = node.values[0] if isinstance(node, ast.BoolOp) else None
        inner = node.left if isinstance(node, ast.BinOp) else inner
        inner = node.operand if isinstance(node, ast.UnaryOp) else inner
        return _placeholder(inner) if inner is not None else "part"
    return "value"


def _unique(name: str, value: ast.expr, taken: dict[str, ast.expr]) -> str:
    name = name if name.isidentifier() and not iskeyword(name) and name not in ("text", "self") else "value"
    found, number = name, 1
    while found in taken and ast.dump(taken[found]) != ast.dump(value):
        number += 1
        found = f"{name}_{number}"
    return found


def callee_of(node: ast.Call) -> str:
    """Return the last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@dataclass(frozen=True, slots=True)
class Found:
    """A text of a page: its node, its form in the catalogue, and where it is.

    `inside`: the mark around it, or "". `place`: module, function, default (of a parameter), decorator.
    """

    path: Path
    node: ast.expr
    text: str
    inside: str
    place: str
    function: ast.AST | None = None


class Finder(ast.NodeVisitor):
    """Collects the texts of one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[Found] = []
        self.nouns: list[tuple[str, str]] = []
        self._inside = ""
        self._place = "module"
        self._function: ast.AST | None = None
        self._code = 0
        self._value = 0
        self._plain = False

    def visit_Dict(self, node: ast.Dict) -> None:
        marked, self._inside = self._inside, "marked" if self._inside == "lazy" else self._inside
        for key in filter(None, node.keys):
            if not (isinstance(key, ast.Constant) and str(key.value)[:1].islower()):
                self.visit(key)
        self._inside = marked
        before, self._plain = self._plain, all(isinstance(each, ast.Constant) for each in node.values)
        for value in node.values:
            self.visit(value)
        self._plain = before

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._as_code(node.test)
        both = [form for each in (node.body, node.orelse) if (form := template(each))]
        self._value += 1 if (some := any(is_text(form[0]) for form in both)) else 0
        self.visit(node.body)
        self.visit(node.orelse)
        self._value -= 1 if some else 0

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        *first, last = node.values
        for each in first:
            self.visit(each)
        self._value += 1 if isinstance(node.op, ast.Or) else 0
        self.visit(last)
        self._value -= 1 if isinstance(node.op, ast.Or) else 0

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._take(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        form = template(node)
        assert form is not None
        said = _HOLE.sub("", form[0])
        taken = self._take(node) or (not self._code and " " in said)
        is_name = not taken and bool(_LETTER.search(said))  # the key of a widget, an address
        self._value += 1 if taken else 0
        self._code += 1 if is_name else 0
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)
        self._value -= 1 if taken else 0
        self._code -= 1 if is_name else 0

    def _take(self, node: ast.expr) -> bool:
        form = template(node)
        if form is None or (self._code and self._inside == ""):
            return False
        text = form[0]
        named = self._inside == "tr" or (self._inside == "lazy" and self._plain)
        if (self.path.name, text) in CODE_TEXTS:
            return False
        taken = is_text(text) or bool(_LETTER.search(text) and (named or (self._value and self._is_word(text))))
        if taken:
            self.found.append(Found(self.path, node, text, self._inside, self._place, self._function))
        return taken

    @staticmethod
    def _is_word(text: str) -> bool:
        return bool(re.fullmatch(r"[a-z]{2,}( .*)?|, [a-z ]+", text)) and text not in ("left", "right", "page")

    # ------------------------------------------------------------ where code expects names

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.visit(node.value)

    def visit_Compare(self, node: ast.Compare) -> None:
        self._as_code(node.left, *node.comparators)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        self._as_code(node.slice)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        name = target.id if isinstance(target, ast.Name) else ""
        is_name = re.fullmatch(r"_?(EMPTY|PARAM|KEY|STYLE|SECTION|USUAL\w*)", name)
        if name == "__all__" or (is_name and not isinstance(node.value, ast.Call)):
            return
        self.visit(node.value)

    def visit_MatchValue(self, node: ast.MatchValue) -> None:
        return

    def visit_Call(self, node: ast.Call) -> None:
        name = callee_of(node)
        self._take_nouns(node, name)
        self.visit(node.func)
        marked = name in MARKS and isinstance(node.func, ast.Name)
        before = self._inside, self._code
        if marked:
            self._inside, self._code = name, 0
        for place, arg in enumerate(node.args):
            if marked and place == 0:
                self.visit(arg)
            elif marked or name in CODE_CALLS or (place in NOUNS.get(name, ()) and self._is_plain(arg)):
                self._inside = before[0] if marked else self._inside
                self._as_code(arg) if not marked else self.visit(arg)
            else:
                self.visit(arg)
        self._inside, self._code = before
        for keyword in node.keywords:
            if (
                keyword.arg in CODE_WORDS
                or _BOUND.match(keyword.arg or "")
                or (keyword.arg == "many" and name in NOUNS)
                or (name in LINKS and keyword.arg not in ("label", "help"))
                or (name in CODE_CALLS and keyword.arg not in ("help", "label"))
            ):
                self._as_code(keyword.value)
            else:
                was = self._value
                self._value = 1 if marked else 0  # a value of a text: "none", "more"
                self.visit(keyword.value)
                self._value = was

    def _take_nouns(self, node: ast.Call, name: str) -> None:
        places = NOUNS.get(name, ())
        if not places or len(node.args) <= places[0]:
            return
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        many = node.args[places[1]] if len(places) > 1 and len(node.args) > places[1] else given.get("many")
        for one in _strings(node.args[places[0]]):
            self.nouns.append((one, next(_strings(many), None) or f"{one}s"))

    @staticmethod
    def _is_plain(node: ast.AST) -> bool:
        return isinstance(node, ast.Constant | ast.IfExp)

    def _as_code(self, *nodes: ast.AST) -> None:
        before = self._inside
        self._code += 1
        for node in nodes:
            self.visit(node)
        self._code -= 1
        self._inside = before

    # ------------------------------------------------------------ where a text is

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_function(node)

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        before = self._place, self._function
        self._place = "decorator"
        for each in node.decorator_list:
            self.visit(each)
        self._place = "default"
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            if isinstance(default, ast.Constant):
                named = _parameter_of(node, default)
                if named not in CODE_WORDS:
                    self._function = node
                    self.visit(default)
        self._place, self._function = "function", node
        for statement in node.body:
            self.visit(statement)
        self._place, self._function = before

    def visit_Lambda(self, node: ast.Lambda) -> None:
        before, self._place = self._place, "function"
        self.visit(node.body)
        self._place = before


def _parameter_of(node: ast.FunctionDef | ast.AsyncFunctionDef, default: ast.AST) -> str:
    names = [*node.args.posonlyargs, *node.args.args]
    pairs = [*zip(reversed(names), reversed(node.args.defaults), strict=False)]
    pairs += [(arg, value) for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value]
    return next((arg.arg for arg, value in pairs if value is default), "")


def _strings(node: ast.AST | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)


# Texts that come together at run time: the kinds of references, the units of time.
MORE_TEXTS = ("Receipt", "Order", "Refund", "Cost", "Price", "Settings")
MORE_NOUNS = ("second", "minute", "hour", "day", "week", "month", "unit", "product", "variant", "order", "movement")


def page_files() -> list[Path]:
    """The Python files whose texts people read."""
    files = [path for path in python_files("dashboard", "pages") if path.relative_to(ROOT).as_posix() not in NO_PAGES]
    said = ("asking", "carts", "sales", "theirs")
    return [path for path in files if path.parent.name != "language" or path.stem in said]


def texts_of(path: Path, source: str | None = None) -> Finder:
    """Return the texts of a file, each with the mark that is around it."""
    finder = Finder(path)
    finder.visit(ast.parse(source if source is not None else path.read_text(encoding="utf-8")))
    return finder
