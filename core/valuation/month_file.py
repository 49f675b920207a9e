"""Writes a month for the accountant as XLSX and Parquet, and reads such a file again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Connection

from core.database.reading import read_only
from core.foundation.csv_file import unprotected
from core.foundation.errors import Unreadable
from core.foundation.model import Actor
from core.sheets.workbooks import is_workbook, records, tabs
from core.sheets.writing import Workbook
from core.valuation import month as months
from core.valuation.month import COLUMNS, NAMES, UNITS, VALUES, Month

_ABOUT = b"stockroom.month"
_SHEET, _ABOUT_SHEET = "Month", "About"
_FIGURES = (*UNITS, *VALUES, "movements", "chain_hash")
_TYPES = {name: pa.int64() for name in (*UNITS, "movements")} | {name: pa.decimal128(22, 3) for name in VALUES}
_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])


class Format(StrEnum):
    """A format of the file; its value is the ending of its name."""

    XLSX = "xlsx"
    PARQUET = "parquet"


def written(month: Month, format: Format) -> bytes:  # noqa: A002
    """Return a month as a file, with what `verify-ledger` needs to prove it."""
    file = io.BytesIO()
    about = _about(month)
    if format is Format.PARQUET:
        table = pa.Table.from_pylist(list(month.rows), schema=_SCHEMA)
        table = table.replace_schema_metadata({_ABOUT: json.dumps(about).encode()})
        pyarrow.parquet.write_table(table, file, compression="zstd")
        return file.getvalue()
    book = Workbook(file, COLUMNS, sheet=_SHEET)
    for row in month.rows:
        book.add(row[name] for name in COLUMNS)
    book.add_sheet(_ABOUT_SHEET, list(about.items()))
    book.close()
    return file.getvalue()


@read_only
def of(connection: Connection, actor: Actor, *, month: date, format: Format) -> bytes:  # noqa: A002
    """Return the file of a month that is over. Call it first in its transaction. Raises as `month.read`."""
    return written(months.read(connection, actor, month=month), format)


def file_name(month: Month, format: Format) -> str:  # noqa: A002
    """Return the usual name of the file."""
    return f"month-{month.month:%Y-%m}.{format}"


def _about(month: Month) -> dict[str, str]:
    totals = {f"total_{name}": f"{month.total(name)}" for name in (*UNITS, *VALUES)}
    return {
        "shop": month.shop, "month": f"{month.month:%Y-%m}", "currency": month.currency, "time_zone": month.zone,
        "read_at": month.read_at.isoformat(), "head_hash": month.head_hash, "figures": digest(month.rows), **totals,
    }  # fmt: skip


def digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the hash over all figures of a month, so that a changed one shows without a database."""
    whole = hashlib.sha256()
    for row in rows:
        cells = [row["variant_id"], *(_said(row[name]) for name in _FIGURES)]
        whole.update(("|".join(map(str, cells)) + "\n").encode())
    return whole.hexdigest()


def _said(value: Any) -> Any:
    return f"{value.normalize() + 0:f}" if isinstance(value, Decimal) else "" if value is None else value


def is_month(path: Path) -> bool:
    """Return whether a file is a month, without reading all of it if it is a ledger."""
    try:
        with path.open("rb") as file:
            if is_workbook(file.read(8)):
                return _ABOUT_SHEET in tabs(path.read_bytes(), path.name)
            file.seek(0)
            return _ABOUT in (pyarrow.parquet.read_schema(file).metadata or {})
    except (pa.ArrowException, OSError, Unreadable):
        return False


def read(content: bytes, name: str) -> tuple[Month, str]:
    """Return the month that a file holds, and the digest of its figures when it was made. Raises Unreadable."""
    try:
        about, rows = _of_workbook(content, name) if is_workbook(content) else _of_parquet(content)
        month = Month(
            shop=about["shop"],
            zone=about["time_zone"],
            currency=about["currency"],
            month=date.fromisoformat(f"{about['month']}-01"),
            read_at=datetime.fromisoformat(about["read_at"]),
            head_hash=about["head_hash"],
            rows=rows,
        )
        return month, about["figures"]
    except (KeyError, ValueError, InvalidOperation, pa.ArrowException) as error:
        raise Unreadable(
            f"{name} is not a month that Stockroom wrote, or it is damaged. Nothing was verified."
        ) from error


def _of_parquet(content: bytes) -> tuple[dict[str, str], tuple[dict[str, Any], ...]]:
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    return json.loads((table.schema.metadata or {})[_ABOUT]), tuple(table.to_pylist())


def _of_workbook(content: bytes, name: str) -> tuple[dict[str, str], tuple[dict[str, Any], ...]]:
    about = {cells[0]: cells[1] for _, cells in records(content, name, _ABOUT_SHEET) if len(cells) > 1}
    (_, header), *found = records(content, name, _SHEET)
    rows = []
    for _, cells in found:
        raw = dict(zip(header, cells, strict=False))
        row: dict[str, Any] = {each: unprotected(raw.get(each, "")) or None for each in (*NAMES, "chain_hash")}
        row["variant_id"] = str(UUID(row["variant_id"]))
        row |= {each: int(Decimal(raw.get(each) or "0")) for each in (*UNITS, "movements")}
        row |= {each: Decimal(raw[each]) if raw.get(each) else None for each in VALUES}
        rows.append(row)
    return about, tuple(rows)
