"""The manifest next to each backup: its contents as JSON, to check the backup before and after it is restored."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from core.adoption.report import listed
from core.foundation.errors import BackupFailed

SUFFIX = ".json"
FORMAT = 2
READABLE = (1, FORMAT)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Something on our tables that an empty database cannot have, because it uses what the backup does not contain.

    `statement` creates it again. A restore omits the `entries` of the archive and, in the text that creates the table
    `inside`, replaces `cut` by `instead`.
    """

    kind: str
    what: str
    why: str
    statement: str
    entries: list[str]
    inside: str
    cut: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The contents of a database at one moment: rows by table, the ledger's head hash, its release, its dependencies.

    `roles`: the roles that have rights on our objects. `needs`: types and functions of other owners that our tables
    use. `beyond`: our foreign keys to tables of others. `others`: tables, views and functions that are not ours, which
    earlier releases did not list (`lists_others`).
    """

    tables: dict[str, int]
    head_hash: str
    revision: str
    server_version: str
    roles: list[str]
    needs: list[str]
    beyond: list[str]
    lists_others: bool = False
    others: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """What a restore into an empty database cannot have, in words."""
        next_to_ours = f"tables, views and functions of others ({len(self.others):,}): {listed(self.others)}"
        return [*([next_to_ours] if self.others else []), *(f"{each.what} ({each.why})" for each in self.left_out)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A backup, described."""

    file: str
    made_at: datetime
    database: str
    size_bytes: int
    sha256: str
    client_version: str
    contents: Contents

    @property
    def server_major(self) -> int:
        """The major version of the server it was created on."""
        return int(self.contents.server_version.split(".")[0])

    @property
    def movements(self) -> int:
        """How many movements are in it."""
        return self.contents.tables.get("public.stock_movements", 0)


def manifest_of(archive: Path) -> Path:
    """Return the path of an archive's manifest."""
    return archive.with_name(archive.name + SUFFIX)


def write_manifest(archive: Path, manifest: Manifest) -> None:
    """Write the manifest next to its archive, completely or not at all."""
    values = asdict(manifest) | {"format": FORMAT, "made_at": manifest.made_at.isoformat()}
    target = manifest_of(archive)
    draft = target.with_name(target.name + ".part")
    with draft.open("w", encoding="utf-8") as file:
        draft.chmod(0o600)
        json.dump(values | {"seal": _seal(values)}, file, indent=2, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target)


def read_manifest(archive: Path) -> Manifest:
    """Read the manifest of an archive. Raises BackupFailed if it is missing, unreadable, or was edited."""
    path = manifest_of(archive)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        seal, form = values.pop("seal"), values.get("format")
        if seal != _seal(values):
            raise BackupFailed(f"The manifest {path.name} was changed since it was written; do not trust this backup.")
        if form not in READABLE:
            raise BackupFailed(f"The manifest {path.name} was written by a newer release of Stockroom; use that one.")
        del values["format"]
        made_at = datetime.fromisoformat(values.pop("made_at"))
        held = values["contents"]
        left_out = [LeftOut(**each) for each in held.get("left_out", [])]
        return Manifest(**values | {"made_at": made_at, "contents": Contents(**held | {"left_out": left_out})})
    except FileNotFoundError:
        raise BackupFailed(f"{archive.name} has no manifest: {path.name} is missing next to it.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupFailed(f"The manifest {path.name} cannot be read; do not trust this backup.") from error


def check_file(archive: Path, manifest: Manifest) -> None:
    """Raise BackupFailed unless the archive is, byte for byte, the one that the manifest describes."""
    try:
        size = archive.stat().st_size
        if size != manifest.size_bytes:
            raise BackupFailed(
                f"{archive.name} has {size:,} bytes, but its manifest says {manifest.size_bytes:,}: it is not whole."
            )
        if digest(archive) != manifest.sha256:
            raise BackupFailed(f"{archive.name} was changed since it was written: its SHA-256 is not the manifest's.")
    except OSError as error:
        raise BackupFailed(f"{archive} cannot be read: {error.strerror or error}.") from error


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _seal(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
