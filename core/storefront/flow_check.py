"""`check-flow`: a receipt, paid order, restoration and undo of a scratch variant, each step compared with the ledger.

It uses the shop's own operations in one transaction that is never committed, so nothing reaches a report, the ledger,
the daily figures or a case. It locks its own variant, and, for tenths of a second, two locks that it shares with orders
and with the import of a catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from core.catalog import imports as catalog
from core.database.engine import call, run, translate
from core.foundation.errors import StockError
from core.foundation.model import Actor, Line, Movement, MovementType
from core.foundation.sales import Disposition
from core.ledger import changes as ledger
from core.ledger import movements, reports
from core.ledger.movements import MovementFilter
from core.orders import reads as order_reads
from core.orders import refund_reads, refunds
from core.orders.refunds import Decision

MARK = "check-flow"
CHECKER = Actor(name=MARK)
_LIMITS = "set local statement_timeout = '20s'; set local idle_in_transaction_session_timeout = '20s'"


class Falsified(StockError):
    """The ledger does not have what was posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the check: whether it passed, and what was found."""

    title: str
    holds: bool
    said: str


def check_flow(engine: Engine) -> Iterator[Step]:
    """Run the steps until one fails, roll everything back, and check that nothing is left. Writes nothing.

    Raises Unavailable if the database cannot be reached.
    """
    sku = f"CHECK-FLOW-{uuid4().hex[:12].upper()}"
    try:
        with engine.connect() as connection:
            try:
                connection.execute(text(_LIMITS))
                for title, act in _Flow(connection, sku).steps():
                    step = _try(title, act)
                    yield step
                    if not step.holds:
                        break
            finally:
                connection.rollback()
    except DBAPIError as error:
        raise translate(error) from error
    yield _try("nothing of it is left", lambda: _gone(engine, sku))


def _try(title: str, act: Callable[[], str]) -> Step:
    try:
        return Step(title=title, holds=True, said=act())
    except StockError as error:
        return Step(title=title, holds=False, said=error.message)
    except DBAPIError as error:
        known = translate(error)
        said = known.message if isinstance(known, StockError) else str(error.orig).partition("\n")[0]
        return Step(title=title, holds=False, said=said)


def _gone(engine: Engine, sku: str) -> str:
    if run(engine, reports.find, CHECKER, code=sku) is not None:
        raise Falsified(f"{sku} is still in the catalogue.")
    return "rolled back"


class _Flow:
    """The steps of the scratch variant. `_posted` has its movements, oldest first."""

    def __init__(self, connection: Connection, sku: str) -> None:
        self.connection, self.sku = connection, sku
        self.payment_id = f"{MARK}:{sku}"
        self._posted: list[Movement] = []

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yield the steps in order, each with its function."""
        yield "scratch variant", self.create
        yield "+5 received", self.receive
        yield "sale of 1", self.sell
        yield "restoration of 1", self.restore
        yield "undo of the restoration", lambda: self.undo(3, level=4, taken=1)
        yield "undo of the sale", lambda: self.undo(2, level=5, taken=0)
        yield "undo of the receipt", lambda: self.undo(1, level=0, taken=0)
        yield "level, chain and figures", self.add_up

    def create(self) -> str:
        """Import a catalogue of one variant."""
        rows = f"sku,product\n{self.sku},{MARK}\n".encode()
        name = f"{MARK}.csv"
        catalog.import_catalog(
            self.connection, CHECKER, content=rows, file_name=name, key=self._key("catalogue"), into_sample=True
        )
        self._at(0)
        return f"{self.sku} is in the catalogue, on hand 0"

    def receive(self) -> str:
        """Post a receipt of five units."""
        known = reports.reasons(self.connection, CHECKER)
        purchase = (row for row in known if row.movement_type is MovementType.PURCHASE and row.is_active)
        reason = next((row.reason for row in purchase if row.sign >= 0), "delivery")
        lines = [Line(variant_id=self.variant_id, quantity=5)]
        ledger.receive(
            self.connection, CHECKER, lines=lines, key=self._key("receipt"), reason=reason, reference=MARK, note=MARK
        )
        return self._moved(MovementType.PURCHASE, 5)

    def sell(self) -> str:
        """Apply a paid order of one unit, as the inbox does."""
        order = {
            "payment_id": self.payment_id, "number": MARK, "amount": 0, "currency": self._currency(),
            "paid_at": self._now(), "livemode": False, "policy": "normal", "cart_state": "read", "cart_source": MARK,
            "lines": [{"code": self.sku, "codes": [], "quantity": 1}],
        }  # fmt: skip
        statement = "select recorded, taken from stockroom_api.apply_orders(%(rows)s::jsonb)"
        recorded, taken = call(self.connection, statement, {"rows": json.dumps([order])})[0]
        if (recorded, taken) != (1, 1):
            raise Falsified(f"Of one order with one line, {recorded} was recorded and {taken} taken off the shelf.")
        said = self._moved(MovementType.SALE, -1)
        self._line_is(taken=1, restored=0)
        return said

    def restore(self) -> str:
        """Record a refund of the order, and decide that its unit goes back on the shelf."""
        now = self._now()
        refund = {
            "refund_id": f"{self.payment_id}:refund", "payment_id": self.payment_id, "amount": 0, "status": "succeeded",
            "currency": self._currency(), "refunded_at": now, "told_at": now,
        }  # fmt: skip
        call(self.connection, "select stockroom_api.record_refunds(%(rows)s::jsonb)", {"rows": json.dumps([refund])})
        known = refund_reads.of_order(self.connection, CHECKER, order_id=self.order_id)
        if len(known) != 1:
            raise Falsified(f"The order has {len(known)} refunds instead of one.")
        said = [Decision(line_id=self.line.line_id, disposition=Disposition.RESTOCK, quantity=1)]
        refunds.decide(
            self.connection, CHECKER, refund_id=known[0].id, decisions=said, key=self._key("refund"), note=MARK
        )
        told = self._moved(MovementType.RESTORATION, 1)
        self._line_is(taken=1, restored=1)
        return told

    def undo(self, nth: int, *, level: int, taken: int) -> str:
        """Undo the nth movement. The counters of an order line must follow."""
        original = self._posted[nth - 1]
        ledger.undo(
            self.connection, CHECKER, movement_ids=[original.movement_id], key=self._key(f"undo {nth}"), note=MARK
        )
        said = self._moved(original.movement_type, -original.quantity, reverses=original.movement_id)
        self._at(level)
        self._line_is(taken=taken, restored=0)
        return said

    def add_up(self) -> str:
        """Compare the daily figures with the level, and check every deferred constraint."""
        found = reports.explain(self.connection, CHECKER, variant_id=self.variant_id)
        if (found.total, found.closing) != (0, 0):
            raise Falsified("The daily figures do not add up to what is on hand.")
        self.connection.execute(text("set constraints all immediate"))
        return f"back at 0 after {len(self._posted)} movements, every hash follows from the one before"

    @property
    def variant_id(self) -> Any:
        """The scratch variant's id."""
        return self._row().variant_id

    @property
    def order_id(self) -> int:
        """The order of the sale."""
        found = self._posted[1].order_id
        if found is None:
            raise Falsified("The sale does not know its order.")
        return found

    @property
    def line(self) -> order_reads.OrderLine:
        """The order's only line."""
        lines = order_reads.lines_of(self.connection, CHECKER, order_ids=[self.order_id])
        if len(lines) != 1:
            raise Falsified(f"The order has {len(lines)} lines instead of one.")
        return lines[0]

    def _row(self) -> Any:
        row = reports.find(self.connection, CHECKER, code=self.sku)
        if row is None:
            raise Falsified(f"{self.sku} is not in the catalogue.")
        return row

    def _at(self, level: int) -> None:
        row = self._row()
        if (row.on_hand, row.reserved) != (level, 0):
            raise Falsified(f"On hand is {row.on_hand}, reserved {row.reserved}; it should be {level} and 0.")

    def _line_is(self, *, taken: int, restored: int) -> None:
        if len(self._posted) < 2:
            return
        line = self.line
        if (line.taken, line.restored) != (taken, restored):
            should = f"it should be {taken} and {restored}"
            raise Falsified(f"The order's line says {line.taken} taken and {line.restored} restored; {should}.")

    def _moved(self, kind: MovementType, quantity: int, *, reverses: int | None = None) -> str:
        """Look that exactly one movement came, that it says what was done, and that level and chain follow it."""
        before = self._posted[-1].quantity_after if self._posted else 0
        page = movements.page(self.connection, CHECKER, filter=MovementFilter(variant_id=self.variant_id))
        self._posted = sorted(page.rows, key=lambda row: row.variant_sequence)
        number = [row.variant_sequence for row in self._posted]
        should_be = _should_be(kind, quantity, before, reverses)
        if not number or number != list(range(1, len(number) + 1)):
            raise Falsified(f"The movements are numbered {number}, not 1, 2, 3 and so on.")
        row = self._posted[-1]
        found = {name: getattr(row, name) for name in should_be}
        if found != should_be:
            wrong = ", ".join(f"{name} {found[name]} instead of {should_be[name]}" for name in found
                              if found[name] != should_be[name])  # fmt: skip
            raise Falsified(f"Movement no. {row.variant_sequence} has {wrong}.")
        self._at(row.quantity_after)
        broken = call(self.connection, "select stockroom_api.broken_link(%(id)s)", {"id": self.variant_id})[0][0]
        if broken is not None:
            raise Falsified(f"The hash of movement no. {broken} does not follow from the one before.")
        return f"{row.quantity_before} -> {row.quantity_after}, movement no. {row.variant_sequence}, hash verified"

    def _key(self, what: str) -> str:
        return f"{self.payment_id}:{what}"

    def _now(self) -> str:
        return str(call(self.connection, "select now()::text", {})[0][0])

    def _currency(self) -> str:
        return reports.shop(self.connection, CHECKER).currency.lower()


def _should_be(kind: MovementType, quantity: int, before: int, reverses: int | None) -> dict[str, Any]:
    return {
        "movement_type": kind,
        "quantity": quantity,
        "quantity_before": before,
        "quantity_after": before + quantity,
        "reverses_id": reverses,
    }
