"""What surrounds the database: a disk that can be full, and a clock that can jump. Both are made for one scene only."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from core.foundation.addresses import libpq_url
from tests.chaos.places import Place
from tests.support.servers import new_folder

MEGABYTES = 400
_PIECE = b"\0" * 2**20
TABLES = "insert into filler select repeat(md5(n::text), 40) from generate_series(1, 20000) n"
LOG = "select pg_logical_emit_message(true, 'filler', repeat('x', 1000000))"
"""Statements that use up the files of the tables and of the write-ahead log. Without room for the log a server dies."""


class NotHere(Exception):
    """This machine does not allow the scene; the text says why."""


class SmallDisk:
    """A file system in memory with little room."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._ballast = folder, folder / "ballast"

    def fill(self, place: Place, use_up: str) -> None:
        """Leave no room, and have the database use up the files that it has by one of the statements below."""
        with psycopg.connect(libpq_url(place.shop.owner_url), autocommit=True) as owner:
            owner.execute("create table if not exists filler (text text)")
            with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
                while ballast.write(_PIECE):
                    pass
            with suppress(psycopg.Error):
                while True:
                    owner.execute(use_up.encode())

    def make_room(self) -> None:
        """Delete what filled it."""
        self._ballast.unlink()


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """A small file system. Raises NotHere where none can be mounted."""
    folder = new_folder()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0755", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        folder.rmdir()
        raise NotHere("a full disk needs a small file system, and this account may not mount one") from error
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


class Clock:
    """The time of day that the programs started meanwhile see."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set(0)

    def set(self, seconds: int) -> None:
        """Jump to so many seconds after the machine's own time."""
        with self._path.open("r+b" if self._path.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("q", seconds))


@contextmanager
def moved_clock() -> Iterator[Clock]:
    """A clock for the programs that are started in the block. Raises NotHere without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("a clock that jumps needs a C compiler (cc)")
    folder = new_folder()
    library, place = folder / "clock.so", folder / "clock"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source)], check=True)
    clock = Clock(place)
    place.chmod(0o644)
    before = dict(os.environ)
    os.environ |= {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(place)}
    try:
        yield clock
    finally:
        os.environ.clear()
        os.environ |= before
        shutil.rmtree(folder)
