"""Reading a file of a shop's history: it becomes checked columns, or all bad rows are named at once.

Parquet, and CSV in UTF-8 with exactly our columns, are read in batches: they may have millions of rows. Everything else
is opened as a sheet (`core/sheets`).

Columns: occurred_at, sku, movement_type, reason, quantity, reference, and optionally name. Quantities are signed as in
the ledger. A moment without a zone is in the shop's time zone. Nothing here touches a database.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from core.foundation.cells import Problem, Rules, checked
from core.foundation.errors import Unreadable
from core.ledger.history_sheet import COLUMNS, OPTIONAL, REQUIRED, read_sheet
from core.sheets import Choices

MAX_ROWS = 20_000_000
SHOWN_PROBLEMS = 50
_RECORDS_AT_ONCE = 2_000  # fits the processor's cache; with ten times as many, reading takes 50 % longer
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_PROTECTED = r"^'(\s*[=+\-@0-9'\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"  # as `unprotected` in foundation/csv_file.py


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile:
    """A history whose every row can be posted. `rows` has the file's columns and `line`, the line of each row.

    `digest` is the SHA-256 of the file's bytes: the same content is the same history, whatever the file's name.
    """

    name: str
    digest: str
    rows: pa.Table

    @property
    def first(self) -> datetime:
        """The earliest moment."""
        return pc.min(self.rows["occurred_at"]).as_py()  # type: ignore[no-any-return]

    @property
    def last(self) -> datetime:
        """The latest moment."""
        return pc.max(self.rows["occurred_at"]).as_py()  # type: ignore[no-any-return]


class UnreadableHistory(Unreadable):
    """This file has bad rows; nothing was imported."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        super().__init__(_report(name, problems))
        self.problems = tuple(problems)


def read_history(path: Path, rules: Rules, choices: Choices | None = None) -> HistoryFile:
    """Read and check a history file. Its content decides what it is, not its name.

    Raises Unreadable if the file as a whole cannot be read, UnreadableHistory naming every bad row.
    """
    digest = file_digest(path)
    raw, ragged = _read(path, choices)
    if raw.num_rows == 0:
        raise Unreadable(f"{path.name} has no rows; nothing was imported.")
    rows, problems = checked(raw, rules)
    if ragged or problems:
        # A row of another width has its values in the wrong columns: one problem is enough.
        misread = {problem.line for problem in ragged if problem.field == "row"}
        said = {(problem.line, problem.field) for problem in ragged}
        rest = [each for each in problems if each.line not in misread and (each.line, each.field) not in said]
        raise UnreadableHistory(path.name, sorted([*ragged, *rest], key=lambda problem: problem.line))
    return HistoryFile(name=path.name, digest=digest, rows=rows)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal. Raises Unreadable if there is no such file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error


def _read(path: Path, choices: Choices | None) -> tuple[pa.Table, list[Problem]]:
    if _starts_with(path, b"PAR1"):
        return _read_parquet(path)
    if choices is None and _is_plain(path):
        try:
            return _read_csv(path)
        except UnicodeDecodeError:  # a first line without accents does not say that the others have none
            pass
    return read_sheet(path, choices)


def _is_plain(path: Path) -> bool:
    """Return whether the first line is UTF-8 and names our columns and no others."""
    with path.open("rb") as stream:
        start = stream.readline(10_000)
    try:
        header = start.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    delimiter = max(",;\t", key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    return set(REQUIRED) <= set(names) <= set(COLUMNS) and len(names) == len(set(names)) and "\0" not in header


def _starts_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(mark)) == mark


def _read_parquet(path: Path) -> tuple[pa.Table, list[Problem]]:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            named = _columns(path, file.schema_arrow.names)
            _refuse_too_many(path, file.metadata.num_rows)
            table = file.read(columns=list(named.values()))
    except pa.ArrowException as error:
        raise Unreadable(f"{path.name} is not a Parquet file that can be read: {str(error).splitlines()[0]}") from error
    columns = {column: table[written] for column, written in named.items()}
    return pa.table(columns | {"line": pa.array(range(1, table.num_rows + 1), pa.int32())}), []


def _read_csv(path: Path) -> tuple[pa.Table, list[Problem]]:
    ragged: list[Problem] = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        batches = list(_batches(path, stream, ragged))
    return _cleaned(pa.Table.from_batches(batches)), ragged


def _cleaned(table: pa.Table) -> pa.Table:
    """Return the texts as a spreadsheet means them: composed letters, no protecting apostrophe, no empty rows."""
    for name in ("sku", "reference", "name"):
        if name in table.column_names:
            text = pc.replace_substring_regex(pc.utf8_normalize(table[name], "NFC"), _PROTECTED, r"\1")
            table = table.set_column(table.column_names.index(name), name, text)
    filled = [pc.not_equal(table[name], "") for name in ("occurred_at", "sku", "quantity")]
    return table.filter(pc.or_(pc.or_(filled[0], filled[1]), filled[2]))


