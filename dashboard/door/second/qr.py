"""A QR code as SVG, black on white."""

from __future__ import annotations

from html import escape

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel

_QUIET = 2


def svg(text: str, label: str) -> str:
    """Return a QR code of `text` as an SVG element, called `label` for those who cannot see it."""
    code = QRCode(None, QRErrorCorrectLevel.M)
    code.addData(text)
    code.make()
    count = code.getModuleCount()
    dots = "".join(f"M{x} {y}h1v1h-1z" for y in range(count) for x in range(count) if code.isDark(y, x))
    box = f"{-_QUIET} {-_QUIET} {count + 2 * _QUIET} {count + 2 * _QUIET}"
    return (
        f'<svg class="qr" viewBox="{box}" role="img" aria-label="{escape(label)}" shape-rendering="crispEdges">'
        f'<path fill="#000" d="{dots}"/></svg>'
    )
