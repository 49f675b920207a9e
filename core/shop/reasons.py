"""The reasons of the shop: why a movement may happen. Admins add, rename, retire and bring back; a code never changes.

Every read offers what is in use at that moment (core/ledger/reports.py), so forms pick a new reason up at once.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, text

from core.database import engine as database
from core.foundation.errors import invalid
from core.foundation.model import Actor, MovementType
from core.people import passwords
from core.people.access import Permission
from core.people.accounts import ACTOR, identity, scalar

LONGEST_LABEL = 60
LONGEST_CODE = 36
"""Shorter than the table's CHECK by what a number behind it takes."""

DIRECTIONS: dict[MovementType, tuple[int, ...]] = {
    MovementType.ADJUSTMENT: (1, -1, 0),
    MovementType.PURCHASE: (1, -1, 0),
    MovementType.COUNT: (0,),
    MovementType.SALE: (-1,),
    MovementType.RESTORATION: (1,),
}
"""Which way a reason of a type may go: 1 in, -1 out, 0 either."""

_LIST = text("select * from stockroom_api.list_reasons(:user_id, :session_id, cast(:roles as text[]), :name)")
_ADD = text(f"select stockroom_api.add_reason({ACTOR}, :movement_type, :code, :label, :sign, :note_required)")
_RENAME = text(f"select stockroom_api.rename_reason({ACTOR}, :movement_type, :reason, :label)")
_SET_ACTIVE = text(f"select stockroom_api.set_reason_active({ACTOR}, :movement_type, :reason, :active)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopReason:
    """A reason as admins see it. `needed`: why it cannot be retired, to be read after its name; None where it can."""

    movement_type: MovementType
    reason: str
    label: str
    sign: int
    note_required: bool
    by_hand: bool
    is_active: bool
    needed: str | None


@database.one_statement
def list_reasons(connection: Connection, actor: Actor) -> tuple[ShopReason, ...]:
    """Return every reason by type, those in use first. Raises Forbidden, SignInRequired."""
    rows = connection.execute(_LIST, identity(actor, Permission.MANAGE_SHOP))
    return tuple(
        ShopReason(**(dict(row._mapping) | {"movement_type": MovementType(row.movement_type)})) for row in rows
    )


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
    """Add a reason and return the code that was made from its label. Raises InvalidInput, Forbidden, SignInRequired."""
    kind = _type(movement_type)
    if sign not in DIRECTIONS[kind]:
        raise invalid("direction", f"does not fit {kind}")
    label = _label(label)
    values = {"code": code_of(label), "label": label, "sign": sign, "note_required": note_required}
    return str(scalar(connection, _ADD, **_asked(actor, kind), **values))


@database.one_statement
def rename_reason(
    connection: Connection, actor: Actor, *, movement_type: MovementType, reason: str, label: str
) -> None:
    """Give a reason another label, under which movements posted before are shown too. Raises as `add_reason`."""
    connection.execute(_RENAME, _asked(actor, movement_type, reason) | {"label": _label(label)})


@database.one_statement
def set_reason_active(
    connection: Connection, actor: Actor, *, movement_type: MovementType, reason: str, active: bool
) -> None:
    """Retire a reason, so that nothing new is posted with it, or bring it back.

    Raises InvalidInput with the cause where the software itself posts it or where it is the last one to choose;
    Forbidden, SignInRequired.
    """
    connection.execute(_SET_ACTIVE, _asked(actor, movement_type, reason) | {"active": active})


def code_of(label: str) -> str:
    """Return the code that a label makes: small letters, digits and underscores, begun by a letter."""
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode()
    code = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not re.match(r"[a-z][a-z0-9_]", code):
        code = f"reason_{code}".rstrip("_")
    return code[:LONGEST_CODE].rstrip("_")


def _asked(actor: Actor, movement_type: MovementType, reason: str | None = None) -> dict[str, object]:
    named = {} if reason is None else {"reason": reason}
    return identity(actor, Permission.MANAGE_SHOP) | {"movement_type": _type(movement_type).value} | named


def _type(movement_type: str) -> MovementType:
    if movement_type not in tuple(MovementType):
        raise invalid("movement type", f"must be one of {', '.join(MovementType)}")
    return MovementType(movement_type)


def _label(label: str) -> str:
    return passwords.clean_name(label, field="label", longest=LONGEST_LABEL)
