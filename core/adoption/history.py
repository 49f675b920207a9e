"""The lines that the old history adds to the ledger, and the counts that join it to the shelf."""

from __future__ import annotations

from pathlib import Path

from core.adoption.look import Database, ask
from core.adoption.report import Report, many

NOBODY = "Before Stockroom"
"""Who did what the old history gives no name for."""

_DRAFT = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")

_TOLD = """
select count(*) filter (where phase = 1) as rows, count(*) filter (where phase = 0) as openings,
       count(*) filter (where phase = 2) as closings,
       coalesce(sum(abs(quantity)) filter (where phase = 2), 0)::int as units,
       count(*) filter (where phase = 1 and begins <> before) as elsewhere
  from adoption_lines"""


def draft(database: Database, report: Report) -> None:
    """Fill `adoption_lines` in the order they are posted in, and say what they are."""
    with database.cursor() as cursor:
        cursor.execute(_DRAFT, {"nobody": NOBODY, "us": "Command line"})
    (told,) = ask(database, _TOLD)
    (judged,) = ask(database, "select count(*) as rows, count(why) as left_out from adoption_judged")
    if judged.rows:
        report.found("history that is right", many(told.rows, "row"), "goes into the ledger, in order of time")
        report.found(
            "history that is not", many(judged.left_out, "row"), "stays in stock_movements_legacy; listed below"
        )
    if told.openings:
        report.found("histories that begin above 0", many(told.openings, "variant"), "one opening count each")
    if told.elsewhere:
        report.found(
            "levels that do not join",
            many(told.elsewhere, "row"),
            "carried with the levels that follow from the rows before",
        )
    if told.closings:
        then = f"one count each, {many(told.units, 'unit')} in all"
        report.found("shelf unlike its history", many(told.closings, "variant"), then)
