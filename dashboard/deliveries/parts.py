"""What several parts of the Deliveries page share: labels of states, statuses of lines, and reading pasted text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.deliveries import files, meaning, note
from core.deliveries.note import NoteLine
from core.deliveries.reads import DeliveryLine, DeliveryRow, DeliveryState
from core.foundation.errors import StockError
from dashboard.door import session
from dashboard.frame import columns, feedback, words
from dashboard.language.said import translated
from dashboard.language.texts import lazy, marked, tr
from dashboard.sheets import asking

PARAM = "delivery"
NEW = "new_delivery"
STATES = lazy(
    {
        DeliveryState.EXPECTED: "Expected",
        DeliveryState.IN_PROGRESS: "In progress",
        DeliveryState.RECEIVED: "Received",
        DeliveryState.CANCELLED: "Cancelled",
    }
)
STATE_COLOURS = marked(
    {
        "Expected": "blue",
        "In progress": "orange",
        "Received": "green",
        "Cancelled": "gray",
        "Overdue": "red",
    }
)
STATUSES = marked({
    "Complete": "green", "Short": "orange", "Over": "violet", "Not announced": "violet", "Arrived": "green",
    "Unknown": "red", "Unreadable": "red", "To come": "gray",
})  # fmt: skip
PASTE_HELP = marked(
    "One line each: SKU or code, quantity, and perhaps the unit cost. Tabs, semicolons, commas or spaces between."
)
PREVIEWED = 200
_LINE_HAS = re.compile(r"Line (\d+) has (.*)\.", re.DOTALL)


def state(row: DeliveryRow) -> str:
    """Return the label of a delivery's state; an expected one after its day is overdue."""
    return tr("Overdue") if row.is_overdue else STATES[row.state]


def name(row: DeliveryRow) -> str:
    """Return what a delivery is called by."""
    return words.joined(row.reference, row.supplier)


def due(row: DeliveryRow) -> str:
    """Return the day on which a delivery is due, or an empty text."""
    return words.day(row.expected_on) if isinstance(row.expected_on, date) else ""


def status(line: DeliveryLine, delivery: DeliveryRow) -> str:
    """Return the status of a line in its delivery."""
    if line.variant_id is None:
        return tr("Unknown")
    if line.problem:
        return tr("Unreadable")
    if not delivery.is_announced:
        return tr("Arrived")
    if not line.expected:
        return tr("Not announced") if line.arrived else tr("Complete")
    if not line.arrived and delivery.is_open:
        return tr("To come")
    return (
        tr("Short") if line.arrived < line.expected else tr("Over") if line.arrived > line.expected else tr("Complete")
    )


def problem(line: NoteLine | DeliveryLine) -> str:
    """Return why a line of a note cannot be read, in the reader's language; empty if it can."""
    said = line.problem or ""
    found = _LINE_HAS.fullmatch(said)
    if found is None:
        return translated(said)
    parts = [_part(each) for each in found[2].split(" and has ")]
    return tr("Line {line} {problems}.", line=found[1], problems=words.listing(parts))


def _part(text: str) -> str:
    head, that, odd = f"has {text}".partition(" that ")
    return translated(f"{head} that {{odd}}").format(odd=translated(odd)) if that else translated(head)


def label(line: DeliveryLine) -> str:
    """Return the name of a line's variant, or that no variant has its code."""
    return words.sized(line.product, line.size) if line.product else tr("No variant has this code")


def read_paste(text: str, *, bare: int | None = None) -> tuple[NoteLine, ...]:
    """Return the lines of pasted text; if it cannot be read at all, show why and return none."""
    try:
        return note.parse(text, bare=bare)
    except StockError as error:
        feedback.show(error)
        return ()


def read_upload(key: str) -> tuple[Sequence[NoteLine], str]:
    """Draw the uploader; return the lines of the file and its text once nothing is left to ask."""
    found = asking.show(files.PURPOSE, files.FIELDS, key=key, label=tr("The supplier's note"), examples=files.EXAMPLES)
    if found is None:
        return (), ""
    try:
        return files.lines_of(found.match), files.original_of(found.match)
    except StockError as error:
        feedback.show(error)
        return (), ""


def show_preview(lines: Sequence[NoteLine], *, key: str) -> None:
    """Show what was read of each line: its variant, or why a person must look at it. Problems come first."""
    known = session.run(meaning.meant, codes=[line.code for line in lines])
    odd = sum(1 for line in lines if line.problem)
    unknown = sum(1 for line in lines if not line.problem and line.code not in known)
    units = sum(line.units * (known[line.code].units if line.code in known else 1) for line in lines)
    st.markdown(f"**{words.plural(len(lines), 'line')}, {words.units(units)}**")
    if odd or unknown:
        said = [tr("{lines} cannot be read", lines=words.plural(odd, "line"))] if odd else []
        said += (
            [
                tr("{codes} belongs to no variant", codes=words.plural(unknown, "code"))
                if unknown == 1
                else tr("{codes} belong to no variant", codes=words.plural(unknown, "code"))
            ]
            if unknown
            else []
        )
        st.warning(
            tr(
                "{said}. They are kept, and you can correct them on the delivery. The other lines "
                "can be posted without them.",
                said=words.listing(said),
            ),
            icon=":material/help:",
        )
    rows = sorted(lines, key=lambda line: (line.problem is None, line.code in known))[:PREVIEWED]
    found = [known.get(line.code) for line in rows]
    units_of = [line.units * (each.units if each else 1) for line, each in zip(rows, found, strict=True)]
    columns.show(
        {
            "line": ([line.line for line in rows], NumberColumn(tr("Line"), width=48)),
            "code": ([line.code for line in rows], TextColumn(tr("SKU or code"), width=130)),
            "variant": (
                [words.sized(each.product, each.size) if each else tr("No variant has this code") for each in found],
                TextColumn(tr("Variant"), width=220),
            ),
            "units": (units_of, NumberColumn(tr("Units"), width=64)),
            "cost": (
                [str(line.unit_cost or "") for line in rows],
                TextColumn(tr("Unit cost"), width=84, alignment="right"),
            ),
            "problem": ([problem(line) for line in rows], TextColumn(tr("Problem"), width=320)),
        },
        {
            "code": ([line.code for line in rows], TextColumn(tr("SKU or code"), width=120)),
            "units": (units_of, NumberColumn(tr("Units"), width=58)),
            "problem": (
                [problem(line) or ("" if each else tr("Unknown code")) for line, each in zip(rows, found, strict=True)],
                TextColumn(tr("Problem"), width=160),
            ),
        },
        key=columns.key_of(key, rows),
        alt=tr("What was read of each line; lines with a problem come first"),
    )
    if len(lines) > PREVIEWED:
        st.caption(tr("The first {previewed} of {lines} lines.", previewed=PREVIEWED, lines=words.number(len(lines))))
