"""A progress bar on stderr: counts, rate and time left; plain lines where stderr is not a terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 24
_SECONDS_BETWEEN_LINES = 5.0


class Bar:
    """The progress towards `total` of something called `noun`. The rate is that of this process."""

    def __init__(self, total: int, noun: str, stream: TextIO | None = None) -> None:
        """Begin with nothing shown."""
        self._total = total
        self._noun = noun
        self._stream = stream or sys.stderr
        self._first: tuple[float, int] | None = None
        self._shown_at = -_SECONDS_BETWEEN_LINES

    def show(self, done: int) -> None:
        """Show how many are done. Without a terminal, a line every few seconds and at the end."""
        now = time.monotonic()
        began, first = self._first = self._first or (now, done)
        is_last = done >= self._total
        if self._stream.isatty():
            print(f"\r\x1b[K{self._line(done, now - began, done - first)}", end="\n" if is_last else "",
                  file=self._stream, flush=True)  # fmt: skip
        elif is_last or now - self._shown_at >= _SECONDS_BETWEEN_LINES:
            print(self._text(done, now - began, done - first), file=self._stream, flush=True)
            self._shown_at = now

    def _line(self, done: int, seconds: float, made: int) -> str:
        filled = _WIDTH * done // self._total
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {self._text(done, seconds, made)}"

    def _text(self, done: int, seconds: float, made: int) -> str:
        text = f"{done:,} of {self._total:,} {self._noun}"
        if made <= 0 or seconds <= 0:
            return text
        rate = made / seconds
        left = f", {_time(seconds)} in all" if done >= self._total else f", {_time((self._total - done) / rate)} left"
        return f"{text}, {rate:,.0f} a second{left}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
