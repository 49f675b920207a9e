"""Which kills come in which order: each kind once, then at random. The same seed gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence


def plan(seed: int, kinds: Sequence[str]) -> Iterator[str]:
    """Give the kinds without end: all of them in a random order, then any of them."""
    chance = random.Random(seed)
    first = list(kinds)
    chance.shuffle(first)
    yield from first
    while True:
        yield chance.choice(kinds)
