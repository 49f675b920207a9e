"""Prints labels as a PDF: on sheets of labels, or one label a page for a label printer."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode import createBarcodeDrawing
from reportlab.graphics.shapes import Drawing
from reportlab.lib.pagesizes import A4, letter
from reportlab.lib.units import inch, mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from core.catalog.labels import Label, shortened, symbol
from core.foundation.errors import invalid

_FONTS = Path(__file__).parent / "fonts"
_PLAIN, _BOLD = "Stockroom labels", "Stockroom labels bold"
_PADDING = 2.2 * mm
_THINNEST = 0.17 * mm
"""The width of a thin bar that scanners still read; a code that needs thinner ones becomes a QR code."""
_WIDEST = 0.38 * mm
_QUIET = 10
"""White bars at either side of Code 128."""


class Sheet(StrEnum):
    """The paper that labels are printed on."""

    A4_21 = "a4_21"
    LETTER_30 = "letter_30"
    ROLL = "roll"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The measures of a sheet, in points: its page, and its labels, from the upper left corner."""

    title: str
    page: tuple[float, float]
    columns: int
    rows: int
    label: tuple[float, float]
    corner: tuple[float, float]
    step: tuple[float, float]

    @property
    def labels(self) -> int:
        """How many labels a page has."""
        return self.columns * self.rows


PAPERS = {
    Sheet.A4_21: Paper(
        title="A4, 21 labels, 63.5 by 38.1 mm (Avery L7160)", page=A4, columns=3, rows=7, label=(63.5 * mm, 38.1 * mm),
        corner=(7.2 * mm, 15.1 * mm), step=(66.04 * mm, 38.1 * mm),
    ),
    Sheet.LETTER_30: Paper(
        title="Letter, 30 labels, 2⅝ by 1 in (Avery 5160)", page=letter, columns=3, rows=10, label=(2.625 * inch, inch),
        corner=(0.1875 * inch, 0.5 * inch), step=(2.75 * inch, inch),
    ),
    Sheet.ROLL: Paper(
        title="Label printer, 50 by 30 mm", page=(50 * mm, 30 * mm), columns=1, rows=1, label=(50 * mm, 30 * mm),
        corner=(0, 0), step=(0, 0),
    ),
}  # fmt: skip


def pdf(labels: Sequence[Label], *, sheet: Sheet, used: int = 0) -> bytes:
    """Return labels as a PDF. `used` labels of the first sheet were printed before and stay empty.

    Raises InvalidInput if `used` is not less than the labels of a sheet.
    """
    paper = PAPERS[Sheet(sheet)]
    if type(used) is not int or not 0 <= used < paper.labels:
        raise invalid("used labels", f"must be a whole number from 0 to {paper.labels - 1}")
    _register()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=paper.page, pageCompression=1, invariant=1)
    canvas.setTitle("Labels")
    for place, each in enumerate(_one_by_one(labels), start=used):
        on_page = place % paper.labels
        if on_page == 0 and place > used:
            canvas.showPage()
        row, column = divmod(on_page, paper.columns)
        left = paper.corner[0] + column * paper.step[0]
        top = paper.page[1] - paper.corner[1] - row * paper.step[1]
        _draw(canvas, each, left, top, paper.label)
    canvas.save()
    return out.getvalue()


def _one_by_one(labels: Iterable[Label]) -> Iterator[Label]:
    for label in labels:
        for _ in range(label.count):
            yield label


@cache
def _register() -> None:
    for name, file in ((_PLAIN, "DejaVuSansCondensed.ttf"), (_BOLD, "DejaVuSansCondensed-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, _FONTS / file))


def _draw(canvas: Canvas, label: Label, left: float, top: float, size: tuple[float, float]) -> None:
    """Draw a label: its name, size and SKU, and under them the barcode with what it says."""
    width, height = size[0] - 2 * _PADDING, size[1] - 2 * _PADDING
    left, top = left + _PADDING, top - _PADDING
    bottom = top - height
    lines = [(line, _BOLD, 8.5) for line in _name_lines(label.name, width, 2 if size[1] > 32 * mm else 1)]
    if label.about:
        lines.append((fitted(label.about, _PLAIN, 8, width), _PLAIN, 8))
    lines.append((fitted(label.sku, _PLAIN, 7.5, width), _PLAIN, 7.5))
    at = top
    for text, font, points in lines:
        at -= points * 1.18
        canvas.setFont(font, points)
        canvas.drawString(left, at + points * 0.2, text)
    room = at - bottom - 1.2 * mm
    kind, code = symbol(label.code)
    drawing = _bars(kind, code, width, room - 8)
    if drawing is None:
        drawing = createBarcodeDrawing("QR", value=code, width=room, height=room, barBorder=1, barLevel="M")
        renderPDF.draw(drawing, canvas, left, bottom)
        canvas.setFont(_PLAIN, 6.5)
        canvas.drawString(left + room + 4, bottom + 3, fitted(code, _PLAIN, 6.5, width - room - 4))
        return
    middle = left + width / 2
    renderPDF.draw(drawing, canvas, middle - drawing.width / 2, bottom + 8)
    canvas.setFont(_PLAIN, 7)
    canvas.drawCentredString(middle, bottom + 1, fitted(code, _PLAIN, 7, width))


def _bars(kind: str, code: str, width: float, height: float) -> Drawing | None:
    """Return the barcode as wide as fits, or None if its bars would be too thin to be read."""
    if kind == "QR":
        return None
    bar = 1.0
    more = {"quiet": 1, "lquiet": _QUIET * bar, "rquiet": _QUIET * bar} if kind == "Code128" else {}
    natural = createBarcodeDrawing(kind, value=code, barWidth=bar, humanReadable=False, **more)
    thin = min(width / natural.width * bar, _WIDEST)
    if thin < _THINNEST:
        return None
    more = {"quiet": 1, "lquiet": _QUIET * thin, "rquiet": _QUIET * thin} if kind == "Code128" else {}
    drawing: Drawing = createBarcodeDrawing(
        kind, value=code, barWidth=thin, barHeight=height, humanReadable=False, **more
    )
    return drawing


def fitted(text: str, font: str, points: float, width: float) -> str:
    """Return a text that is as wide as `width` at most, with an ellipsis where it is cut."""
    most = len(text)
    while most > 1 and pdfmetrics.stringWidth(shortened(text, most=most), font, points) > width:
        most -= 1
    return shortened(text, most=most)


def _name_lines(name: str, width: float, lines: int) -> list[str]:
    """Return a name on one line, or on two broken at a word."""
    whole = " ".join(name.split())
    if lines == 1 or pdfmetrics.stringWidth(whole, _BOLD, 8.5) <= width:
        return [fitted(whole, _BOLD, 8.5, width)]
    words, first = whole.split(" "), ""
    while words and pdfmetrics.stringWidth(f"{first} {words[0]}".strip(), _BOLD, 8.5) <= width:
        first = f"{first} {words.pop(0)}".strip()
    if not first:
        return [fitted(whole, _BOLD, 8.5, width)]
    return [first, fitted(" ".join(words), _BOLD, 8.5, width)]
