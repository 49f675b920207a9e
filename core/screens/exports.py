"""Lists under a filter as files: the ledger, levels and cases. `files` has whole lists.

Each file shows the shop at one moment, although it is read in pages. Moments are in the shop's zone, with their offset.
CSV files are opened in spreadsheets, so they begin with a byte order mark, and no cell can be taken for a formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet
from sqlalchemy import Connection

from core.alerts import reads as alerts
from core.alerts.reads import Alert, AlertFilter
from core.carts.values import minor_digits
from core.database.reading import read_only
from core.foundation.csv_file import as_csv
from core.foundation.model import Actor, LevelRow
from core.ledger import movements, reports
from core.ledger.level_filter import LevelFilter, LevelSort
from core.ledger.movements import MovementFilter
from core.people.access import Permission, may
from core.screens.columns import Kind
from core.screens.files import TYPES, read_one_moment
from core.screens.lists import LISTS
from core.sheets.writing import as_xlsx

LEVELS_AT_ONCE = 1_000
MOVEMENT_COLUMNS = LISTS["movements"].names
LEVEL_COLUMNS = LISTS["stock"].names
ALERT_COLUMNS = LISTS["cases"].names


@read_only
def movements_csv(connection: Connection, actor: Actor, *, filter: MovementFilter) -> bytes:  # noqa: A002
    """Return every movement under the filter, newest first, as CSV, with its value for those who may see money."""
    read_one_moment(connection)
    zone = ZoneInfo(reports.shop(connection, actor).zone)
    chunks = _valued(connection, actor, filter)
    return as_csv(_columns(actor), ([_text(each, zone) for each in row] for chunk in chunks for row in chunk))


@read_only
def movements_parquet(connection: Connection, actor: Actor, *, filter: MovementFilter) -> bytes:  # noqa: A002
    """Return every movement under the filter, newest first, as Parquet."""
    read_one_moment(connection)
    zone = reports.shop(connection, actor).zone
    fields = {each.name: _on_clock(TYPES[each.kind], zone) for each in LISTS["movements"].columns}
    schema = pa.schema([(name, fields.get(name, TYPES[Kind.MONEY])) for name in _columns(actor)])
    file = io.BytesIO()
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for chunk in _valued(connection, actor, filter):
            columns = dict(zip(schema.names, map(list, zip(*chunk, strict=True)), strict=True))
            writer.write_table(pa.table(columns, schema))
    return file.getvalue()


@read_only
def levels_csv(connection: Connection, actor: Actor, *, filter: LevelFilter, sort: LevelSort) -> bytes:  # noqa: A002
    """Return every variant under the filter with its level, as CSV."""
    return as_csv(LEVEL_COLUMNS, _levels(connection, actor, filter, sort))


@read_only
def levels_xlsx(connection: Connection, actor: Actor, *, filter: LevelFilter, sort: LevelSort) -> bytes:  # noqa: A002
    """Return every variant under the filter with its level, as a workbook."""
    return as_xlsx(LEVEL_COLUMNS, _levels(connection, actor, filter, sort))


@read_only
def alerts_csv(connection: Connection, actor: Actor, *, filter: AlertFilter) -> bytes:  # noqa: A002
    """Return every case under the filter, in the order of the list, as CSV."""
    read_one_moment(connection)
    zone = ZoneInfo(reports.shop(connection, actor).zone)
    found = alerts.export(connection, actor, filter=filter)
    return as_csv(ALERT_COLUMNS, (_case(row, zone) for row in found))


def _levels(connection: Connection, actor: Actor, wanted: LevelFilter, sort: LevelSort) -> Iterator[list[Any]]:
    read_one_moment(connection)
    zone = ZoneInfo(reports.shop(connection, actor).zone)
    return (_level(row, zone) for row in _all_levels(connection, actor, wanted, sort))


def _all_levels(connection: Connection, actor: Actor, wanted: LevelFilter, sort: LevelSort) -> Iterator[LevelRow]:
    for offset in count(0, LEVELS_AT_ONCE):
        page = reports.levels(connection, actor, filter=wanted, sort=sort, offset=offset, limit=LEVELS_AT_ONCE)
        yield from page.rows
        if offset + LEVELS_AT_ONCE >= page.total:
            return


def _columns(actor: Actor) -> tuple[str, ...]:
    """Return the columns of a file of movements: the last one is what each added to the value of the shelf, at cost."""
    return (*MOVEMENT_COLUMNS, "value_change") if may(actor.role, Permission.SEE_MONEY) else MOVEMENT_COLUMNS


def _valued(connection: Connection, actor: Actor, wanted: MovementFilter) -> Iterator[list[list[Any]]]:
    """Yield every movement under a filter in chunks, each as the values of its columns."""
    for chunk in movements.export(connection, actor, filter=wanted):
        rows = [[getattr(row, name) for name in MOVEMENT_COLUMNS] for row in chunk]
        if may(actor.role, Permission.SEE_MONEY):
            worth = movements.worth(connection, actor, movement_ids=[row.movement_id for row in chunk])
            rows = [[*values, worth[row.movement_id]] for row, values in zip(chunk, rows, strict=True)]
        yield rows


def _level(row: LevelRow, zone: ZoneInfo) -> list[Any]:
    cover = None if row.cover_days is None else round(row.cover_days, 1)
    moments = [_text(row.last_moved_at, zone), _text(row.last_counted_at, zone)]
    return [row.sku, row.barcode, row.product, row.brand, row.size, row.color, row.on_hand, row.reserved, row.available,
            row.reorder_point, row.sold, cover, *moments, row.shelf_place, row.average_cost]  # fmt: skip


def _case(row: Alert, zone: ZoneInfo) -> list[Any]:
    money = Decimal(row.money).scaleb(-minor_digits(row.currency)) if row.currency else None
    return [money if name == "money" else _text(getattr(row, name), zone) for name in ALERT_COLUMNS]


def _text(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone).isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _on_clock(kind: pa.DataType, zone: str) -> pa.DataType:
    return pa.timestamp("us", zone) if pa.types.is_timestamp(kind) else kind
