"""Options of the commands that read a file: what a page would ask about it."""

from __future__ import annotations

import argparse

from core.sheets import Choices
from core.sheets.model import COMMA, DECIMAL, KEEP, LEAVE_OUT, LOCATION, POINT, TOTAL


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    column = "the file's column of a field, such as sku=Art-Nr; repeat it for more fields"
    parser.add_argument("--column", action="append", default=[], type=_pair, metavar="FIELD=TITLE", help=column)
    parser.add_argument("--ignore-columns", action="store_true", help="leave out columns that no field reads")
    mark = "the decimal mark of the file's numbers, where one such as 1.000 has two readings"
    parser.add_argument("--decimal", choices=[COMMA, POINT], help=mark)
    total = "what to do with a total in the last row"
    parser.add_argument("--total", choices=[LEAVE_OUT, KEEP], help=total)
    parser.add_argument("--location", metavar="NAME", help="whose stock to read from a file with several places")
    parser.add_argument("--sheet", default="", metavar="NAME", help="the sheet of a workbook; by default the first")


def of(arguments: argparse.Namespace) -> Choices:
    """Return what was chosen."""
    answers = {DECIMAL: arguments.decimal, TOTAL: arguments.total, LOCATION: arguments.location}
    return Choices(
        tab=arguments.sheet,
        columns=dict(arguments.column),
        answers={name: answer for name, answer in answers.items() if answer is not None},
        leaves_out=arguments.ignore_columns,
    )


def _pair(text: str) -> tuple[str, str]:
    field, mark, title = text.partition("=")
    if not mark or not field.strip() or not title.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not a field and a column such as sku=Art-Nr")
    return field.strip(), title.strip()
