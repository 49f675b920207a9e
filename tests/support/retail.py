"""A real year for the tests: the "Online Retail" set as a history file Stockroom can import.

    python -m tests.support.retail history.csv        (or history.parquet)

Sales become sales, cancellations become refunds, the shop's hand-made corrections become adjustments whose reason is
read from the words somebody typed, and lines that move no goods (postage, fees, vouchers, bad debt) are dropped.
Data: Chen, D. (2015). Online Retail. UCI Machine Learning Repository. https://doi.org/10.24432/C5BW33 (CC BY 4.0).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest

SOURCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail.parquet"
SHOP_ZONE = "Europe/London"
UTC_MOMENT = pa.timestamp("us", "UTC")
HISTORY_COLUMNS = ("occurred_at", "sku", "movement_type", "reason", "quantity", "reference", "name")
# Postage, carriage, manual sums, discounts, samples as a fee, bad debt, vouchers. DCGS... and PADS are goods.
NON_GOODS = r"POST|DOT|M|C2|D|S|B|BANK CHARGES|AMAZONFEE|CRUK|GIFT_\w+"
# Texts that people typed for a correction by hand; the first match wins.
REMOVED_WORDS = (
    ("damaged", r"damag|dagam|wet|rust|mould|smash|crush|break|broke|crack|faulty|throw|unsaleable|smudge"),
    ("lost", r"lost|missing|\bmia\b|can't find|mystery"),
    ("donation", r"given away"),
    ("sample", r"sample|showroom|display"),
)
ADDED_WORDS = (("found", r"found|put aside"),)


class Kind(StrEnum):
    """What a row of the source is."""

    SALE = "sale"
    CANCELLATION = "cancellation"
    REMOVED = "stock removed by hand"
    ADDED = "stock added by hand, or a free item"
    BAD_DEBT = "bad debt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows, and how many units they add up to."""

    rows: int
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One figure of the outcome: a kind of source row became this movement type and reason."""

    kind: Kind
    movement_type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The history and its figures: rows read, dropped and written.

    `read` and `dropped` count units in the source's sign (a sale is positive), `written` in the ledger's (negative).
    """

    history: pa.Table
    read: Mapping[Kind, Count]
    dropped: Mapping[Kind, Count]
    dropped_codes: Mapping[str, Count]
    written: Mapping[Moved, Count]


def convert(source: pa.Table) -> Conversion:
    """Turn the source into the history format, in order of time, and count everything on the way."""
    rows = _classify(source).sort_by([("at", "ascending"), ("position", "ascending")])
    goods = pc.invert(pc.match_substring_regex(rows["sku"], f"^(?:{NON_GOODS})$"))
    kept, dropped = _move(rows.filter(goods)), rows.filter(pc.invert(goods))
    return Conversion(
        history=_history(kept),
        read={Kind(kind): count for (kind,), count in _count(rows, "kind").items()},
        dropped={Kind(kind): count for (kind,), count in _count(dropped, "kind").items()},
        dropped_codes={sku: count for (sku,), count in _count(dropped, "sku").items()},
        written={
            Moved(kind=Kind(kind), movement_type=movement_type, reason=reason): count
            for (kind, movement_type, reason), count in _count(kept, "kind", "movement_type", "reason").items()
        },
    )


def correction_reason(words: str | None, quantity: int) -> str:
    """Return the reason of a correction by hand, from its direction and its text."""
    if not words:
        return "stock_increase" if quantity > 0 else "stock_decrease"
    known = ADDED_WORDS if quantity > 0 else REMOVED_WORDS
    return next((reason for reason, pattern in known if re.search(pattern, words.lower())), "correction")


def _classify(source: pa.Table) -> pa.Table:
    """Every row with its kind, its code in one letter case, and whether it stood in an order.

    A line with a customer, or with other lines on its invoice, is part of an order; one alone on an invoice without
    a customer can be somebody correcting the books.
    """
    invoices = source["InvoiceNo"].combine_chunks().dictionary_encode()
    lines_of = Counter(invoices.indices.to_pylist())
    alone = pc.equal(pc.take(pa.array([lines_of[n] for n in range(len(invoices.dictionary))]), invoices.indices), 1)
    return pa.table(
        {
            "position": range(source.num_rows),
            "at": pc.assume_timezone(source["InvoiceDate"].cast(pa.timestamp("us")), SHOP_ZONE).cast(UTC_MOMENT),
            "invoice": source["InvoiceNo"],
            "sku": pc.utf8_upper(source["StockCode"]),  # 85123A and 85123a are one thing
            "words": pc.utf8_trim_whitespace(source["Description"]),
            "quantity": source["Quantity"],
            "price": source["UnitPrice"],
            "in_an_order": pc.or_(pc.invert(alone), pc.is_valid(source["CustomerID"])),
            "kind": _kinds(source),
        }
    )


def _kinds(source: pa.Table) -> pa.ChunkedArray:
    rules = {
        Kind.BAD_DEBT: pc.starts_with(source["InvoiceNo"], "A"),
        Kind.CANCELLATION: pc.starts_with(source["InvoiceNo"], "C"),
        Kind.SALE: pc.greater(source["UnitPrice"], 0),
        Kind.ADDED: pc.greater(source["Quantity"], 0),
    }
    return pc.case_when(pc.make_struct(*rules.values()), *rules, Kind.REMOVED)


