"""Makes the mail with a person's views: the same numbers in plain text and in HTML, the charts as pictures inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from core.alerts.notifier import Letter
from core.foundation.model import Shop
from core.foundation.text import many
from core.views import pictures
from core.views.sections import Chart, Section, day

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WIDEST_CELL = 40
_CELL = "padding:4px 12px 4px 0;border-bottom:1px solid #E2E8F0;font-size:14px"
_FONT = "font-family:Inter,Segoe UI,Helvetica,Arial,sans-serif;color:#0F172A"


def letter(sections: Sequence[Section], *, mail_id: str, shop: Shop, left_out: int, public_url: str | None) -> Letter:
    """Return the mail with these sections. `left_out`: how many views could not be read."""
    drawn = [(f"chart-{nth}", section) for nth, section in enumerate(sections, start=1)]
    images = tuple((name, pictures.png(section.chart)) for name, section in drawn if section.chart)
    names = ", ".join(section.title for section in sections)
    title = f"{shop.name}: {names}, {_weekday(shop.today)} {day(shop.today)}"
    home = f"{public_url}/views" if public_url else None
    return Letter(
        mail_id=f"stockroom-views-{mail_id}",
        title=title[:180],
        text="\n".join(_text(sections, shop, left_out, public_url)) + "\n",
        html="".join(_html(drawn, shop, left_out, public_url)),
        pictures=images,
        stop_url=home,
    )


def _weekday(at: date) -> str:
    return WEEKDAYS[at.weekday()]


def _lost(left_out: int) -> str:
    return f"{many(left_out, 'view')} could not be read for you and is not in this mail." if left_out else ""


def _end(shop: Shop, public_url: str | None) -> str:
    where = f"at {public_url}/views" if public_url else "on the page Views of Stockroom"
    return f"Days and times are in {shop.zone}. You chose this mail. Change or stop it {where}."


# ---------------------------------------------------------------- plain text


def _text(sections: Sequence[Section], shop: Shop, left_out: int, public_url: str | None) -> Iterator[str]:
    yield f"{shop.name}, {_weekday(shop.today)} {day(shop.today)}"
    for section in sections:
        yield ""
        yield section.title
        yield "-" * min(len(section.title), 60)
        yield section.about
        yield ""
        wide = max((len(name) for name, _ in section.facts), default=0)
        yield from (f"{name:<{wide}}  {value}" for name, value in section.facts)
        if section.rows:
            yield ""
            yield from _aligned([section.columns, *section.rows])
        if section.more:
            yield f"And {many(section.more, 'more row')}."
        if public_url:
            yield ""
            yield f"Open it: {public_url}{section.path}"
    yield ""
    if left_out:
        yield _lost(left_out)
    yield "-- "
    yield _end(shop, public_url)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows with their cells below each other, numbers to the right."""
    cut = [[cell if len(cell) <= WIDEST_CELL else f"{cell[: WIDEST_CELL - 1]}…" for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cut, strict=True)]
    right = [_is_number(column[1:]) for column in zip(*cut, strict=True)]
    for row in cut:
        cells = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _is_number(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(any(c.isdigit() for c in cell) and not cell[-1:].isalpha() for cell in filled) and all(
        cell[:1].isdigit() or cell[:1] in "+−±€$£¥-–" for cell in filled  # noqa: RUF001
    )  # fmt: skip


# ---------------------------------------------------------------- HTML


def _html(
    drawn: Sequence[tuple[str, Section]], shop: Shop, left_out: int, public_url: str | None
) -> Iterator[str]:  # fmt: skip
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield f"<title>{escape(shop.name)}</title></head>"
    yield f'<body style="margin:0;padding:24px;background:#FFFFFF;{_FONT}"><div style="max-width:640px">'
    yield f'<h1 style="font-size:20px;margin:0 0 4px">{escape(shop.name)}</h1>'
    yield f'<p style="margin:0 0 8px;color:#475569">{_weekday(shop.today)} {day(shop.today)}</p>'
    for name, section in drawn:
        yield from _section(name, section, public_url)
    if left_out:
        yield f"<p>{escape(_lost(left_out))}</p>"
    yield f'<p style="margin-top:28px;font-size:12px;color:#475569">{escape(_end(shop, public_url))}</p>'
    yield "</div></body></html>"


def _section(name: str, section: Section, public_url: str | None) -> Iterator[str]:
    title = escape(section.title)
    if public_url:
        title = f'<a href="{escape(public_url + section.path)}" style="color:#0F766E">{title}</a>'
    yield f'<h2 style="font-size:16px;margin:24px 0 4px">{title}</h2>'
    yield f'<p style="margin:0 0 8px;font-size:14px;color:#475569">{escape(section.about)}</p>'
    if section.facts:
        yield '<table role="presentation" cellspacing="0" style="border-collapse:collapse;margin-bottom:8px"><tr>'
        for label, value in section.facts:
            yield f'<td style="padding:4px 20px 4px 0"><div style="font-size:12px;color:#475569">{escape(label)}</div>'
            yield f'<div style="font-size:18px;font-weight:600">{escape(value)}</div></td>'
        yield "</tr></table>"
    if section.chart:
        alt = escape(described(section.chart))
        yield f'<img src="cid:{name}" alt="{alt}" width="600" style="max-width:100%;height:auto;display:block">'
    yield from _table(section)
    if section.more:
        yield f'<p style="font-size:14px;margin:4px 0">And {escape(many(section.more, "more row"))}.</p>'


def _table(section: Section) -> Iterator[str]:
    if not section.rows:
        return
    right = [_is_number(column) for column in zip(*section.rows, strict=True)]
    sides = ["right" if each else "left" for each in right]
    yield '<table cellspacing="0" style="border-collapse:collapse;margin-top:8px"><tr>'
    for label, side in zip(section.columns, sides, strict=True):
        yield f'<th scope="col" style="{_CELL};text-align:{side};color:#475569">{escape(label)}</th>'
    yield "</tr>"
    for row in section.rows:
        cells = (
            f'<td style="{_CELL};text-align:{side}{"" if nth else ";white-space:nowrap"}">{escape(cell)}</td>'
            for nth, (cell, side) in enumerate(zip(row, sides, strict=True))
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</table>"


def described(chart: Chart) -> str:
    """Return a chart as a sentence, for readers who do not see the picture."""
    parts = [f"{name} {abs(sum(values)):,.10g}" for name, values in chart.series.items()]
    return f"{chart.title}. In all, {chart.unit}: {'; '.join(parts)}."
