"""Run the commands of the documents in a scratch folder, exactly as they are written, and record their output.

`.venv/bin/python` is this interpreter: the first command of a reader starts it, later ones come from a process that has
everything imported. PostgreSQL's own programs are those of the embedded server. `make` only prints what it would run,
because other tests start the dashboard.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from core.database.programs import client_program
from tests.house.documents import ROOT, Document
from tests.support.servers import Server
from tests.support.shared import ready

PASSWORD = "secret-of-ours"
OURS = ("DATABASE_URL", "STOCKROOM_", "PG")
_EXPORT = re.compile(r"^export (\w+)='([^']*)'$", re.MULTILINE)
_EXAMPLE_ADDRESS = re.compile(r"(postgresql://\w+):\.\.\.@db\.example\.com:5432/shop")


@dataclass(frozen=True, kw_only=True)
class Output:
    """Exit code and output of a block of commands."""

    code: int
    out: str
    err: str


@dataclass
class Reader:
    """A person who follows the documents in an empty folder. `ready` is the socket of `ready_commands`."""

    folder: Path
    ready: Path
    settings: dict[str, str]
    followed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"'
        later = f'exec "{sys.executable}" -I -S "{ready.__file__}" "{self.ready}" "$@"'
        self._program(".venv/bin/python", f'if mkdir "{self.folder}/.started" 2>/dev/null; then {first}; fi\n{later}')
        self._program("bin/make", f'exec "{shutil.which("make")}" -n -C "{ROOT}" "$@"')
        for name in ("pg_dump", "pg_restore", "psql"):
            self._program(f"bin/{name}", f'exec "{client_program(name)}" "$@"')

    def _program(self, name: str, line: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def follow(self, document: Document, heading: str, nth: int = 0, *, server: Server | None = None) -> Output:
        """Run the nth block of commands under a heading; its example address becomes that of `server`."""
        found = [block.text for block in document.blocks if (block.heading, block.language) == (heading, "sh")]
        self.followed.append(found[nth])
        return self.type(found[nth] if server is None else _addressed(found[nth], server))

    def type(self, commands: str) -> Output:
        """Run commands; what they export applies to later commands, as in a terminal."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        environment |= self.settings | {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-eu", "-c", commands],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        self.settings |= dict(_EXPORT.findall(commands))
        return Output(code=done.returncode, out=done.stdout, err=done.stderr)


def _addressed(commands: str, server: Server) -> str:
    own = _EXAMPLE_ADDRESS.sub(rf"\1:...@/stockroom?host={server.folder}&port={server.port}", commands)
    return own.replace("...", PASSWORD)
