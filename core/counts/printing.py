"""The sheet of a session as CSV, XLSX, or a PDF to print. A blind sheet has no level. People walk in its order."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from sqlalchemy import Connection

from core.counts import sessions
from core.database.engine import call, rows_of
from core.database.reading import read_only
from core.foundation.csv_file import as_csv
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require
from core.sheets.writing import as_xlsx

FORMATS = ("pdf", "csv", "xlsx")
_FONT, _BOLD = "Vera", "VeraBd"
_GREY = HexColor("#8090A0")
_MARGIN, _ROW, _ROWS = 13 * mm, 17.0, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """A line of the sheet. `expected` is None on a blind sheet, `counted` what is counted so far."""

    count_id: int
    place: int
    shelf_place: str | None
    sku: str
    barcode: str | None
    product: str
    color: str | None
    size: str | None
    expected: int | None
    counted: int | None


@read_only
def sheet(connection: Connection, actor: Actor, *, count_id: int, format: str) -> bytes:  # noqa: A002
    """Return the sheet of a session as a file: pdf, csv or xlsx. Raises InvalidInput, Forbidden, SignInRequired."""
    require(connection, actor, Permission.COUNT)
    session = sessions.session(connection, actor, count_id=count_id)
    if session is None:
        raise invalid("count", "does not exist")
    if format not in FORMATS:
        raise invalid("format", f"must be one of {', '.join(FORMATS)}")
    statement = "select * from stockroom_api.count_sheet where count_id = %(id)s order by place, sku"
    lines = rows_of(SheetLine, call(connection, statement, {"id": count_id}))
    if format == "pdf":
        return _pdf(f"{session.name}, count {session.count_id}", session.is_blind, lines)
    header = ["shelf_place", "sku", "barcode", "product", "color", "size"]
    header += ["counted"] if session.is_blind else ["expected", "counted"]
    rows = [[getattr(line, name) for name in header] for line in lines]
    return as_csv(header, rows) if format == "csv" else as_xlsx(header, rows)


@cache
def _fonts() -> None:
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (_FONT, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def _pdf(title: str, is_blind: bool, lines: tuple[SheetLine, ...]) -> bytes:
    """Return the pages. Each line has a box for the number; a text that is too long for its column is cut."""
    _fonts()
    file = io.BytesIO()
    page = Canvas(file, pagesize=A4)
    page.setTitle(title)
    names = ["Shelf", "SKU", "Product", "Size", *([] if is_blind else ["Level"]), "Counted"]
    widths = [20 * mm, 36 * mm, (80 if is_blind else 66) * mm, 20 * mm, *([] if is_blind else [14 * mm]), 26 * mm]
    places = [_MARGIN + sum(widths[:n]) for n in range(len(widths))]
    for start in range(0, len(lines), _ROWS):
        top = A4[1] - _MARGIN - 16
        _write(page, title, _MARGIN, top + 6, 130 * mm, bold=12)
        said = f"{len(lines):,} lines. Counted by: ____________________  Date: ______________  Time: __________"
        _write(page, said, _MARGIN, top - 10, 180 * mm)
        for name, at, width in zip(names, places, widths, strict=True):
            _write(page, name, at, top - 28, width, bold=8)
        for row, line in enumerate(lines[start : start + _ROWS], 1):
            _write_line(page, line, is_blind, places, widths, top - 30 - row * _ROW)
        _write(page, f"Page {start // _ROWS + 1}", A4[0] - _MARGIN - 14 * mm, 8 * mm, 20 * mm)
        page.showPage()
    page.save()
    return file.getvalue()


def _write_line(
    page: Canvas, line: SheetLine, is_blind: bool, places: Sequence[float], widths: Sequence[float], y: float
) -> None:
    product = " · ".join(filter(None, (line.product, line.color)))
    level = [] if is_blind else [str(line.expected)]
    for text, at, width in zip(
        (line.shelf_place or "", line.sku, product, line.size or "", *level), places, widths, strict=False
    ):
        _write(page, text, at, y, width)
    page.setStrokeColor(_GREY)
    page.setLineWidth(0.4)
    page.line(_MARGIN, y - 5, places[-1], y - 5)
    page.rect(places[-1], y - 5, widths[-1], _ROW)


def _write(page: Canvas, text: str, x: float, y: float, width: float, *, bold: int = 0) -> None:
    font, size = (_BOLD, bold) if bold else (_FONT, 8)
    while text and pdfmetrics.stringWidth(text, font, size) > width - 4:
        text = text[:-1]
    page.setFont(font, size)
    page.drawString(x, y, text)
