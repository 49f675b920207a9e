"""`python -m core adopt`: move in with an existing database."""

from __future__ import annotations

import argparse
from typing import Any

from core.adoption.adopt import Report, adopt, check, undo
from core.adoption.report import PriceCheck, lined
from core.commands import command
from core.database.startup import Database
from core.foundation.text import many


def add_parsers(subparsers: Any) -> None:
    """Add `adopt` to the commands."""
    what = "move in with a database that holds products, variants and movements of an older system"
    parser = command(subparsers, "adopt", what, before=move_in)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--check", action="store_true", help="only print what was found and what would be done")
    way.add_argument("--undo", action="store_true", help="put everything back; possible until the first new movement")
    parser.add_argument(
        "--map",
        action="extend",
        nargs="+",
        default=[],
        metavar="COLUMN=OURS",
        help="a column with another name: variant_sku=sku qty=stock_quantity price_cents=price/100, or "
        "TABLE.COLUMN=OURS; a table: skus=product_variants; COLUMN=none for a column that means nothing of ours",
    )
    price = "what a variant costs: 'price + price_adjustment'; `--price price` confirms that the plain price is right"
    parser.add_argument("--price", metavar="EXPRESSION", help=price)
    zone = "the time zone of moments whose columns have none, such as Europe/Berlin; without it, that of the database"
    parser.add_argument("--zone", metavar="NAME", help=zone)
    reading = "let anon and authenticated read the catalogue as far as they could before"
    parser.add_argument("--keep-reading", action="store_true", help=reading)
    writing = "let authenticated write the catalogue, except for stock, as far as its policies let it; implies reading"
    parser.add_argument("--keep-writing", action="store_true", help=writing)
    parser.add_argument(
        "--keep-open",
        action="append",
        default=[],
        metavar="NAME",
        help="a function or view that may move stock although others than the named roles can use it; repeatable",
    )


def move_in(database: Database, arguments: argparse.Namespace) -> int:
    """Check, adopt or undo; the exit code is 1 if the database cannot be adopted."""
    if arguments.undo:
        undo(database.owner_url)
        print("Everything is as it was before adopting. You can adopt again at any time.")
        return 0
    act = check if arguments.check else adopt
    report = act(
        database.owner_url,
        mapping=arguments.map,
        keep_reading=arguments.keep_reading,
        keep_open=arguments.keep_open,
        keep_writing=arguments.keep_writing,
        price=arguments.price,
        zone=arguments.zone,
    )
    print(report_text(report, arguments.check))
    return 0 if report.possible else 1


def report_text(report: Report, only_checked: bool) -> str:
    """Return the report as text."""
    if report.already:
        return report.already
    if report.cannot:
        return f"{report.cannot}\nNothing was changed."
    lines = lined(["what", "found", "then"], [[each.what, each.found, each.then] for each in report.findings])
    if report.left_out:
        lines += ["", f"{many(len(report.left_out), 'row')} of the old history cannot be carried into the ledger:"]
        lines += lined(["row", "movement", "because"], [[each.row_id, each.what, each.why] for each in report.left_out])
    if report.prices:
        lines += ["", *_prices(report.prices)]
    return "\n".join([*lines, "", *_end(report, only_checked)])


def _prices(found: PriceCheck) -> list[str]:
    """Return what may change a price, what three variants would cost, and how to confirm it."""
    words = found.words or found.proposal
    heads = ["SKU", "price", *found.columns, f"costs, by --price '{words}'"]
    lines = lined(heads, [[each.sku, each.plain, *each.parts, each.price] for each in found.examples])
    if found.unpriced:
        lines.append(f"{many(found.unpriced, 'variant')} would have no price, and could not be paid for.")
    if found.doubt:
        lines.append(
            f"{found.doubt} may change the price. Until you confirm it, no payment is begun here: add "
            f"--price '{words}', or another expression, or --price price if the plain price is right. "
            "After adopting, use `python -m core shop --price`."
        )
    return lines


def _end(report: Report, only_checked: bool) -> list[str]:
    if report.obstacles:
        return [
            "This database cannot be adopted as it is:",
            *(f"- {obstacle}" for obstacle in report.obstacles),
            *(["", *report.proposal.lines(), ""] if report.proposal else []),
            "Nothing was changed.",
        ]
    if only_checked:
        return ["Adopting is possible and can be undone until the first new movement. Nothing was changed."]
    return [
        "Done; every level, chain and daily figure was verified. `adopt --undo` works until the first new movement."
    ]
