"""What a page draws, as texts: every string of its elements that a person reads, but not its keys, icons and styles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest

from dashboard.language.texts import CLOSE, OPEN

_NO_TEXT = frozenset((
    "id", "icon", "form_id", "query_param_key", "key", "element_hash", "url", "page_script_hash", "page", "icon_image",
    "query_string", "language", "format", "type", "spec", "config", "selection_mode", "styler", "uuid", "file_type",
    "color", "fragment_id", "theme", "timezone", "url_path", "mime", "name", "active_script_hash", "delta_path",
))  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{3,}")


def texts(tab: AppTest) -> Iterator[str]:
    """Every text of a page, with those of its tables."""
    for node in _elements(tab._tree):
        proto = getattr(node, "proto", None)
        if not hasattr(proto, "ListFields"):
            continue
        if getattr(node, "type", "") == "html":
            yield re.sub(r"(?s)<(script|style)>.*?</\1>|<[^>]*>", " ", getattr(proto, "body", ""))
        else:
            yield from _strings(proto)


def _elements(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _elements(child)


def _strings(proto: Any, titled: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every text of a message. `titled`: the columns of its table that have a title of their own."""
    if isinstance(getattr(proto, "columns", None), str):
        columns = json.loads(proto.columns or "{}")
        titled = frozenset(name for name, each in columns.items() if isinstance(each, dict) and "label" in each)
    for field, value in proto.ListFields():
        if field.name in _NO_TEXT:
            continue
        if field.message_type is not None:
            if field.message_type.GetOptions().map_entry:
                continue
            for each in value if _is_many(field) else [value]:
                yield from _strings(each, titled)
        elif field.name == "columns" and field.type == field.TYPE_STRING:
            yield from _columns(value)
        elif field.type == field.TYPE_STRING:
            yield from value if _is_many(field) else [value]
        elif field.type == field.TYPE_BYTES and field.name == "data":
            names = pa.ipc.open_stream(value).schema.names
            yield from (name for name in names if name[:1].isupper() and name not in titled)
            yield from _cells(value)


def _columns(configuration: str) -> Iterator[str]:
    """The titles, helps and labels in the configuration of a table's columns."""
    for column in json.loads(configuration or "{}").values():
        if isinstance(column, dict):
            yield from (str(column[name]) for name in ("label", "help") if column.get(name))
            options = (column.get("type_config") or {}).get("options") or []
            yield from (str(each["value"] if isinstance(each, dict) else each) for each in options)


def _is_many(field: Any) -> bool:
    return bool(field.is_repeated) if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def _cells(data: bytes) -> Iterator[str]:
    table = pa.ipc.open_stream(data).read_all()
    for column in table.columns:
        for value in column.to_pylist():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, str):
                    yield each


def unmarked(text: str) -> set[str]:
    """The words of a text that did not go through the catalogue."""
    before = None
    while before != text:
        before, text = text, re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", " ", text)
    text = re.sub(r"<[^>]*>|:material/\w+:|:\w+(-badge)?\[|`[^`]*`|https?://\S+|\S+@\S+|/\S+", " ", text)
    return set(_WORD.findall(text))
