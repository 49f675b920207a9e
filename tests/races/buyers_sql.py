"""Buyers of a storefront that calls the database: all in a hurry, some twice, some gone before paying."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core.database.engine import sqlstate
from tests.races.processes import Shopping, twice
from tests.races.shelf import AGE, Refusal

CONNECTIONS = 8
AS_STOREFRONT = "-c role=service_role"
BUSY = "55P03"


class Storefront:
    """The storefront's server: it calls the functions of the contract, each in its own transaction."""

    def __init__(self, url: str, variant: str) -> None:
        self.variant = UUID(variant)
        self.engine = self._connect(url, CONNECTIONS, options=AS_STOREFRONT)
        self.owner = self._connect(url, 2)

    def _connect(self, url: str, connections: int, **options: Any) -> Engine:
        return sqlalchemy.create_engine(
            url, pool_size=connections, max_overflow=0, pool_timeout=60, isolation_level="AUTOCOMMIT",
            connect_args=options,
        )  # fmt: skip

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
        self.owner.dispose()

    def call(self, statement: str, **values: Any) -> Any:
        """Call a function, and retry if the variant is busy."""
        for attempt in range(20):
            try:
                with self.engine.connect() as connection:
                    return connection.execute(text(f"select public.{statement}"), values).scalar_one()
            except OperationalError as error:
                if sqlstate(error) != BUSY or attempt == 19:
                    raise
        raise AssertionError("unreachable")

    def cart(self, units: int) -> str:
        """So many units as a cart."""
        return json.dumps([{"variant_id": str(self.variant), "quantity": units}])

    def shop(self, buyer: int) -> list[Refusal]:
        """Run one visit, and return the refusal, if there was one."""
        units = 2 if buyer % 7 == 0 else 1
        visits = {0: self._abandon, 1: self._let_go, 2: self._take, 3: self._take, 4: self._order}
        asked = time.time()
        refusal = visits.get(buyer % 10, self._buy)(units)
        return [] if refusal is None else [Refusal(wanted=units, asked=asked, answered=time.time(), told=refusal[0])]

    def _hold(self, units: int, order: UUID) -> dict[str, Any]:
        held: dict[str, Any] = self.call(
            "reserve_stock(cast(:cart as jsonb), :order, 600)", cart=self.cart(units), order=str(order)
        )
        return held

    def _abandon(self, units: int) -> tuple[int] | None:
        """Hold and never come back; the time of the hold runs out."""
        held = self._hold(units, uuid4())
        if not held["success"]:
            return refused(held)
        with self.owner.connect() as connection:
            names = {"variant": f"'{self.variant}'", "reservation": f"'{held['reservation_id']}'"}
            connection.execute(text(AGE.format(**names)))
        return None

    def _let_go(self, units: int) -> tuple[int] | None:
        """Hold, think better of it, and say so, twice."""
        held = self._hold(units, uuid4())
        if not held["success"]:
            return refused(held)
        for let_go in twice(lambda: self.call("release_reservation(:id)", id=held["reservation_id"])):
            assert (let_go["success"], let_go["state"]) == (True, "released")
        return None

    def _take(self, units: int) -> tuple[None] | None:
        """The storefront's atomic change, submitted twice under one key."""
        key = uuid4().hex
        statement = "update_variant_stock(:variant, :change, idempotency_key => :key)"
        first, second = twice(lambda: self.call(statement, variant=self.variant, change=-units, key=key))
        if first["success"] and second["success"]:
            assert first["movement_id"] == second["movement_id"]
        return None if first["success"] or second["success"] else (None,)

    def _order(self, units: int) -> tuple[None] | None:
        """Paid without a hold: the order is taken if there is enough, else it is a case."""
        order = uuid4()
        statement = "process_order_stock_changes(:order, cast(:cart as jsonb))"
        first, second = twice(lambda: self.call(statement, order=order, cart=self.cart(units)))
        (line,) = second["lines"]
        for told in (first, second):
            assert (told["recorded"], told["success"]) == (True, line["state"] == "taken")
        return None if line["state"] == "taken" else (None,)

    def _buy(self, units: int) -> tuple[int] | None:
        """Check, hold, pay: a buyer with a hold gets the units, whatever the others do meanwhile."""
        checked = self.call("validate_order_stock(cast(:cart as jsonb))", cart=self.cart(units))
        if not checked["valid"]:
            return (checked["issues"][0]["availableStock"],)
        order = uuid4()
        first, second = twice(lambda: self._hold(units, order))
        held = first if first["success"] else second
        if not held["success"]:
            return refused(held)
        assert not (first["success"] and second["success"]) or first["reservation_id"] == second["reservation_id"]
        statement = "process_order_stock_changes(:order, cast(:cart as jsonb))"
        tellings = twice(lambda: self.call(statement, order=order, cart=self.cart(units)))
        assert [told["lines"][0]["state"] for told in tellings] == ["taken"] * 2, "a hold is a promise"
        return None


def refused(held: dict[str, Any]) -> tuple[int]:
    """The numbers in the refusal of a hold."""
    (short,) = held["short"]
    return (int(short["available"]),)


def open_storefront(url: str, variant: str) -> Shopping[Refusal]:
    """Open a storefront in this process."""
    return Storefront(url, variant).shop
