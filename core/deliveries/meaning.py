"""What the codes of a note mean, for its preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from core.database.engine import rows_of
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The variant that a code of a note means, and the units that one of it stands for."""

    code: str
    variant_id: UUID
    sku: str
    product: str
    size: str | None
    units: int


def meant(connection: Connection, actor: Actor, *, codes: Sequence[str]) -> dict[str, Meant]:
    """Return what these codes mean, by code; an unknown one is left out."""
    rows = ask(connection, actor, Permission.RECEIVE, "goods_codes", codes=[code.replace("\0", "") for code in codes])
    return {found.code: found for found in rows_of(Meant, rows)}
