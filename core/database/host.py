"""This machine: the user that runs PostgreSQL, the folders it may enter, and its processes."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

from core.foundation.errors import SetupError

SERVICE_NAME = "stockroom"


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A program that has ended: its exit code and its output."""

    returncode: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUser:
    """The user that runs the database: our own, or a service user under root, which PostgreSQL refuses."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        """Whether programs must be started as another user than our own."""
        return self.uid != os.geteuid()

    def run(self, command: Sequence[Path | str], cwd: Path) -> Finished:
        """Run a program as this user, out of reach of the terminal's Ctrl-C."""
        identity: _Identity = {}
        if self.is_other:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": ()}
        # A file, not a pipe: a server that keeps running would hold a pipe open forever.
        with tempfile.TemporaryFile() as output:
            code = subprocess.call(
                [str(word) for word in command],
                cwd=cwd,
                env=plain_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
                **identity,
            )
            output.seek(0)
            return Finished(returncode=code, output=output.read().decode(errors="replace"))

    def can(self, permission: str, path: Path) -> bool:
        """Return whether this user may read, write or enter (`r`, `w`, `x`) a path, with all folders above it."""
        return self.run(["test", f"-{permission}", path], cwd=Path("/")).returncode == 0

    def own(self, path: Path) -> None:
        """Make this user the owner of a file, or of a folder with everything in it."""
        if self.is_other:
            for part in (path, *path.rglob("*")):
                os.chown(part, self.uid, self.gid, follow_symlinks=False)

    def make_private_folder(self, path: Path) -> None:
        """Create a folder that only this user may enter. Raises PermissionError if another user created it."""
        path.mkdir(mode=0o700, exist_ok=True)
        if path.lstat().st_uid == os.geteuid():
            self.own(path)
        if path.is_symlink() or path.lstat().st_uid != self.uid:
            raise PermissionError(13, "it belongs to another user", str(path))
        path.chmod(0o700)


def service_user(home: Path) -> ServiceUser:
    """Return the user that runs a database in this folder: its owner, so that root can continue a user's folder."""
    uid = os.geteuid()
    if uid == 0 and home.exists():
        uid = home.stat().st_uid
    entry = _made_user() if uid == 0 else _known_user(uid)
    return ServiceUser(uid=entry.pw_uid, gid=entry.pw_gid, name=entry.pw_name)


def _known_user(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        raise SetupError(
            f"PostgreSQL refuses to run as the user number {uid}, which has no name on this machine. "
            "Start Stockroom as a user with a name, or set DATABASE_URL to a PostgreSQL of your own."
        ) from error


def _made_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVICE_NAME)
    except KeyError:
        pass
    useradd = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", SERVICE_NAME]
    adduser = ["adduser", "-S", "-D", "-H", "-s", "/bin/false", SERVICE_NAME]
    command = useradd if shutil.which("useradd") else adduser
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SERVICE_NAME)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise SetupError(
            f"PostgreSQL refuses to run as root, and the user {SERVICE_NAME} could not be created for it. "
            "Start Stockroom as a normal user, or set DATABASE_URL to a PostgreSQL of your own."
        ) from error


def plain_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the PG... variables, which would redirect PostgreSQL's programs."""
    return {name: value for name, value in environ.items() if not name.startswith("PG")}


def process_arguments(pid: int) -> list[str]:
    """Return the command line of a process; empty when there is no such process, or it is a zombie."""
    command_line = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return command_line.read_text(errors="replace").rstrip("\0").split("\0")
        except OSError:
            return []
    shown = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.split()


def process_exists(pid: int) -> bool:
    """Return whether a process id is taken, if only by a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def process_ids() -> list[int]:
    """Return the ids of all processes; empty on a machine without `/proc`."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def processes_in(folder: Path) -> list[int]:
    """Return the processes whose working folder this is, as for every process of a PostgreSQL. Needs `/proc`."""
    return [pid for pid in process_ids() if _works_in(pid, folder)]


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return False


def first_number(path: Path) -> int | None:
    """Return the number in the first line of a file, or None."""
    with suppress(FileNotFoundError, ValueError):
        return int(path.read_text().partition("\n")[0])
    return None


def take_lock(lock: IO[str], kind: int) -> bool:
    """Lock an open file unless another process has it, and return whether it is locked."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def refuse_odd_folder(data_dir: Path) -> None:
    """Raise SetupError for a folder in which PostgreSQL cannot work, or that another one uses."""
    if re.search(r'["$`\\,\x00-\x1f]', str(data_dir)):
        why = (
            "because its name has a quote, comma, dollar, backtick or backslash. Set STOCKROOM_DATA to another folder."
        )
        raise SetupError(f"PostgreSQL cannot work in {data_dir}, {why}")
    if (data_dir / "PG_VERSION").exists():
        why = "is the data folder of another PostgreSQL server. Set STOCKROOM_DATA to another folder."
        raise SetupError(f"{data_dir} {why}")


def refuse_removed(cluster: Path) -> None:
    """Raise SetupError if the folder of a cluster that was in use is gone."""
    if not (cluster / "PG_VERSION").exists():
        raise SetupError(
            f"The folder {cluster} was removed while Stockroom was running, or its disk is not there. Put it back, and "
            "the database starts by itself. To begin with a new one, start Stockroom again."
        )
