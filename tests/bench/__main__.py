"""`python -m tests.bench`: what Stockroom costs beside plain PostgreSQL. Ratios of one run on a durable server.

`--large` fills ten million movements (three years of ten thousand variants) and a million orders, and measures pages,
changes, searches and the proof there, too;
`--keep DIR` keeps the large ledger for the next time; `--only NAME ...` runs some of the parts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.bench import bulk, calls, moving, operations, reading, selling, serving, storefront
from tests.bench.crowds import locked, proxied
from tests.bench.fill import filled
from tests.bench.large import finding, proving
from tests.bench.large.orders import with_orders
from tests.bench.place import Database, Place, machine, open_place
from tests.bench.replicas import halved

SMALL, LARGE = 100_000, 10_000_000
WAITS = ("people", "pages", "median ms", "95 % below ms", "arrivals' median ms", "95 % below ms", "faults")


def main() -> int:
    """Run the parts that were asked for, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--large", action="store_true", help="measure at ten million movements and a million orders, too"
    )
    parser.add_argument("--keep", type=Path, help="keep the large ledger in this folder")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--quick", action="store_true", help="one short round of each way")
    wanted = parser.parse_args()
    with open_place(wanted.keep) as place:
        print(machine(place) + "\n", flush=True)
        small = filled(place, "small", SMALL, anew=True)
        large = with_orders(filled(place, "large", LARGE)) if wanted.large else None
        for name, part in PARTS.items():
            if name in wanted.only:
                part(small, large)
        for name, timed in CALLS.items():
            if name in wanted.only:
                timed(small, wanted.quick)
        if "moving" in wanted.only:
            _moving(place)
    return 0


def _operations(small: Database, large: Database | None) -> None:
    columns = ("clients", "pgbench", "psycopg", "ORM", "core", "core : pgbench", "core : psycopg", "core : ORM")
    title = "One change, a second: the best single statement by pgbench and by psycopg, five round trips, core"
    _print(title, columns, operations.compare(small))
    if large:
        sizes = operations.compare_sizes(small, large)
        _print("One change through core, a second", ("clients", "100 k", "10 M", "cost"), sizes)


def _bulk(small: Database, _large: Database | None) -> None:
    columns = ("rows", "COPY", "COPY with the foreign key", "import", "import : COPY", "with the foreign key")
    _print("A history file, rows a second", columns, bulk.compare(small))


def _reads(small: Database, large: Database | None) -> None:
    columns = ("what is shown", "100 k", "10 M", "ratio")
    _print("What core reads for a page, milliseconds", columns, reading.compare(small, large))
    rows = [(where.name, f"{reading.past_levels(where):.2f}") for where in (small, large) if where]
    _print("The level of every variant at a past moment", ("ledger", "seconds"), rows)


def _pages(small: Database, large: Database | None) -> None:
    columns = ("page", "100 k", "10 M", "ratio")
    _print("A page by the real server, milliseconds", columns, serving.compare(small, large))


def _crowd(small: Database, large: Database | None) -> None:
    columns = (*WAITS, "kB a page", "ms of CPU a page")
    _print("People in one process, 2 to 6 s between pages", columns, serving.crowds(large or small))
    _print("The dashboard's CPU, milliseconds", ("page", "CPU"), serving.costs(small))


def _locked(small: Database, _large: Database | None) -> None:
    columns = ("when", "request", "how many", "median ms", "95 % below ms", "longest ms", "answered")
    title = "Twenty seconds of a locked variant that sixty buyers ask for, beside twenty people and other buyers"
    _print(title, columns, locked.compare(small))


def _proxied(small: Database, _large: Database | None) -> None:
    _print("People on two processes behind Caddy, 2 to 6 s between pages", WAITS, proxied.compare(small))


def _orders(small: Database, _large: Database | None) -> None:
    columns = ("goods", "clients", "one by one", "by 100", "by 500", "100 : one", "500 : one")
    title = "Paid orders applied, a second: each in its own transaction, and in batches by one worker"
    _print(title, columns, selling.compare(small))
    ways = ("clients", "worker, by 100", "one by one", "three changes", "worker : changes", "one by one : changes")
    _print("Orders of three lines, a second, against three single changes", ways, selling.compare_carts(small))
    mixed = ("carts", "orders by 500", "against everyday")
    _print("Carts with one reading and with several, orders a second", mixed, selling.compare_readings(small))
    _print("Messages stored in the inbox, a second", ("clients", "messages"), selling.compare_inbox(small))


def _proof(small: Database, large: Database | None) -> None:
    columns = ("check", "full, seconds", "of CPU", "recent, seconds", "of CPU")
    title = "The proof in full, and a recent one after a day of 3,000 orders and 300 receipts"
    _print(title, columns, proving.compare(large or with_orders(small)))


def _finding(small: Database, large: Database | None) -> None:
    columns = ("what is asked", "rows", "seconds", "seconds of CPU")
    _print("Orders found, the first page with its count", columns, finding.compare(large or with_orders(small)))


def _calls(small: Database, quick: bool) -> None:
    columns = ("call", "clients", "a second", "bare", "ratio", "bytes of WAL", "bare WAL", "ms of CPU", "bare ms")
    _print(
        "The storefront's calls and changes by hand in SQL, beside bare functions without a ledger",
        columns,
        calls.compare(small, quick=quick),
    )


def _storefront(small: Database, quick: bool) -> None:
    columns = ("request", "clients", "a second", "its SQL alone", "ratio", "ms of CPU", "SQL's ms")
    title = "What a storefront asks over HTTP, and the worker's single order, beside the same SQL by pgbench"
    _print(title, columns, storefront.compare(small, quick=quick))


def _moving(place: Place) -> None:
    columns = ("movements", "variants", "COPY", "adopting", "adopting : COPY", "seconds", "MB here", "MB of the server")
    _print("An old shop moves in, rows a second, and the most memory", columns, moving.compare(place))


def _replicas(_small: Database, _large: Database | None) -> None:
    columns = ("reads from", "pages", "ms of the primary's CPU a page", "ms of the replica's", "of the primary alone")
    _print("Eight people and a change twice a second, with and without a replica", columns, halved.compare())


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table in Markdown, each row as soon as it is there."""
    for n, row in enumerate(rows):
        if n == 0:
            shown = columns[: len(row)]
            print(f"**{title}**\n\n| " + " | ".join(shown) + " |\n|" + " --- |" * len(shown))
        print("| " + " | ".join(row) + " |", flush=True)
    print(flush=True)


PARTS: dict[str, Callable[[Database, Database | None], None]] = {
    "reads": _reads,
    "pages": _pages,
    "crowd": _crowd,
    "locked": _locked,
    "proxied": _proxied,
    "operations": _operations,
    "bulk": _bulk,
    "orders": _orders,
    "replicas": _replicas,
    "finding": _finding,
    "proof": _proof,
}
CALLS: dict[str, Callable[[Database, bool], None]] = {"calls": _calls, "storefront": _storefront}
NAMES = [*PARTS, *CALLS, "moving"]

if __name__ == "__main__":
    sys.exit(main())