def _batches(path: Path, stream: TextIO, ragged: list[Problem]) -> Iterator[pa.RecordBatch]:
    header = stream.readline()
    delimiter = max(",;\t", key=header.count)
    written = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    named = _columns(path, written)
    positions = {column: written.index(name) for column, name in named.items()}
    schema = pa.schema([(column, pa.string()) for column in named] + [("line", pa.int32())])
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    total = 0
    while records := _some(path, reader, len(written), ragged):
        total += len(records.lines)
        _refuse_too_many(path, total)
        columns = [pa.array(records.columns[position], pa.string()) for position in positions.values()]
        yield pa.record_batch([*columns, pa.array(records.lines, pa.int32())], schema)
    if not total:
        yield pa.RecordBatch.from_pylist([], schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """Some records by column, and the line of the file on which each begins."""

    lines: Sequence[int]
    columns: Sequence[Sequence[str]]


def _some(path: Path, reader: Any, width: int, ragged: list[Problem]) -> _Records | None:
    """Return the next records, or None. If each is one line, which is nearly always, lines need no counting."""
    before = reader.line_num
    try:
        records: list[list[str]] = list(islice(reader, _RECORDS_AT_ONCE))
    except csv.Error as error:
        where = f"line {reader.line_num + 1} cannot be read as CSV: {error}"
        raise Unreadable(f"{path.name}: {where}. Nothing was imported.") from error
    lines: Sequence[int] = range(before + 2, before + 2 + len(records))
    if not records:
        return None
    if reader.line_num - before != len(records) or not all(records):
        records, lines = _with_counted_lines(records, before + 2)
    if any(len(record) != width for record in records):
        records = [_fitted(record, line, width, ragged) for record, line in zip(records, lines, strict=True)]
    return _Records(lines=lines, columns=list(zip(*records, strict=True)) or [()] * width)


def _with_counted_lines(records: list[list[str]], first: int) -> tuple[list[list[str]], list[int]]:
    """Return the records that are not empty lines, and where each begins: a quoted value can hold line breaks."""
    extra = (sum(len(_LINE_BREAK.findall(value)) for value in record) for record in records)
    starts = accumulate((1 + breaks for breaks in extra), initial=first)
    found = [(record, line) for record, line in zip(records, starts, strict=False) if record]
    return [record for record, _ in found], [line for _, line in found]


def _fitted(record: list[str], line: int, width: int, ragged: list[Problem]) -> list[str]:
    if len(record) == width:
        return record
    why = f"has {len(record)} values where the first line names {width} columns"
    ragged.append(Problem(line=line, field="row", why=why))
    return (record + [""] * width)[:width]


def _columns(path: Path, written: Sequence[str]) -> dict[str, str]:
    """Return our columns with their names in the file. Refuses a file that lacks one, repeats one, or has others."""
    known = [name.strip().lower() for name in written]
    missing = [name for name in REQUIRED if name not in known]
    unknown = [name or "(no name)" for name, key in zip(written, known, strict=True) if key not in COLUMNS]
    twice = sorted({name for name in known if name in COLUMNS and known.count(name) > 1})
    faults = {"lacks": missing, "has the unknown": unknown, "repeats": twice}
    found = [f"{verb} {_listed(names)}" for verb, names in faults.items() if names]
    if found:
        expected = f"Expected: {', '.join(REQUIRED)} and perhaps {', '.join(OPTIONAL)}"
        raise Unreadable(f"The first line of {path.name} {'; it '.join(found)}. {expected}. Nothing was imported.")
    return dict(zip(known, written, strict=True))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:10])
    return f"column{'s' if len(names) > 1 else ''} {shown}{' and others' if len(names) > 10 else ''}"


def _refuse_too_many(path: Path, rows: int) -> None:
    if rows > MAX_ROWS:
        raise Unreadable(f"{path.name} has more than {MAX_ROWS:,} rows; split it by date. Nothing was imported.")


def _report(name: str, problems: Sequence[Problem]) -> str:
    bad_rows = len({problem.line for problem in problems})
    lines = [f"{name} has {bad_rows:,} bad row{'s' if bad_rows > 1 else ''}; nothing was imported."]
    lines += [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    rest: dict[tuple[str, str], int] = {}
    for problem in problems[SHOWN_PROBLEMS:]:
        rest[problem.field, problem.why] = rest.get((problem.field, problem.why), 0) + 1
    lines += [f"  and {count:,} more: {field} {why}" for (field, why), count in rest.items()]
    return "\n".join(lines)
