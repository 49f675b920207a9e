"""What a person needs to enter the lines of an order: what came with its payment, and what it could be of.

Guesses come from the possible readings of its cart, from codes and names in the text of its payment, and from prices
that are what was paid. Nothing here decides anything. SQL: core/sql/55_cases/5_guesses.sql.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from core.carts.values import minor_digits
from core.database.engine import call
from core.database.reading import read_only
from core.foundation.errors import Unreadable
from core.foundation.model import Actor
from core.foundation.sales import Payment, Policy
from core.ledger.query import view
from core.orders import lines
from core.orders.lines import LineChange, Pick
from core.orders.reads import OrderLine, lines_of
from core.payloads import reading as payloads
from core.people.access import Permission
from core.people.guard import require

MOST_GUESSES = 6
MOST_UNITS = 20
MOST_WORDS = 400
LONGEST_TEXT = 20_000
_PARTS = re.compile(r"[^\s,;|\"'{}\[\]()=<>]+")
_SMALLER = re.compile(r"[:~/*\u00d7]+")
_NAMED = "select variant_id, by_code, is_sized from stockroom_api.named_in(%(text)s, %(words)s, %(limit)s)"
_PRICED = """
    select n, variant_id, quantity from stockroom_api.priced_at(%(amount)s, %(currency)s, %(digits)s, %(limit)s)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """Lines that an order could have, each a variant with its units and price, and `why` in words for people."""

    lines: tuple[tuple[Pick, int, int | None], ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An order to enter lines for. `told`: what came with its payment, as names and texts. `seen` goes back with them.

    `extras` are shipping and tax less discounts, where they are known. Amounts are in minor units.
    """

    order_id: int
    amount: int
    currency: str
    policy: Policy
    is_read: bool
    extras: int | None
    seen: str
    lines: tuple[OrderLine, ...]
    told: tuple[tuple[str, str], ...]
    changes: tuple[LineChange, ...]


_SHEETS = view(
    "order_sheets", "order_id", "amount", "currency", "policy", "cart_state", "cart_raw", "extras", "readings", "seen"
)
_MESSAGES = view("order_messages", "order_id", "message_id", "body")


@read_only
def sheet(connection: Connection, actor: Actor, *, order_id: int) -> Sheet | None:
    """Return what a person needs to enter the lines of an order, or None for an unknown one."""
    require(connection, actor, Permission.VIEW)
    row = connection.execute(select(_SHEETS).where(_SHEETS.c.order_id == order_id)).first()
    if row is None:
        return None
    return Sheet(
        order_id=order_id,
        amount=row.amount,
        currency=row.currency,
        policy=Policy(row.policy),
        is_read=row.cart_state == "read",
        extras=row.extras,
        seen=row.seen,
        lines=lines_of(connection, actor, order_ids=[order_id]),
        told=_told(connection, order_id) or written(row.cart_raw),
        changes=lines.changes(connection, actor, order_id=order_id),
    )


def _told(connection: Connection, order_id: int) -> tuple[tuple[str, str], ...]:
    """Return the metadata of an order's payment and of its checkout, each name and text once."""
    query = select(_MESSAGES.c.body).where(_MESSAGES.c.order_id == order_id).order_by(_MESSAGES.c.message_id).limit(20)
    found: dict[tuple[str, str], None] = {}
    for body in connection.execute(query).scalars():
        try:
            reading = payloads.read(json.loads(body))[1]
        except (Unreadable, ValueError):
            continue
        if isinstance(reading, Payment):
            found |= dict.fromkeys(reading.metadata.items())
    return tuple(found)


def written(raw: str | None) -> tuple[tuple[str, str], ...]:
    """Return the text of a cart as names and texts, for an order whose messages are gone."""
    try:
        found = json.loads(raw or "")
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return tuple((str(name), str(text)) for name, text in found.items())
    return (("cart", raw),) if raw else ()


def words_of(told: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the words of these texts that may be codes or sizes, each once: `TR-42:1` is itself, TR-42 and 1."""
    text = "\n".join(each for _, each in told)[:LONGEST_TEXT]
    found: dict[str, None] = {}
    for part in _PARTS.findall(text):
        found |= dict.fromkeys(each.strip(".-_")[:100] for each in (part, *_SMALLER.split(part)))
    found.pop("", None)
    return tuple(found)[:MOST_WORDS]


@read_only
def guesses(connection: Connection, actor: Actor, *, order_id: int) -> tuple[Guess, ...]:
    """Return what an order could be of, best first. It reads the whole catalogue, so do it once."""
    require(connection, actor, Permission.VIEW)
    row = connection.execute(select(_SHEETS).where(_SHEETS.c.order_id == order_id)).one()
    told = _told(connection, order_id) or written(row.cart_raw)
    whole = _read(connection, actor, row)
    named = _named(connection, told)
    priced = _priced(connection, row)
    ids = list(dict.fromkeys([*named, *(each for group in priced for each in group)]))
    known = {pick.variant_id: pick for pick in lines.picks(connection, actor, ids=ids, currency=row.currency)}
    goods = row.amount - (row.extras or 0)
    alone = {each: {each: units} for each in named if (units := _units_paid(known[each], goods))}
    found = [
        (_rank(named[each], each in alone), _named_guess(known[each], named[each], alone.get(each))) for each in named
    ]
    found += [
        ((4, False), Guess(lines=_priced_lines(known, group), why=_cost(sum(group.values()), len(group))))
        for group in priced
        if len(group) > 1 or next(iter(group)) not in named
    ]
    ranked = (*whole, *(guess for _, guess in sorted(found, key=lambda each: each[0])))
    return tuple({guess.lines: guess for guess in reversed(ranked)}.values())[::-1][:MOST_GUESSES]


def _units_paid(pick: Pick, amount: int) -> int:
    """Return how many units of a variant cost exactly this amount, 0 if no whole number up to `MOST_UNITS` does."""
    units, rest = divmod(amount, pick.unit_price) if pick.unit_price else (0, 0)
    return units if rest == 0 and 0 < units <= MOST_UNITS else 0


def _read(connection: Connection, actor: Actor, row: Any) -> Iterator[Guess]:
    """Yield the possible readings of the cart in which every line names a variant."""
    for reading in row.readings or ():
        wanted = reading.get("lines") or []
        ids = [UUID(line["variant_id"]) for line in wanted if line.get("variant_id")]
        known = {pick.variant_id: pick for pick in lines.picks(connection, actor, ids=ids, currency=row.currency)}
        if wanted and len(ids) == len(wanted) and known.keys() >= set(ids):
            yield Guess(
                lines=tuple(
                    (known[each], int(line["quantity"]), _first(line.get("unit_price"), known[each].unit_price))
                    for each, line in zip(ids, wanted, strict=True)
                ),
                why=f"the cart, read by {reading.get('how') or 'its names'}",
            )


def _named(connection: Connection, told: Sequence[tuple[str, str]]) -> dict[UUID, tuple[bool, bool]]:
    """Return the variants named in these texts: whether by a code, and whether their size is named."""
    text = " ".join(each for _, each in told)[:LONGEST_TEXT].replace("\0", "")
    values = {"text": text, "words": list(words_of(told)), "limit": MOST_GUESSES}
    return {each: (by_code, is_sized) for each, by_code, is_sized in call(connection, _NAMED, values)}


def _priced(connection: Connection, row: Any) -> list[dict[UUID, int]]:
    """Return the goods whose price is what was paid: variants with their units."""
    amount = row.amount - (row.extras or 0)
    values = {"amount": amount, "currency": row.currency, "digits": minor_digits(row.currency), "limit": MOST_GUESSES}
    found: dict[int, dict[UUID, int]] = {}
    for n, variant_id, quantity in call(connection, _PRICED, values):
        found.setdefault(n, {})[variant_id] = quantity
    return list(found.values())


def _rank(named: tuple[bool, bool], is_priced: bool) -> tuple[int, bool]:
    by_code, is_sized = named
    return (1 if by_code else 2 if is_sized else 3), not is_priced


def _named_guess(pick: Pick, named: tuple[bool, bool], priced: Mapping[UUID, int] | None) -> Guess:
    by_code, is_sized = named
    quantity = priced[pick.variant_id] if priced else 1
    what = "its code" if by_code else "product and size" if is_sized else "its product"
    cost = f", and {_cost(quantity, 1)}" if priced else ""
    return Guess(
        lines=((pick, quantity, pick.unit_price),), why=f"{what} {'are' if 'and' in what else 'is'} in the text{cost}"
    )


def _priced_lines(known: Mapping[UUID, Pick], group: Mapping[UUID, int]) -> tuple[tuple[Pick, int, int | None], ...]:
    return tuple((known[each], quantity, known[each].unit_price) for each, quantity in group.items())


def _cost(units: int, variants: int) -> str:
    return "its price is what was paid" if units == variants == 1 else "their price is what was paid"


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
