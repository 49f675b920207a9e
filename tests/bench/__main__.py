"""`python -m tests.bench`: what Stockroom costs beside plain PostgreSQL. Ratios of one run on a durable server.

`--large` fills ten million movements (three years of ten thousand variants) and measures the screens there, too;
`--keep DIR` keeps the filled databases for the next time; `--only NAME ...` runs some of the parts.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import browsing, bulk, operations, people, reading
from tests.bench.fill import fill
from tests.bench.place import Database, Place, machine, open_place
from tests.dashboards import serve

SMALL, LARGE = 100_000, 10_000_000
SECONDS_OF_BROWSING = 40
THINKING = (2.0, 6.0)
CROWDS = (1, 50, 100)


def main() -> int:
    """Run the parts that were asked for, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--large", action="store_true", help="measure at ten million movements, too")
    parser.add_argument("--keep", type=Path, help="keep the data in this folder")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    wanted = parser.parse_args()
    with open_place(wanted.keep) as place:
        print(machine(place), flush=True)
        small = _filled(place, "small", SMALL)
        large = _filled(place, "large", LARGE) if wanted.large else None
        for part in wanted.only:
            PARTS[part](small, large)
    return 0


def _filled(place: Place, name: str, movements: int) -> Database:
    where, is_new = place.database(name)
    if is_new:
        print(f"Filled {movements:,} movements in {fill(where, movements):,.0f} s", flush=True)
    return where


def _operations(small: Database, large: Database | None) -> None:
    columns = ("clients", "one statement", "five trips", "through core", "core : one", "core : five")
    _print("One change: changes a second", columns, operations.compare(small))
    if large:
        _print("The same at ten million movements", columns, operations.compare(large))


def _bulk(small: Database, _large: Database | None) -> None:
    columns = ("rows", "COPY", "import", "posting alone", "import : COPY", "posting : COPY")
    _print("A history file: rows a second", columns, bulk.compare(small))


def _screens(small: Database, large: Database | None) -> None:
    columns = ("screen", "100 k") if large is None else ("screen", "100 k", "10 M", "ratio")
    _print("What a screen reads: milliseconds", columns, reading.compare(small, large))
    for where in (small, large):
        if where:
            print(
                f"Level of every variant at a past moment, {where.name}: {reading.past_levels(where):.2f} s\n",
                flush=True,
            )


def _crowd(small: Database, large: Database | None) -> None:
    columns = ("people", "pages", "median ms", "95 % below ms", "faults", "kB a page")
    with serve((large or small).app_url) as url:
        rows = [_browse(large or small, url, crowd) for crowd in CROWDS]
    _print("People browsing the real server, one process, 2 to 6 s between pages", columns, rows)


def _browse(where: Database, url: str, crowd: int) -> tuple[str, ...]:
    with where.connect() as connection:
        tokens = [people.sign_in(connection, number).token for number in range(crowd)]
        skus = [row[0] for row in connection.execute("select sku from public.product_variants limit 200")]
    visits = asyncio.run(_visit(url, tokens, _chooser(skus)))
    seconds = [took for visit in visits for _, took in visit.seconds]
    faults = [fault for visit in visits for fault in visit.faults]
    for fault in sorted(set(faults))[:5]:
        print(f"  fault: {fault}", flush=True)
    p50, p95 = (f"{browsing.percentile(seconds, share) * 1_000:,.0f}" for share in (0.5, 0.95))
    kilobytes = sum(visit.bytes for visit in visits) / max(len(seconds), 1) / 1_000
    return (str(crowd), f"{len(seconds):,}", p50, p95, str(len(faults)), f"{kilobytes:,.0f}")


def _chooser(skus: Sequence[str]) -> Callable[[], browsing.View]:
    return lambda: random.choice(
        [("", ""), ("stock", ""), ("movements", ""), ("stock", f"sku={random.choice(skus)}")]
    )


async def _visit(url: str, tokens: Sequence[str], choose: Callable[[], browsing.View]) -> list[browsing.Visit]:
    until = time.monotonic() + SECONDS_OF_BROWSING

    async def one(token: str) -> browsing.Visit:
        await asyncio.sleep(random.uniform(0, 3))
        return await browsing.browse(url, token, choose, until, THINKING)

    return await asyncio.gather(*(one(token) for token in tokens))


def _print(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    lines = [f"**{title}**", "", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    print("\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]), flush=True)


PARTS: dict[str, Callable[[Database, Database | None], None]] = {
    "operations": _operations,
    "bulk": _bulk,
    "screens": _screens,
    "crowd": _crowd,
}

if __name__ == "__main__":
    sys.exit(main())
