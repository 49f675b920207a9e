"""The ledger as a Parquet file with its hashes, and the verification of such a file without a database.

Rows are sorted by variant and sequence, so that one pass, remembering one row, verifies the chain. The canonical text
is implemented here a second time, in Python; a test compares it with the database's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Connection, Engine, text

from core.database.engine import run
from core.foundation.errors import Unreadable
from core.foundation.model import COMMAND_LINE, Actor
from core.people.access import Permission
from core.people.guard import require

ROWS_AT_ONCE = 20_000
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("variant_id", pa.string()),
        ("sku", pa.string()),
        ("movement_type", pa.string()),
        ("reason", pa.string()),
        ("quantity", pa.int32()),
        ("quantity_before", pa.int32()),
        ("quantity_after", pa.int32()),
        ("variant_sequence", pa.int32()),
        ("operation_id", pa.int64()),
        ("reference_type", pa.string()),
        ("reference_id", pa.string()),
        ("reverses_id", pa.int64()),
        ("performed_by", pa.string()),
        ("note", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("created_at", pa.timestamp("us", "UTC")),
        ("chain_hash", pa.binary()),
    ]
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEAD, _COUNT = b"stockroom.head_hash", b"stockroom.movements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a ledger file has; `fault` describes the first bad row, or is empty."""

    movements: int
    variants: int
    head_hash: str
    fault: str = ""


# ---------------------------------------------------------------- writing


def export(engine: Engine, path: Path) -> Ledger:
    """Write the whole ledger to `path`, completely or not at all. Raises Unreadable if it cannot be written."""
    draft = path.with_name(path.name + ".part")
    try:
        found = run(engine, _write, COMMAND_LINE, path=draft)
        draft.replace(path)
    except OSError as error:
        raise Unreadable(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return found


def _write(connection: Connection, actor: Actor, *, path: Path) -> Ledger:
    require(connection, actor, Permission.VIEW)
    chain, movements = _Heads(), 0
    with pa.parquet.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for rows in _rows(connection):
            for row in rows:
                chain.take(row)
            movements += len(rows)
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
        writer.add_key_value_metadata({_HEAD: chain.head_hash, _COUNT: str(movements)})
    return Ledger(movements=movements, variants=chain.variants, head_hash=chain.head_hash)


def _rows(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    statement = text("select * from stockroom_api.ledger_rows order by variant_id, variant_sequence")
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(statement)
    for part in found.mappings().partitions(ROWS_AT_ONCE):
        yield [{**row, "variant_id": str(row["variant_id"]), "chain_hash": bytes(row["chain_hash"])} for row in part]


class _Heads:
    """The hash over the last hash of every variant, in the order of their ids, computed row by row."""

    def __init__(self) -> None:
        self.variants = 0
        self._variant: str | None = None
        self._last = b""
        self._all = hashlib.sha256()

    def take(self, row: dict[str, Any]) -> None:
        """Add a row; rows are sorted by variant."""
        if row["variant_id"] != self._variant:
            self._all.update(self._last)
            self._variant, self.variants = row["variant_id"], self.variants + 1
        self._last = row["chain_hash"]

    @property
    def head_hash(self) -> str:
        """The hash over all rows so far, in hexadecimal."""
        whole = self._all.copy()
        whole.update(self._last)
        return whole.hexdigest()


# ---------------------------------------------------------------- verifying


def verify(path: Path) -> Ledger:
    """Verify a ledger file: every sequence, level and hash, and the head hash. Raises Unreadable if it is not one."""
    try:
        with pa.parquet.ParquetFile(path) as file:
            facts = {**(file.schema_arrow.metadata or {}), **(file.metadata.metadata or {})}
            if not file.schema_arrow.equals(SCHEMA) or _HEAD not in facts:
                raise Unreadable(f"{path.name} is not a ledger file written by `export-ledger`.")
            return _verified(file, facts[_HEAD].decode(), int(facts[_COUNT]))
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    except (pa.ArrowException, ValueError) as error:
        raise Unreadable(f"{path.name} is damaged or not a Parquet file: {error}.") from error


def _verified(file: Any, head_hash: str, movements: int) -> Ledger:
    heads, last, count = _Heads(), None, 0
    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
        for row in batch.to_pylist():
            count += 1
            if fault := _fault(row, last):
                fault = f"{row['sku']}, movement no. {row['variant_sequence']} (row {count:,}): {fault}"
                return Ledger(movements=count, variants=heads.variants, head_hash=heads.head_hash, fault=fault)
            heads.take(row)
            last = row
    fault = ""
    if count != movements:
        fault = f"it has {count:,} movements, but {movements:,} were written"
    elif heads.head_hash != head_hash:
        fault = "every row follows from the one before, but the head hash differs: movements at the end are missing"
    return Ledger(movements=count, variants=heads.variants, head_hash=heads.head_hash, fault=fault)


def _fault(row: dict[str, Any], last: dict[str, Any] | None) -> str:
    """Return what is wrong with a row, given the row before it, or an empty text."""
    if last is not None and row["variant_id"] < last["variant_id"]:
        return "it is not in its place"
    before = last if last is not None and last["variant_id"] == row["variant_id"] else None
    if row["variant_sequence"] != (before["variant_sequence"] if before else 0) + 1:
        return "the one before it is missing"
    if row["quantity_before"] != (before["quantity_after"] if before else 0):
        return "it does not begin where the one before it ended"
    if row["quantity_after"] != row["quantity_before"] + row["quantity"] or row["quantity_after"] < 0:
        return "its level is wrong"
    if row["chain_hash"] != link(before["chain_hash"] if before else b"", canonical_text(row)):
        return "its hash does not follow"
    return ""


def link(hash_before: bytes, canonical: str) -> bytes:
    """Return the next hash of a chain, from the hash before and a movement's canonical text."""
    return hashlib.sha256(hash_before + canonical.encode()).digest()


def canonical_text(row: dict[str, Any]) -> str:
    """Return what a movement's hash covers, as `stockroom.movement_text` writes it."""
    numbers = (
        UUID(str(row["variant_id"])), row["variant_sequence"], row["quantity"], row["quantity_before"],
        row["quantity_after"], row["operation_id"], "-" if row["reverses_id"] is None else row["reverses_id"],
        microseconds(row["occurred_at"]), microseconds(row["created_at"]),
    )  # fmt: skip
    texts = ("sku", "movement_type", "reason", "reference_type", "reference_id", "performed_by", "note")
    return "".join(f"{number}|" for number in numbers) + "".join(_netstring(row[name]) for name in texts)


def microseconds(at: datetime) -> int:
    """Return a moment as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def _netstring(value: str | None) -> str:
    return "-" if value is None else f"{len(value.encode())}:{value}"
