"""Importing a shop's history into the ledger: read and check the whole file, stage its rows, post them in time order.

Staging commits in chunks and continues after an interruption. Posting is one transaction, so nobody sees half a
history. A file is identified by the digest of its content, so the same content is imported once. Because of these two
steps the operation takes an engine, where others take a connection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection, Engine, Row, text

from core.database.engine import run, translate
from core.foundation.cells import Rules
from core.foundation.errors import Refused
from core.foundation.model import Actor
from core.ledger import reports
from core.ledger.history_file import HistoryFile, file_digest, read_history
from core.ledger.skus import written_skus
from core.people.access import Permission
from core.people.guard import asker, require
from core.sheets import Choices

STAGED_AT_ONCE = 50_000
POSTED_AT_ONCE = 100_000
_STAGED_COLUMNS = ("occurred_at", "sku", "movement_type", "reason", "quantity", "reference", "name")
_COPY = f"copy stockroom.history_rows (import_id, line, {', '.join(_STAGED_COLUMNS)}) from stdin (format csv)"
_TOLD = text("select * from stockroom_api.told_history(:digest)")
_OPEN = text(
    """select * from stockroom_api.open_history(:user_id, :session_id, cast(:roles as text[]), :name,
              :digest, :file_name, :rows_total, :into_sample)"""
)
_BEGIN = text(
    "select * from stockroom_api.begin_history(:user_id, :session_id, cast(:roles as text[]), :name, :import_id)"
)
_POST = text("select stockroom_api.post_history(:import_id, :after, :until)")
_FINISH = text("select * from stockroom_api.finish_history(:import_id)")
_DISCARD = text("delete from stockroom.history_rows where import_id = :import_id")

Progress = Callable[[str, int, int], None]
"""Called after each step with its name ("read", "staged", "posted"), the rows done and the rows in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryImport:
    """The result of an import. `already`: the same content was imported before, so nothing was written now.

    `opening_codes` counts the SKUs that got an opening count, so that their level never falls below zero, and
    `opening_units` their units. `new_codes` counts the SKUs that were unknown, or is None if `already`.
    `rows_known` counts the rows that an earlier import had posted; they were left out.
    """

    file_name: str
    rows: int
    operation_id: int
    opening_codes: int
    opening_units: int
    new_codes: int | None
    already: bool
    rows_known: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staged:
    import_id: int
    rows: int
    is_finished: bool


def import_history(
    engine: Engine,
    actor: Actor,
    path: Path,
    *,
    progress: Progress = lambda *_: None,
    into_sample: bool = False,
    now: datetime | None = None,
    choices: Choices | None = None,
) -> HistoryImport:
    """Import a history file into the ledger: all of its rows in time order, or none.

    Rows that an earlier import has posted are left out. Raises Unreadable naming every bad row; InvalidInput if the
    ledger has later movements of a SKU in the file, or if the shop holds the sample data and `into_sample` is not set;
    Forbidden, SignInRequired, Unavailable. After an interruption, the same call continues.
    """
    rules = run(engine, _rules, actor, now=now or datetime.now(UTC))
    if known := run(engine, _told, actor, name=path.name, digest=file_digest(path)):
        return known
    file = _as_the_shop_writes(engine, actor, read_history(path, rules, choices))
    progress("read", file.rows.num_rows, file.rows.num_rows)
    staged = _stage(engine, actor, file, into_sample, progress)
    try:
        done = run(engine, _post, actor, file=file, import_id=staged.import_id, progress=progress)
    except Refused:
        run(engine, _discard, actor, import_id=staged.import_id)
        raise
    if done is None:  # another process finished the import meanwhile
        return import_history(engine, actor, path, progress=progress, into_sample=into_sample, now=now, choices=choices)
    return done


def _as_the_shop_writes(engine: Engine, actor: Actor, file: HistoryFile) -> HistoryFile:
    """Return the file with the shop's SKUs in place of former ones and of others that look alike."""
    codes = file.rows["sku"].combine_chunks().dictionary_encode()
    written = codes.dictionary.to_pylist()
    known = run(engine, written_skus, actor, skus=written)
    if not known:
        return file
    skus = pa.array([known.get(sku, sku) for sku in written], pa.string()).take(codes.indices)
    return replace(file, rows=file.rows.set_column(file.rows.column_names.index("sku"), "sku", skus))


