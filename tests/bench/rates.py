"""Crowds of clients that all do the same again and again, and how often a second they succeed."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

MakeClient = Callable[[], Callable[[], None]]
"""Makes one client; what it answers is what that client does again and again."""
WARM_UP = 20


class Crowd:
    """Clients in threads, spread over a process per core; they wait until they are told to go."""

    def __init__(self, make_client: MakeClient, clients: int) -> None:
        context = multiprocessing.get_context("spawn")
        processes = min(clients, os.cpu_count() or 1)
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(processes):
            here, there = context.Pipe()
            share = clients // processes + (number < clients % processes)
            process = context.Process(target=_work, args=(there, make_client, share), daemon=True)
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


def _work(pipe: Connection, make_client: MakeClient, clients: int) -> None:
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
        pipe.send(_rate(works, seconds))


def _rate(works: Sequence[Callable[[], None]], seconds: float) -> float:
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
