"""Every text that a page sends to the browser, with the field of Streamlit's messages in which it goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest


def sent(tab: AppTest) -> Iterator[tuple[str, str]]:
    """Each text with its field: `Markdown.body`, `Selectbox.options`, `Table.cell`."""
    for node in _nodes(tab._tree):
        proto: Any = getattr(node, "proto", None)
        if hasattr(proto, "ListFields"):
            yield from _fields(proto, proto.DESCRIPTOR.name)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _nodes(child)


def _fields(proto: Any, kind: str) -> Iterator[tuple[str, str]]:
    for field, value in proto.ListFields():
        name, many = f"{kind}.{field.name}", field.is_repeated
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from ((name, str(each)) for pair in value.items() for each in pair)
        elif field.message_type is not None:
            for each in value if many else [value]:
                yield from _fields(each, f"{kind}.{field.message_type.name}" if kind == "Block" else name)
        elif field.type == field.TYPE_STRING and field.name == "columns":
            yield from _columns(value, name)
        elif field.type == field.TYPE_STRING and name == "PlotlyChart.spec":
            yield from _parts(json.loads(value), name)
        elif field.type == field.TYPE_STRING:
            yield from ((name, each) for each in (value if many else [value]))
        elif field.type == field.TYPE_BYTES and value[:4] == b"\xff\xff\xff\xff":
            yield from ((f"{kind}.cell", each) for each in _cells(value))


def _columns(configuration: str, name: str) -> Iterator[tuple[str, str]]:
    for column in json.loads(configuration or "{}").values():
        yield from _parts(column, name)


def _parts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _parts(each, name if name == "PlotlyChart.spec" else f"{name}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from _parts(each, name)
    elif isinstance(value, str):
        yield name, value


def _cells(data: bytes) -> Iterator[str]:
    table = pa.ipc.open_stream(data).read_all()
    yield from table.column_names
    for column in table.columns:
        for value in column.to_pylist():
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))
