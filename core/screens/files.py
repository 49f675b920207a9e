"""Writes the lists of core/screens/lists.py as files: one as CSV, Excel or Parquet, or all with a file of columns.

Rows are read in parts and written at once, so a list of any length fits. Every file of one export shows the shop at the
same moment. Moments are in UTC with their offset. A text that a spreadsheet would run begins with an apostrophe in CSV.
"""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.sql.elements import ColumnElement

from core.database.reading import read_only
from core.foundation.csv_file import safe
from core.foundation.errors import SetupError, invalid
from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.query import view
from core.people.access import Permission, may
from core.people.guard import require
from core.screens.columns import Column, Kind, ListFile
from core.screens.lists import LISTS
from core.sheets.writing import MOST_ROWS, Workbook

README = "README.txt"
_ROWS_AT_ONCE = 5_000
TYPES = {
    Kind.TEXT: pa.string(), Kind.WHOLE: pa.int64(), Kind.MONEY: pa.decimal128(22, 4), Kind.DECIMAL: pa.float64(),
    Kind.MOMENT: pa.timestamp("us", "UTC"), Kind.DAY: pa.date32(), Kind.YES: pa.bool_(),
}  # fmt: skip
"""The type of a column in Parquet."""
_ABOUT = """\
{shop}: every list of the shop, as of {at}.

Each list is a CSV file and a Parquet file of the same rows and columns.
- Moments are in UTC, with their offset. Days are those of the shop's clock, {zone}.
- Money is in whole units of the currency that its row names, else of {currency}, and exact. Quantities are units.
- CSV is UTF-8. An empty cell means that there is no value. A text that a spreadsheet would run as a formula begins
  with an apostrophe ('), which is not part of the text.
"""

Tell = Callable[[str, int], None]
"""Called with the title of a list and its rows so far."""


class Format(StrEnum):
    """A format of a file; its value is the ending of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


@read_only
def write_list(connection: Connection, actor: Actor, *, name: str, format: Format, path: Path) -> int:  # noqa: A002
    """Write one list to a file and return its rows. Raises InvalidInput for an unknown list; Forbidden."""
    found = LISTS.get(name)
    if found is None:
        raise invalid("list", "is not known")
    read_one_moment(connection)
    require(connection, actor, found.permission)
    return _write(connection, found, _columns(connection, actor, found), {format: path})


@read_only
def write_all(connection: Connection, actor: Actor, *, folder: Path, tell: Tell = lambda *_: None) -> int:
    """Write every list that the actor may see to a folder, as CSV and Parquet, and return how many lists.

    The folder appears when it is complete. Raises SetupError if it exists; Forbidden.
    """
    _begin_all(connection, actor)
    part = folder.with_name(f"{folder.name}.part")
    _refuse_existing(folder, part)
    try:
        part.mkdir(mode=0o700, parents=True)
        done = list(_each(connection, actor, part, tell))
        (part / README).write_text(_about(connection, actor, done), encoding="utf-8")
        part.rename(folder)
    except OSError as error:
        raise SetupError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return len(done)


@read_only
def write_zip(connection: Connection, actor: Actor, *, path: Path) -> int:
    """Write every list that the actor may see to one ZIP file and return how many lists. Raises Forbidden."""
    _begin_all(connection, actor)
    part = path.with_name(f"{path.name}.part")
    try:
        part.mkdir(mode=0o700)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
            done = []
            for each, rows, columns in _each(connection, actor, part, lambda *_: None):
                for file in sorted(part.iterdir()):
                    packed = zipfile.ZIP_STORED if file.suffix == ".parquet" else zipfile.ZIP_DEFLATED
                    whole.write(file, file.name, packed)
                    file.unlink()
                done.append((each, rows, columns))
            whole.writestr(README, _about(connection, actor, done))
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return len(done)


def _begin_all(connection: Connection, actor: Actor) -> None:
    read_one_moment(connection)
    require(connection, actor, Permission.EXPORT_ALL)


def read_one_moment(connection: Connection) -> None:
    """Let every read of this transaction see the same moment; plan for all rows, not for the first ones."""
    connection.exec_driver_sql("set transaction isolation level repeatable read")
    connection.exec_driver_sql("set local cursor_tuple_fraction = 1")
    connection.exec_driver_sql("set local jit = off")


def _refuse_existing(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            raise SetupError(f"{folder} exists already. Name a new folder; nothing was written.")


def _each(
    connection: Connection, actor: Actor, folder: Path, tell: Tell
) -> Iterator[tuple[ListFile, int, Sequence[Column]]]:
    """Write each list that the actor may see, and yield it with its rows and columns."""
    for each in LISTS.values():
        if may(actor.role, each.permission):
            require(connection, actor, each.permission)
            columns = _columns(connection, actor, each)
            paths = {kind: folder / f"{each.name}.{kind}" for kind in (Format.CSV, Format.PARQUET)}
            yield each, _write(connection, each, columns, paths, tell), columns


def _columns(connection: Connection, actor: Actor, wanted: ListFile) -> tuple[Column, ...]:
    """Return the columns that the actor may have; the role is checked again in the database."""
    if not any(column.is_buyer for column in wanted.columns):
        return wanted.columns
    if not may(actor.role, Permission.EXPORT_BUYERS):
        return tuple(column for column in wanted.columns if not column.is_buyer)
    require(connection, actor, Permission.EXPORT_BUYERS)
    return wanted.columns


def _write(
    connection: Connection, wanted: ListFile, columns: Sequence[Column], paths: dict[Format, Path],
    tell: Tell = lambda *_: None,
) -> int:  # fmt: skip
    rows = 0
    with ExitStack() as open_files:
        sinks = [open_files.enter_context(closing(_SINKS[kind](path, columns))) for kind, path in paths.items()]
        tell(wanted.title, rows)
        for part in _parts(connection, wanted, columns):
            for sink in sinks:
                sink.add(part)
            rows += len(part)
            tell(wanted.title, rows)
    return rows


def _parts(connection: Connection, wanted: ListFile, columns: Sequence[Column]) -> Iterator[Sequence[Row[Any]]]:
    source = view(f"file_{wanted.name}", *wanted.names)
    query = select(*(source.c[column.name] for column in columns)).order_by(*_order(source, wanted))
    options = {"yield_per": _ROWS_AT_ONCE}
    with connection.execute(query, execution_options=options) as found:
        yield from found.partitions()


def _order(source: Any, wanted: ListFile) -> Iterator[ColumnElement[Any]]:
    for name in wanted.order:
        key = source.c[name.removeprefix("-")]
        yield key.desc() if name.startswith("-") else key.asc()


class _CsvSink:
    """A CSV file that is being written."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([column.name for column in columns])

    def add(self, rows: Sequence[Row[Any]]) -> None:
        """Write rows."""
        self._writer.writerows([_cell(value) for value in row] for row in rows)

    def close(self) -> None:
        """End the file."""
        self._file.close()


