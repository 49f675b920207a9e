"""Crowds of clients that all do the same again and again, and how often a second they succeed."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import selectors
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg

from core.database.programs import client_program
from tests.bench.place import Database, libpq_url

MakeClient = Callable[[], Callable[[], None]]
"""Makes one client; what it answers is what that client does again and again."""
WARM_UP = 20


class Crowd:
    """Clients, spread over a process per core unless `processes` says otherwise; they wait for the start.

    `rate` lets the clients of a process work for so many seconds and returns how often a second they succeeded.
    """

    def __init__(
        self,
        make_client: MakeClient,
        clients: int,
        *,
        rate: Callable[[Sequence[Any], float], float] | None = None,
        processes: int = os.cpu_count() or 1,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        processes = min(clients, processes)
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(processes):
            here, there = context.Pipe()
            share = clients // processes + (number < clients % processes)
            process = context.Process(target=_work, args=(there, make_client, share, rate or by_threads), daemon=True)
            process.start()
            there.close()
            self._pipes.append(here)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def per_second(self, seconds: float) -> float:
        """Let them work for so long and return how many times a second they succeeded together."""
        for pipe in self._pipes:
            pipe.send(seconds)
        return float(sum(pipe.recv() for pipe in self._pipes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()


def _work(
    pipe: Connection, make_client: MakeClient, clients: int, rate: Callable[[Sequence[Any], float], float]
) -> None:
    works = [make_client() for _ in range(clients)]
    for work in works:
        for _ in range(WARM_UP):
            work()  # connections are open and plans are kept before the clock starts
    pipe.send("ready")
    while True:
        try:
            seconds: float = pipe.recv()
        except EOFError:
            return
        pipe.send(rate(works, seconds))


def by_threads(works: Sequence[Callable[[], None]], seconds: float) -> float:
    """Let each work in a thread of its own."""
    counts = [0] * len(works)
    start = time.monotonic()

    def repeat(number: int) -> None:
        while time.monotonic() < start + seconds:
            works[number]()
            counts[number] += 1

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - start)


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of each way over the rounds; one disturbed round does not move it."""
    return [statistics.median(way) for way in zip(*rounds, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a second something was done, and the bytes of WAL and the server's CPU milliseconds that it took."""

    rate: float
    wal: float
    cpu: float


def pgbench(
    url: str, where: Database, script: str, *, clients: int, seconds: int, warm_up: int = 0, is_pooled: bool = False
) -> Pace:
    """Let pgbench run a script for so long with so many clients; the first seconds, `warm_up`, do not count.

    Behind a pooler nothing is prepared.
    """
    arguments = ["-n", "-M", "simple" if is_pooled else "prepared", "-P", "1"]
    arguments += ["-c", str(clients), "-j", "2", "-T", str(seconds + warm_up)]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file, where.connect() as connection:
        file.write(script)
        file.flush()
        before = connection.execute("select pg_current_wal_insert_lsn()").fetchone()
        began = server_cpu(connection)
        done = subprocess.run(
            [client_program("pgbench"), *arguments, "-f", file.name, libpq_url(url)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        worked = server_cpu(connection) - began
        spent = connection.execute("select pg_current_wal_insert_lsn() - %s::pg_lsn", before).fetchone()
    total = re.search(r"number of transactions actually processed: (\d+)", done.stdout)
    steps = [(float(at), float(tps)) for at, tps in re.findall(r"progress: ([\d.]+) s, ([\d.]+) tps", done.stderr)]
    counted = [tps for at, tps in steps if at > warm_up + 0.5]
    assert total is not None, done.stdout
    assert spent is not None
    times = int(total[1])
    return Pace(rate=statistics.mean(counted), wal=float(spent[0]) / times, cpu=worked * 1_000 / times)


def server_cpu(connection: psycopg.Connection) -> float:
    """Return the CPU seconds of the server's sessions, those that have ended too; 0 where the system has no /proc."""
    row = connection.execute("select setting from pg_settings where name = 'data_directory'").fetchone()
    assert row is not None
    try:
        server = int((Path(row[0]) / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        return cpu_of(children_of(server)) + _cpu(server, ended=True)
    except OSError:
        return 0.0


def children_of(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()}


def cpu_of(processes: Iterable[int]) -> float:
    """Return the CPU seconds of these processes."""
    return sum(_cpu(pid) for pid in processes)


def _cpu(pid: int, *, ended: bool = False) -> float:
    """Return the CPU seconds of a process, or of those of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    first = 13 if ended else 11
    return (int(fields[first]) + int(fields[first + 1])) / os.sysconf("SC_CLK_TCK")


Request = tuple[str, dict[str, Any]]
"""The path of a request, and its body."""


class Wire:
    """A client over HTTP that costs less than the server. It connects again in each turn: the server closes
    idle ones."""

    def __init__(self, url: str, key: str, make: Callable[[], Request]) -> None:
        self._host = urlsplit(url)
        self._heads = f"Host: {self._host.netloc}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        self._make, self._answer = make, b""

    def __call__(self) -> None:
        """Ask once and wait for the answer."""
        self.connect()
        self.ask()
        while not self.hear():
            pass
        self.socket.close()

    def connect(self) -> None:
        """Open the connection."""
        self.socket = socket.create_connection((self._host.hostname or "", self._host.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> None:
        """Send a request."""
        path, body = self._make()
        content = json.dumps(body)
        first = f"POST /api{path} HTTP/1.1\r\n{self._heads}Content-Length: {len(content)}\r\n\r\n"
        self._answer = b""
        self.socket.sendall(first.encode() + content.encode())

    def hear(self) -> bool:
        """Receive a part of the answer; returns whether it is whole."""
        self._answer += self.socket.recv(65_536)
        head, found, body = self._answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 2"), self._answer
        if not found:
            return False
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return len(body) >= int(length)


def by_selector(wires: Sequence[Wire], seconds: float) -> float:
    """Let all ask for so long, and return how many answers a second they got together."""
    for wire in wires:
        wire.connect()
    count, start = 0, time.monotonic()
    with selectors.DefaultSelector() as waiting:
        for wire in wires:
            waiting.register(wire.socket, selectors.EVENT_READ, wire)
            wire.ask()
        while waiting.get_map():
            for key, _ in waiting.select():
                if not key.data.hear():
                    continue
                count += 1
                if time.monotonic() < start + seconds:
                    key.data.ask()
                else:
                    waiting.unregister(key.fileobj)
                    key.data.socket.close()
    return count / (time.monotonic() - start)
