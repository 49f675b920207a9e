"""The JSON between the page and the server: scans in, answers out. Every value is checked before it is used."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from typing import Any
from uuid import UUID

from core.catalog.codes import CodeKind
from core.deliveries.reads import DeliveryRow
from core.foundation.errors import InsufficientStock, InvalidInput, StockError, UnknownVariant, invalid
from core.foundation.model import MAX_UNITS
from core.people.access import Permission, may
from core.people.accounts import SignedIn
from core.scanning.choices import Choices, Offered
from core.scanning.taking import Mode, Scan, Taken
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr

MOST_SCANS = 50
_MAY = {
    "view": Permission.VIEW,
    "adjust": Permission.ADJUST,
    "receive": Permission.RECEIVE,
    "count": Permission.COUNT,
    "undo": Permission.UNDO,
    "attach": Permission.ATTACH_CODE,
}
KINDS = marked(
    (
        (CodeKind.EAN, "EAN"),
        (CodeKind.UPC, "UPC"),
        (CodeKind.CARTON, "Carton with its quantity"),
        (CodeKind.SUPPLIER, "Supplier's code"),
    )
)
"""The kinds of code that people attach, with their labels."""


def owner_of(person: SignedIn) -> str:
    """Return whose scans these are: the person in this shop. Ids of another shop behind the same address differ."""
    since = person.shop_since.isoformat() if person.shop_since else ""
    return f"{person.actor.user_id}@{since}"


def read_batch(message: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Return the owner and the raw scans of a message. Raises InvalidInput."""
    scans = message.get("scans")
    if not isinstance(scans, list) or len(scans) > MOST_SCANS or not all(isinstance(each, dict) for each in scans):
        raise invalid("scans", f"must be a list of at most {MOST_SCANS}")
    return str(message.get("owner", "")), scans


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request. Raises InvalidInput."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid("message", "is not JSON") from error
    if not isinstance(message, dict):
        raise invalid("message", "is not a JSON object")
    return message


def read_scan(raw: dict[str, Any], waited: float) -> Scan:
    """Return a scan; `waited` is the number of seconds since the request arrived. Raises InvalidInput."""
    try:
        mode = Mode(raw.get("mode", ""))
    except ValueError as error:
        raise invalid("mode", "is not known") from error
    age = raw.get("age")
    if not isinstance(age, int | float) or isinstance(age, bool) or not math.isfinite(age):
        raise invalid("age", "must be a number of seconds")
    units = raw.get("units", 1)
    if not isinstance(units, int) or isinstance(units, bool):
        raise invalid("units", "must be a whole number")
    return Scan(
        id=read_id(raw.get("id"), "id"), mode=mode, age=float(age) + waited, text=_text(raw, "text"),
        variant_id=_optional_id(raw, "variant"), units=units, reason=_text(raw, "reason"), note=_text(raw, "note"),
        reference=_text(raw, "reference"), delivery_id=_number(raw, "delivery"), count_id=_number(raw, "count"),
        of=_optional_id(raw, "of"),
    )  # fmt: skip


def read_id(value: Any, field: str) -> UUID:
    """Return an id. Raises InvalidInput."""
    try:
        return UUID(value) if isinstance(value, str) else UUID("")
    except ValueError as error:
        raise invalid(field, "is not an id") from error


def _optional_id(raw: dict[str, Any], field: str) -> UUID | None:
    return None if raw.get(field) is None else read_id(raw[field], field)


def _text(raw: dict[str, Any], field: str) -> str | None:
    value = raw.get(field)
    if value is not None and not isinstance(value, str):
        raise invalid(field, "must be text")
    return value or None


def _number(raw: dict[str, Any], field: str) -> int | None:
    """Return the number of a delivery or count; a list in a browser has it as text. Raises InvalidInput."""
    value = raw.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", str(value), re.ASCII):
        raise invalid(field, "is not known")
    return int(value)


def read_attachment(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `core.catalog.codes.attach`. Raises InvalidInput."""
    units = raw.get("units", 1)
    return {
        "variant_id": read_id(raw.get("variant"), "variant"),
        "code": _text(raw, "code") or "",
        "kind": _text(raw, "kind") or "",
        "units": units if isinstance(units, int) else 0,
        "key": f"scan-code:{read_id(raw.get('key'), 'key')}",
    }


# ---------------------------------------------------------------- answers


def done(scan_id: Any, taken: Taken) -> dict[str, Any]:
    """Return the answer to a scan that was taken."""
    return {"id": scan_id, "state": "done"} | asdict(taken) | {"variant_id": str(taken.variant_id)}


def refused(scan_id: Any, error: StockError) -> dict[str, Any]:
    """Return the answer to a scan that a rule refused: nothing was changed."""
    return {"id": scan_id, "state": "refused", "kind": type(error).__name__, "sentence": sentence(error)}


def sentence(error: StockError) -> str:
    """Return what a person reads about an error: what happened, and what to do."""
    if isinstance(error, UnknownVariant):
        code = error.facts.get("code") or tr("that was scanned")
        return tr("No variant has the code {code}. Nothing was changed.", code=code)
    if isinstance(error, InsufficientStock) and error.short:
        short = error.short[0]
        units = {"on_hand": formats.number(short["on_hand"]), "held": formats.number(short["reserved"])}
        if short["reserved"]:
            return tr(
                "Not enough stock of {sku}: {on_hand} on hand, {held} of them held for checkouts. Nothing was changed.",
                sku=short["sku"],
                **units,
            )
        return tr("Not enough stock of {sku}: {on_hand} on hand. Nothing was changed.", sku=short["sku"], **units)
    if isinstance(error, InvalidInput) and error.field == "scan":
        return tr("The scan {why}.", why=translated(error.why))
    return translated(error.message)


def state(person: SignedIn, found: Choices, release: str) -> dict[str, Any]:
    """Return what the page shows and offers to a person."""
    role = person.actor.role
    return {
        "owner": owner_of(person),
        "name": person.actor.name,
        "version": release,
        "may": {name: may(role, permission) for name, permission in _MAY.items()},
        "kinds": [[kind.value, tr(label)] for kind, label in KINDS],
        "most": MAX_UNITS,
        "reasons": [
            {"code": each.reason, "label": translated(each.label), "sign": each.sign, "note": each.note_required}
            for each in found.reasons
        ],
        "deliveries": [{"id": each.delivery_id, "name": _delivery(each)} for each in found.deliveries],
        "counts": [{"id": each.count_id, "name": each.name, "is_blind": each.is_blind} for each in found.counts],
        "recent": [offered(each) for each in found.recent],
    }


def _delivery(each: DeliveryRow) -> str:
    return f"{each.reference}, {each.supplier}" if each.supplier else each.reference


def offered(each: Offered) -> dict[str, Any]:
    """Return a variant in a list."""
    return asdict(each) | {"variant_id": str(each.variant_id)}
