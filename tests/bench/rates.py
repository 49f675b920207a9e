"""Run something from many clients at once and count how often a second it succeeds."""

from __future__ import annotations

import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

PROCESSES = 4

Client = Callable[[], Callable[[], None]]
"""Makes one client: called once in its own thread, answers what that client does again and again."""


def per_second(client: Client, clients: int, seconds: float) -> float:
    """Return how many times a second `clients` clients together did their work, spread over a few processes."""
    processes = min(clients, PROCESSES)
    shares = [clients // processes + (1 if i < clients % processes else 0) for i in range(processes)]
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        done = list(pool.map(_share, [client] * processes, shares, [seconds] * processes))
    return sum(done) / seconds


def _share(client: Client, clients: int, seconds: float) -> int:
    works = [client() for _ in range(clients)]
    for work in works:
        work()  # plans and connections are warm before the clock starts
    counts = [0] * clients
    end = time.monotonic() + seconds

    def repeat(number: int) -> None:
        while time.monotonic() < end:
            works[number]()
            counts[number] += 1

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def median(values: list[float]) -> float:
    """Return the median, which one disturbed round does not move."""
    return statistics.median(values)