def _rules(connection: Connection, actor: Actor, *, now: datetime) -> Rules:
    require(connection, actor, Permission.IMPORT_HISTORY)
    known = reports.reasons(connection, actor)
    signs = {(reason.movement_type.value, reason.reason): reason.sign for reason in known if reason.reason != "undo"}
    return Rules(zone=reports.shop(connection, actor).zone, now=now, signs=signs)


def _told(connection: Connection, _actor: Actor, *, name: str, digest: str) -> HistoryImport | None:
    row = connection.execute(_TOLD, {"digest": digest}).one_or_none()
    if row is None:
        return None
    return _result(name, row.rows_total, row, None)


def _result(name: str, rows: int, finished: Row[Any], new_codes: int | None) -> HistoryImport:
    return HistoryImport(
        file_name=name,
        rows=rows,
        operation_id=finished.operation_id,
        opening_codes=finished.opening_codes,
        opening_units=finished.opening_units,
        new_codes=new_codes,
        already=new_codes is None,
        rows_known=finished.rows_known,
    )


def _stage(engine: Engine, actor: Actor, file: HistoryFile, into_sample: bool, progress: Progress) -> _Staged:
    """Copy the rows into the staging table in time order, each chunk in its own transaction."""
    ordered = file.rows.sort_by([("occurred_at", "ascending"), ("line", "ascending")])
    while True:
        staged = run(engine, _stage_chunk, actor, file=file, ordered=ordered, into_sample=into_sample)
        progress("staged", staged.rows, ordered.num_rows)
        if staged.is_finished or staged.rows >= ordered.num_rows:
            return staged


def _stage_chunk(
    connection: Connection, actor: Actor, *, file: HistoryFile, ordered: pa.Table, into_sample: bool
) -> _Staged:
    values = {"digest": file.digest, "file_name": file.name, "rows_total": ordered.num_rows, "into_sample": into_sample}
    known = connection.execute(_OPEN, asker(actor, Permission.IMPORT_HISTORY) | values).one()
    chunk = ordered.slice(known.rows_staged, 0 if known.is_finished else STAGED_AT_ONCE)
    if chunk.num_rows:
        places = pa.array(range(2 * known.rows_staged + 2, 2 * (known.rows_staged + chunk.num_rows) + 2, 2), pa.int32())
        ids = pa.repeat(known.import_id, chunk.num_rows)
        _copy(connection, chunk.select(_STAGED_COLUMNS).add_column(0, "line", places).add_column(0, "import_id", ids))
    return _Staged(import_id=known.import_id, rows=known.rows_staged + chunk.num_rows, is_finished=known.is_finished)


def _copy(connection: Connection, rows: pa.Table) -> None:
    # As texts without a zone: Arrow writes those ten times as fast as moments with one.
    moments = rows["occurred_at"].cast(pa.timestamp("us")).cast(pa.string())
    place = rows.column_names.index("occurred_at")
    rows = rows.set_column(place, "occurred_at", pc.binary_join_element_wise(moments, "Z", ""))
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(rows, sink, pyarrow.csv.WriteOptions(include_header=False))
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(sink.getvalue().to_pybytes())
    except psycopg.Error as error:
        raise translate(error) from error


def _post(
    connection: Connection, actor: Actor, *, file: HistoryFile, import_id: int, progress: Progress
) -> HistoryImport | None:
    """Post every staged row in the transaction of `connection`. Return None if another process has done so."""
    begun = connection.execute(_BEGIN, asker(actor, Permission.IMPORT_HISTORY) | {"import_id": import_id}).one_or_none()
    if begun is None:
        return None
    total = file.rows.num_rows
    for posted in range(0, total, POSTED_AT_ONCE):
        until = min(posted + POSTED_AT_ONCE, total)
        connection.execute(_POST, {"import_id": import_id, "after": 2 * posted, "until": 2 * until})
        progress("posted", until, total)
    finished = connection.execute(_FINISH, {"import_id": import_id}).one()
    return _result(file.name, total, finished, begun.new_codes)


def _discard(connection: Connection, _actor: Actor, *, import_id: int) -> None:
    connection.execute(_DISCARD, {"import_id": import_id})