class _XlsxSink:
    """A workbook that is being written. Moments, days and yes or no are text, as in CSV."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._book = Workbook(path, [column.name for column in columns])
        self._rows = 0

    def add(self, rows: Sequence[Row[Any]]) -> None:
        """Write rows. Raises InvalidInput if a workbook cannot hold them."""
        self._rows += len(rows)
        if self._rows > MOST_ROWS:
            raise invalid("list", f"has more than the {MOST_ROWS:,} rows that a workbook holds; take CSV")
        for row in rows:
            self._book.add(value if isinstance(value, Decimal) else _plain(value) for value in row)

    def close(self) -> None:
        """End the file."""
        self._book.close()


class _ParquetSink:
    """A Parquet file that is being written."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        fields = [pa.field(column.name, TYPES[column.kind]) for column in columns]
        self._schema = pa.schema(fields)
        self._readers = [_as_parquet(column.kind) for column in columns]
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, rows: Sequence[Row[Any]]) -> None:
        """Write rows."""
        values = [
            [None if value is None else read(value) for value in column] if read else list(column)
            for read, column in zip(self._readers, zip(*rows, strict=True), strict=True)
        ]
        arrays = [pa.array(each, kind) for each, kind in zip(values, self._schema.types, strict=True)]
        self._writer.write_table(pa.table(arrays, self._schema))

    def close(self) -> None:
        """End the file."""
        self._writer.close()


_SINKS: dict[Format, Callable[[Path, Sequence[Column]], _CsvSink | _XlsxSink | _ParquetSink]] = {
    Format.CSV: _CsvSink,
    Format.XLSX: _XlsxSink,
    Format.PARQUET: _ParquetSink,
}


def _cell(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else safe(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _as_parquet(kind: Kind) -> Callable[[Any], Any] | None:
    return {Kind.TEXT: str, Kind.DECIMAL: float}.get(kind)


def _about(connection: Connection, actor: Actor, done: Sequence[tuple[ListFile, int, Sequence[Column]]]) -> str:
    """Return the text of the file of columns."""
    shop = reports.shop(connection, actor)
    at = connection.execute(text("select now()")).scalar_one().astimezone(UTC).isoformat(timespec="seconds")
    parts = [_ABOUT.format(shop=shop.name, at=at, zone=shop.zone, currency=shop.currency)]
    written = {each.name for each, _, _ in done}
    left_out = [each.title for each in LISTS.values() if each.name not in written]
    if left_out:
        parts.append(f"Left out, because the role of {actor.name} may not see them: {'; '.join(left_out)}.\n")
    for each, rows, columns in done:
        lines = [f"{each.name}: {each.title}, {rows:,} rows"]
        lines += [f"  {column.name}, {column.kind}" + (f": {column.about}" * bool(column.about)) for column in columns]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
