"""The list of what to order from each supplier as files, and as a delivery that is expected. No invoices."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call
from core.deliveries import changes as deliveries
from core.deliveries.changes import Created
from core.deliveries.note import NoteLine
from core.foundation.csv_file import as_csv
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.foundation.text import folded
from core.replenishment.suggestions import NO_SUPPLIER, Suggestion
from core.sheets.writing import as_xlsx

COLUMNS = (
    "supplier", "sku", "barcode", "product", "size", "color", "units", "packs", "pack_size", "demand_per_day", "method",
    "lead_days", "cover_days", "needed", "available", "expected",
)  # fmt: skip
"""The columns of a list: what to order, then every term of the sum."""
_TODAY = "select today from stockroom_api.shop"


class Format(StrEnum):
    """A format of a list; its value is the ending of the file's name."""

    CSV = "csv"
    XLSX = "xlsx"


def listed(rows: Iterable[Suggestion], format: Format) -> bytes:  # noqa: A002
    """Return what to order as a file."""
    cells = ([_cell(value) for value in _values(row)] for row in rows if row.suggested)
    return as_csv(COLUMNS, cells) if format is Format.CSV else as_xlsx(COLUMNS, cells)


def for_each_supplier(rows: Sequence[Suggestion], format: Format) -> bytes:  # noqa: A002
    """Return an archive with one list for each supplier."""
    archive, taken = io.BytesIO(), set[str]()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for supplier in suppliers(rows):
            name = base = file_name(supplier)
            number = 1
            while name in taken:
                number += 1
                name = f"{base}-{number}"
            taken.add(name)
            files.writestr(f"{name}.{format}", listed(of_supplier(rows, supplier), format))
    return archive.getvalue()


def suppliers(rows: Iterable[Suggestion]) -> tuple[str, ...]:
    """Return the suppliers of whom something is to be ordered, sorted; `NO_SUPPLIER` last if some have none."""
    found = {row.supplier for row in rows if row.suggested}
    return (*sorted(each for each in found if each), *([NO_SUPPLIER] if None in found else []))


def of_supplier(rows: Iterable[Suggestion], supplier: str) -> tuple[Suggestion, ...]:
    """Return what to order from one supplier."""
    return tuple(row for row in rows if row.suggested and (row.supplier or NO_SUPPLIER) == supplier)


def file_name(supplier: str) -> str:
    """Return the name of a supplier's list, without an ending, of letters, digits and hyphens."""
    plain = re.sub(r"[\W_]+", "-", folded(supplier).lower()).strip("-")[:60]
    return f"order-{plain}" if plain else "order-without-supplier"


def announce(connection: Connection, actor: Actor, *, rows: Sequence[Suggestion], key: str) -> Created:
    """Announce what is suggested of one supplier as a delivery, due after the longest of its lead times.

    The same key again is the same delivery. Raises InvalidInput if nothing is to be ordered or the rows have several
    suppliers; KeyReused, Forbidden, SignInRequired.
    """
    wanted = [row for row in rows if row.suggested]
    if not wanted:
        raise invalid("order", "has no units. Nothing was saved")
    if len({row.supplier for row in wanted}) > 1:
        raise invalid("order", "must be of one supplier. Nothing was saved")
    today: date = call(connection, _TODAY, {})[0][0]
    lines = [
        NoteLine(line=place, code=row.sku, units=row.suggested, unit_cost=None, original=f"{row.sku} {row.suggested}")
        for place, row in enumerate(wanted, 1)
    ]
    return deliveries.announce(
        connection, actor, lines=lines, key=key, supplier=wanted[0].supplier or "",
        expected_on=today + timedelta(days=max(row.lead_days for row in wanted)),
    )  # fmt: skip


def _values(row: Suggestion) -> tuple[Any, ...]:
    return (
        row.supplier, row.sku, row.barcode, row.product, row.size, row.color, row.suggested, row.packs, row.pack_size,
        row.rate, row.method.value, row.lead_days, row.cover_days, row.needed, row.available, row.expected,
    )  # fmt: skip


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else float(value)
