"""An old shop moves in: a million movements and fifty thousand variants, against COPY of the rows that it wrote."""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from core.adoption.adopt import adopt
from tests.bench.bulk import COPIED
from tests.bench.place import Place, libpq_url

VARIANTS, MOVEMENTS, PEOPLE = 50_000, 1_000_000, 12
_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def compare(place: Place) -> list[tuple[str, ...]]:
    """Return the table: rows a second by COPY and by adopting, their ratio, and the most memory that each side had."""
    url = _old_shop(place)
    with _watched(url) as peak:
        seconds, client = _adopt(url)
    with psycopg.connect(url, autocommit=True) as connection:
        (rows,) = connection.execute("select count(*) from public.stock_movements").fetchone() or (0,)
        copy = _copy(connection)
    place.drop("moving")
    rate = rows / seconds
    return [(f"{MOVEMENTS:,}", f"{VARIANTS:,}", f"{copy:,.0f}", f"{rate:,.0f}", f"{rate / copy:.2f}", f"{seconds:,.0f}",
             f"{client / 1024:,.0f}", f"{peak[0] / 1024:,.0f}")]  # fmt: skip


def _old_shop(place: Place) -> str:
    """Create the database of an old shop and return its address."""
    place.drop("moving")
    with psycopg.connect(libpq_url(place.server.owner_url), autocommit=True) as connection:
        connection.execute("create database moving")
    url = libpq_url(make_url(place.server.owner_url).set(database="moving").render_as_string(hide_password=False))
    script = _SQL
    for name, value in ((":variants", VARIANTS), (":movements", MOVEMENTS), (":people", PEOPLE)):
        script = script.replace(name, str(value))
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in script.split(";\n\n"):
            connection.execute(statement.encode())
    return url


def _adopt(url: str) -> tuple[float, int]:
    """Adopt in a process of its own; return the seconds it took and the most memory it had, in kB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_adopt_there, args=(url, there))
    process.start()
    seconds, memory = here.recv()
    process.join()
    return float(seconds), int(memory)


def _adopt_there(url: str, answer: multiprocessing.connection.Connection) -> None:
    start = time.perf_counter()
    adopt(url.replace("postgresql://", "postgresql+psycopg://", 1))
    answer.send((time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


@contextmanager
def _watched(url: str) -> Iterator[list[int]]:
    """Measure the most private memory, in kB, that one of the server's processes has while the block runs."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not ended.wait(0.2):
                pids = connection.execute("select pid from pg_stat_activity where datname = 'moving'").fetchall()
                peak[0] = max(peak[0], *(_private(pid) for (pid,) in pids))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _private(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon:")), 0)


def _copy(connection: psycopg.Connection) -> float:
    """Return how many rows a second COPY writes into a table with the same indexes and checks."""
    connection.execute(COPIED.encode())
    connection.execute("truncate copied_movements")
    with connection.cursor() as cursor:
        columns = "select * from public.stock_movements order by id"
        with cursor.copy(f"copy ({columns}) to stdout".encode()) as source:
            rows = [bytes(part) for part in source]
        start = time.perf_counter()
        with cursor.copy("copy copied_movements from stdin") as sink:
            for part in rows:
                sink.write(part)
        return len(rows) / (time.perf_counter() - start)
