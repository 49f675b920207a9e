"""The sheet of a session as CSV, XLSX, or a PDF to print. A blind sheet has no level. People walk in its order."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus.doctemplate import BaseDocTemplate
from sqlalchemy import Connection

from core.counts import sessions
from core.database.engine import call, rows_of
from core.foundation.csv_file import as_csv
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require
from core.sheets.writing import as_xlsx

FORMATS = ("pdf", "csv", "xlsx")
_FONT, _BOLD = "Vera", "VeraBd"
_GREY = HexColor("#8090A0")


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
    _fonts()
    small = ParagraphStyle("small", fontName=_FONT, fontSize=8, leading=9.5)
    bold = ParagraphStyle("bold", parent=small, fontName=_BOLD)
    head = ParagraphStyle("head", parent=bold, fontSize=13, leading=16)
    names = ["Place", "SKU", "Product", "Size", *([] if is_blind else ["Level"]), "Counted"]
    rows: list[list[Any]] = [[Paragraph(name, bold) for name in names]]
    for line in lines:
        product = " · ".join(filter(None, (line.product, line.color)))
        level = [] if is_blind else [str(line.expected)]
        texts = [line.shelf_place or "", line.sku, product, line.size or "", *level]
        rows.append([*(Paragraph(_safe(text), small) for text in texts), ""])
    widths = [20 * mm, 36 * mm, 66 * mm, 20 * mm, *([] if is_blind else [14 * mm]), 26 * mm]
    table = LongTable(rows, colWidths=widths, repeatRows=1)
    table.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _GREY),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("BOX", (-1, 1), (-1, -1), 0.6, _GREY),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    file = io.BytesIO()
    margin = 13 * mm
    page = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=margin, rightMargin=margin, topMargin=margin, bottomMargin=margin, title=title
    )
    said = f"{len(lines):,} lines. Counted by: ____________________  Date: ______________  Time: __________"
    page.build(
        [Paragraph(_safe(title), head), Spacer(0, 2 * mm), Paragraph(said, small), Spacer(0, 4 * mm), table],
        onFirstPage=_number,
        onLaterPages=_number,
    )
    return file.getvalue()


def _number(canvas: Any, page: BaseDocTemplate) -> None:
    canvas.setFont(_FONT, 7)
    canvas.drawRightString(A4[0] - 13 * mm, 7 * mm, f"Page {page.page}")


def _safe(text: str) -> str:
    """Return a text that a paragraph shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