def _move(rows: pa.Table) -> pa.Table:
    """Yield each row with its movement: type, reason, and the signed quantity."""
    sold, came_back = pc.equal(rows["kind"], Kind.SALE), pc.equal(rows["kind"], Kind.CANCELLATION)
    free = pc.and_(pc.equal(rows["kind"], Kind.ADDED), rows["in_an_order"])
    known = pc.make_struct(sold, came_back, free)
    corrections = _correction_reasons(rows)
    types = pc.case_when(known, "sale", "restoration", "adjustment", "adjustment")
    reasons = pc.case_when(known, "stock_decrease", "refund", "sample", corrections)
    by_hand = pc.invert(pc.or_(pc.or_(sold, came_back), free))
    quantities = pc.if_else(by_hand, rows["quantity"], pc.negate(rows["quantity"]))
    moved = rows.append_column("movement_type", types).append_column("reason", reasons)
    return moved.set_column(moved.column_names.index("quantity"), "quantity", quantities)


def _correction_reasons(rows: pa.Table) -> pa.Array:
    free_of_charge = pc.equal(rows["price"], 0).to_pylist()
    words, quantities = rows["words"].to_pylist(), rows["quantity"].to_pylist()
    return pa.array(
        [
            correction_reason(said, quantity) if free else None
            for said, quantity, free in zip(words, quantities, free_of_charge, strict=True)
        ],
        pa.string(),
    )


def _names(rows: pa.Table) -> pa.Array:
    """The description each code was most often sold under; words on zero-price rows are remarks, not names."""
    sold = rows.filter(pc.and_(pc.greater(rows["price"], 0), pc.greater(pc.utf8_length(rows["words"]), 0)))
    said = sold.group_by(["sku", "words"], use_threads=False).aggregate([("position", "count")])
    rarest_first = said.sort_by([("position_count", "ascending"), ("words", "descending")])
    names = dict(zip(rarest_first["sku"].to_pylist(), rarest_first["words"].to_pylist(), strict=True))
    return pa.array([names.get(sku) for sku in rows["sku"].to_pylist()], pa.string())


def _history(moves: pa.Table) -> pa.Table:
    columns = {"occurred_at": "at", "reference": "invoice"}
    named = moves.append_column("name", _names(moves))
    return pa.table({name: named[columns.get(name, name)] for name in HISTORY_COLUMNS})


def _count(rows: pa.Table, *keys: str) -> dict[tuple[str, ...], Count]:
    found = rows.group_by(list(keys), use_threads=False).aggregate([([], "count_all"), ("quantity", "sum")])
    figures = zip(found["count_all"].to_pylist(), found["quantity_sum"].to_pylist(), strict=True)
    groups = zip(*(found[key].to_pylist() for key in keys), strict=True)
    return {group: Count(rows=n, units=units) for group, (n, units) in zip(groups, figures, strict=True)}


@cache
def published() -> Conversion:
    """The published year, converted once; the test that asks for it is skipped where the file is not there."""
    return convert(_source())


def part_of_it() -> Conversion:
    """The published year of every fourth code."""
    source = _source()
    codes = pc.utf8_upper(source["StockCode"])
    kept = sorted(pc.unique(codes).to_pylist())[::4]
    return convert(source.filter(pc.is_in(codes, pa.array(kept))))


def _source() -> pa.Table:
    if not SOURCE.exists():
        pytest.skip(f"{SOURCE.name} is not beside this project")
    return pyarrow.parquet.read_table(SOURCE)


def write(history: pa.Table, path: Path) -> None:
    """Write the history as CSV or Parquet, by the file's ending."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(history, path, compression="zstd")
    else:
        pyarrow.csv.write_csv(history, path)


def report(conversion: Conversion) -> str:
    """The figures, for people."""
    lines = ["read", *(_figure(kind, count) for kind, count in conversion.read.items())]
    lines += ["dropped, because they move no goods"]
    lines += [_figure(kind, count) for kind, count in conversion.dropped.items()]
    lines += [_figure(f"  {code}", count) for code, count in sorted(conversion.dropped_codes.items())]
    lines += ["written"]
    for moved, count in conversion.written.items():
        lines.append(_figure(f"{moved.movement_type}/{moved.reason} from {moved.kind}", count))
    return "\n".join(lines)


def _figure(label: str, count: Count) -> str:
    return f"  {label:<66}{count.rows:>9,} rows{count.units:>+12,} units"


def main() -> None:
    """Convert the published file to the path named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.retail", description="A real year of a shop.")
    parser.add_argument("path", type=Path, help="the history file to write: .csv or .parquet")
    path = parser.parse_args().path
    if not SOURCE.exists():
        sys.exit(f"{SOURCE.name} is not beside this project, so there is no year to convert.")
    conversion = published()
    write(conversion.history, path)
    print(report(conversion))


if __name__ == "__main__":
    main()
