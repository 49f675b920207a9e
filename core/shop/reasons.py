"""The reasons for movements. Admins add, rename, retire and bring back reasons; the code of a reason never changes.

Forms read the active reasons each time (core/ledger/reports.py), so a new reason appears at once.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor, MovementType, Reason
from core.foundation.text import clean_line
from core.people.access import Permission
from core.people.guard import ask

LONGEST_LABEL = 60
LONGEST_CODE = 36
"""Shorter than the table's CHECK allows, so that a number fits behind it."""

DIRECTIONS: dict[MovementType, tuple[int, ...]] = {
    MovementType.ADJUSTMENT: (1, -1, 0),
    MovementType.PURCHASE: (1, -1, 0),
    MovementType.COUNT: (0,),
    MovementType.SALE: (-1,),
    MovementType.RESTORATION: (1,),
}
"""Which way a reason of a type may go: 1 in, -1 out, 0 either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopReason(Reason):
    """A reason as admins see it. `needed` says why it cannot be retired, to be read after its name; None if it can."""

    needed: str | None


@database.one_statement
def list_reasons(connection: Connection, actor: Actor) -> tuple[ShopReason, ...]:
    """Return every reason by type, those in use first. Raises Forbidden, SignInRequired."""
    rows = ask(connection, actor, Permission.MANAGE_SHOP, "list_reasons")
    return rows_of(ShopReason, rows, movement_type=MovementType)


@database.one_statement
def add_reason(
    connection: Connection,
    actor: Actor,
    *,
    movement_type: MovementType,
    label: str,
    sign: int,
    note_required: bool = False,
) -> str:
    """Add a reason and return its code, made from its label. Raises InvalidInput, Forbidden, SignInRequired."""
    kind = _type(movement_type)
    if sign not in DIRECTIONS[kind]:
        raise invalid("direction", f"does not fit {kind}")
    label = _label(label)
    values = {"kind": kind, "code": code_of(label), "label": label, "sign": sign, "note_required": note_required}
    return str(ask(connection, actor, Permission.MANAGE_SHOP, "add_reason", **values)[0][0])


@database.one_statement
def rename_reason(
    connection: Connection, actor: Actor, *, movement_type: MovementType, reason: str, label: str
) -> None:
    """Give a reason another label; earlier movements show it too. Raises as `add_reason`."""
    values = {"kind": _type(movement_type), "reason": reason, "label": _label(label)}
    ask(connection, actor, Permission.MANAGE_SHOP, "rename_reason", **values)


@database.one_statement
def set_reason_active(
    connection: Connection, actor: Actor, *, movement_type: MovementType, reason: str, active: bool
) -> None:
    """Retire a reason, so that nothing new is posted with it, or bring it back.

    Raises InvalidInput with the cause where the software itself posts it or where no other reason is left to choose;
    Forbidden, SignInRequired.
    """
    values = {"kind": _type(movement_type), "reason": reason, "active": active}
    ask(connection, actor, Permission.MANAGE_SHOP, "set_reason_active", **values)


def code_of(label: str) -> str:
    """Return the code for a label: lower-case letters, digits and underscores, beginning with a letter."""
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode()
    code = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not re.match(r"[a-z][a-z0-9_]", code):
        code = f"reason_{code}".rstrip("_")
    return code[:LONGEST_CODE].rstrip("_")


def _type(movement_type: str) -> MovementType:
    if movement_type not in tuple(MovementType):
        raise invalid("movement type", f"must be one of {', '.join(MovementType)}")
    return MovementType(movement_type)


def _label(label: str) -> str:
    return clean_line(label, "label", LONGEST_LABEL)
