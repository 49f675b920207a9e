"""Writes the table of a report as CSV, XLSX and Parquet: all of its rows, without totals.

Money is exact and in the shop's currency. CSV files are opened in spreadsheets, so no cell can be taken for a formula.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Connection

from core.database.reading import read_only
from core.foundation.csv_file import as_csv
from core.foundation.model import Actor
from core.reports import instant, menu
from core.reports.model import Filter, Kind, Table
from core.reports.periods import Period
from core.sheets.writing import as_xlsx

_TYPES = {
    Kind.TEXT: pa.string(), Kind.COUNT: pa.int64(), Kind.UNITS: pa.int64(), Kind.DECIMAL: pa.float64(),
    Kind.PERCENT: pa.float64(), Kind.MONEY: pa.decimal128(22, 4), Kind.DAY: pa.date32(), Kind.DAYS: pa.float64(),
}  # fmt: skip


class Format(StrEnum):
    """A format of a file; its value is the ending of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


@read_only
def write(
    connection: Connection, actor: Actor, *, name: str, period: Period, filter: Filter, format: Format  # noqa: A002
) -> bytes:  # fmt: skip
    """Return the whole table of a report as a file. Raises as `menu.run`."""
    return written(menu.run(connection, actor, name=name, period=period, filter=filter), format)


@read_only
def write_instant(
    connection: Connection, actor: Actor, *, at: datetime, since: datetime | None, filter: Filter, format: Format  # noqa: A002
) -> bytes:  # fmt: skip
    """Return the whole table of the shop at an instant as a file. Raises as `instant.at`."""
    return written(instant.at(connection, actor, at=at, since=since, filter=filter), format)


def written(table: Table, format: Format) -> bytes:  # noqa: A002
    """Return a table as a file."""
    header = [column.name for column in table.columns]
    if format is Format.PARQUET:
        return _as_parquet(table)
    rows = ([_plain(value) for value in row] for row in table.rows)
    if format is Format.XLSX:
        return as_xlsx(header, rows)
    return as_csv(header, rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _as_parquet(table: Table) -> bytes:
    arrays = {
        column.name: pa.array(
            [_of_kind(row[place], column.kind) for row in table.rows], type=_TYPES[column.kind]
        )
        for place, column in enumerate(table.columns)
    }  # fmt: skip
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(arrays), file, compression="zstd")
    return file.getvalue()


def _of_kind(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    return {Kind.TEXT: str, Kind.COUNT: int, Kind.UNITS: int, Kind.MONEY: Decimal}.get(kind, lambda same: same)(value)
