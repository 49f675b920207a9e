"""Prints labels as ZPL, the language of label printers. Every text is sent as hexadecimal where it is not plain."""

from __future__ import annotations

from collections.abc import Sequence

from core.catalog.labels import Label, shortened, symbol

WIDTH_MM, HEIGHT_MM = 50, 30
"""The label, as the PDF for a label printer has it."""
DOTS = 8
"""Dots a millimetre of the usual printer (203 dpi)."""
_MARGIN = 16
_MOST_IN_BARS = 24
"""Characters of a Code 128 that fit the label; a longer code becomes a QR code."""


def zpl(labels: Sequence[Label]) -> str:
    """Return labels as ZPL: one format for each, printed as often as it counts."""
    return "".join(_format(label) for label in labels)


def _format(label: Label) -> str:
    width, height = WIDTH_MM * DOTS, HEIGHT_MM * DOTS
    kind, code = symbol(label.code)
    wide = width - 2 * _MARGIN
    commands = ["^XA", "^CI28", f"^PW{width}", f"^LL{height}", _text(12, 28, label.name, wide)]
    if label.about:
        commands.append(_text(44, 24, label.about, wide))
    commands.append(_text(70, 22, label.sku, wide))
    commands.append(_symbol(kind, code))
    return "\n".join([*commands, f"^PQ{label.count}", "^XZ", ""])


def _text(top: int, height: int, text: str, width: int) -> str:
    most = int(width / (height * 0.5))
    return f"^FO{_MARGIN},{top}^A0N,{height}^FH_^FD{escaped(shortened(' '.join(text.split()), most=most))}^FS"


def _symbol(kind: str, code: str) -> str:
    top = 100
    if kind == "QR" or len(code) > _MOST_IN_BARS:
        return f"^FO{_MARGIN},{top}^BQN,2,4^FH_^FDMA,{escaped(code)}^FS"
    at = f"^FO{_MARGIN + 20},{top}^BY2"
    if kind == "EAN13":
        return f"{at}^BEN,80,Y,N^FH_^FD{code[:12]}^FS"
    if kind == "UPCA":
        return f"{at}^BUN,80,Y,N,Y^FH_^FD{code[:11]}^FS"
    if kind == "EAN8":
        return f"{at}^B8N,80,Y,N^FH_^FD{code[:7]}^FS"
    narrow = 2 if len(code) <= 13 else 1
    return f"^FO{_MARGIN},{top}^BY{narrow}^BCN,80,Y,N,N^FH_^FD{escaped(code.replace('>', '>0'))}^FS"


def escaped(text: str) -> str:
    """Return a text as a field of ZPL holds it: letters and digits as they are, other bytes as `_` and their value."""
    return "".join(
        each
        if each.isascii() and (each.isalnum() or each in " .,-+/()#")
        else "".join(f"_{b:02X}" for b in each.encode())
        for each in text
    )
