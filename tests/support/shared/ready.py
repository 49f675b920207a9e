"""`python -m core ...` from a process that has everything imported: each command saves a second of imports.

The process forks at each command. `python ready.py SOCKET -m core ...` asks it for one, hands over its own input,
outputs, folder and variables, and ends as the command did.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_SIZE = 65_536
# What the commands import when they need it.
_LATE = ("alembic.command", "pandas", "pyarrow.parquet", "sqlalchemy.dialects.postgresql.psycopg")


@contextmanager
def ready_commands(path: Path) -> Iterator[None]:
    """Offer commands at a socket with this path."""
    import subprocess

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        program = f"from {__name__} import serve; serve({door.fileno()})"
        variables = os.environ | {"PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, "-c", program], env=variables, pass_fds=[door.fileno()])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def serve(door: int) -> None:
    """Become every command that is asked for, each in a process of its own."""
    import gc
    import runpy
    from importlib import import_module

    from core.__main__ import parser

    parser()  # imports what the commands import
    for late in _LATE:
        import_module(late)
    del sys.modules["core.__main__"]  # each command runs it
    gc.freeze()
    with socket.socket(fileno=door) as listening:
        while True:
            asked, _ = listening.accept()
            if os.fork() == 0:
                break
            asked.close()
    _take_over(asked)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _take_over(asked: socket.socket) -> None:
    """Take the words, folder, variables and files of a request. A parent of this process reports how it ends."""
    sent, files, _, _ = socket.recv_fds(asked, _SIZE, 3)
    while more := asked.recv(_SIZE):
        sent += more
    if command := os.fork():
        _, status = os.waitpid(command, 0)
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    asked.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    words, folder, variables = json.loads(sent)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv[:] = words


def _ask(path: str, words: list[str]) -> int:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        request = json.dumps([words, str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(asking, [request[:_SIZE]], [0, 1, 2])
        asking.sendall(request[_SIZE:])
        asking.shutdown(socket.SHUT_WR)
        return int(asking.recv(16))


if __name__ == "__main__":
    path, option, *words = sys.argv[1:]
    assert option == "-m"
    sys.exit(_ask(path, words))
