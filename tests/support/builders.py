"""Build small shops for tests: a real database, people with roles, variants with stock. Tests need no cleanup."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import Engine, text

from core.database import engine as database
from core.foundation.barcodes import check_digit
from core.foundation.model import COMMAND_LINE, Actor, Line, Posting, Role
from core.ledger import changes as ledger

PEOPLE = {
    "Wanda": Role.WAREHOUSE,
    "Sam": Role.SUPPORT,
    "Mia": Role.MANAGER,
    "Ada": Role.ADMIN,
    "Carl": Role.WAREHOUSE,  # deactivated: has no rights
}
ZONE = "Pacific/Auckland"  # far from UTC and with a clock change, so that a wrong day shows


def key() -> str:
    """Return a new idempotency key."""
    return uuid.uuid4().hex


def new_ean() -> str:
    """Return an EAN that no other variant of a shared shop has, with its check digit."""
    body = f"40{uuid.uuid4().int % 10**10:010d}"
    return body + check_digit(f"{body}0")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLine:
    """A movement in the past; `occurred_at` None is now."""

    variant_id: UUID
    quantity: int
    occurred_at: datetime | None = None
    movement_type: str = "count"
    reason: str = "cycle_count"


_POST_PAST = """
    select count(*) from stockroom_api.post_lines(
        stockroom_api.claim_operation(:key, 'test', :key, null, 'The past'), 'The past', array(
            select row (v, t, r, q, at, null, null, null, null)::stockroom.line
              from unnest(cast(:variants as uuid[]), cast(:types as text[]), cast(:reasons as text[]),
                          cast(:quantities as int[]), cast(:moments as timestamptz[]))
                   with ordinality u (v, t, r, q, at, n) order by n))"""


@dataclass
class Shop:
    """A migrated database, with connections as the dashboard's role (`engine`) and as the superuser (`owner`)."""

    app_url: str
    owner_url: str
    engine: Engine
    owner: Engine
    people: dict[str, Actor] = field(default_factory=dict)

    @classmethod
    def open(cls, app_url: str, owner_url: str) -> Shop:
        """Open the shop at these URLs. Call `close` at the end."""
        owner = sqlalchemy.create_engine(database.normalise(owner_url), pool_size=4, max_overflow=40)
        return cls(app_url=app_url, owner_url=owner_url, engine=database.create_engine(app_url), owner=owner)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self.owner.dispose()

    def person(self, name: str) -> Actor:
        """Return one of `PEOPLE`, signed in. Carl's account is deactivated."""
        if name not in self.people:
            self.people[name] = self._sign_in(name)
        return self.people[name]

    def _sign_in(self, name: str) -> Actor:
        role, email = PEOPLE[name], f"{name.lower()}@shop.example"
        user_id = self.sql(
            """insert into stockroom.users (email, name, role, is_active) values (:email, :name, :role, :active)
               on conflict (email) do update set role = excluded.role, is_active = excluded.is_active returning id""",
            email=email, name=name, role=role.value, active=name != "Carl",
        )  # fmt: skip
        session_id = self.sql(
            """insert into stockroom.sessions (user_id, token_hash, expires_at)
               values (:user_id, :token_hash, now() + interval '1 hour') returning id""",
            user_id=user_id, token_hash=uuid.uuid4().bytes,
        )  # fmt: skip
        return Actor(name=name, role=role, user_id=user_id, session_id=session_id, email=email)

    def sql(self, statement: str, **values: Any) -> Any:
        """Run a statement as the superuser and return its first value."""
        with self.owner.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar() if result.returns_rows else None

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Run a query as the superuser and return its rows."""
        with self.owner.begin() as connection:
            return list(connection.execute(text(statement), values).all())

    def variant(
        self, on_hand: int = 0, *, sku: str | None = None, product: str = "Canvas shoe", **columns: Any
    ) -> UUID:
        """Add a variant with `on_hand` units, from a receipt, and return its id."""
        values = {"sku": sku or f"T-{uuid.uuid4().hex[:12].upper()}", **columns}
        product_id = self.sql("insert into public.products (name) values (:name) returning id", name=product)
        names = ", ".join(values)
        variant_id: UUID = self.sql(
            f"insert into public.product_variants (product_id, {names}) "
            f"values (:product_id, {', '.join(':' + name for name in values)}) returning id",
            product_id=product_id,
            **values,
        )
        if on_hand:
            self.run(ledger.receive, lines=[Line(variant_id=variant_id, quantity=on_hand)], key=key())
        return variant_id

    def run(self, operation: Any, actor: Actor | str = COMMAND_LINE, **values: Any) -> Any:
        """Run an operation of core as an actor in its own transaction, as a page does."""
        person = self.person(actor) if isinstance(actor, str) else actor
        return database.run(self.engine, operation, person, **values)

    def adjust(self, variant_id: UUID, quantity: int, actor: Actor | str = "Wanda", **values: Any) -> Posting:
        """Adjust one variant, by default as Wanda and with a reason that fits the sign."""
        values = {"reason": "stock_increase" if quantity > 0 else "stock_decrease", "key": key()} | values
        posting: Posting = self.run(
            ledger.adjust, actor, lines=[Line(variant_id=variant_id, quantity=quantity)], **values
        )
        return posting

    def post_past(self, *lines: PastLine) -> None:
        """Post lines with their own moments through the ledger's SQL functions, as an import of history does."""
        values = {
            "key": key(),
            "variants": [line.variant_id for line in lines],
            "types": [line.movement_type for line in lines],
            "reasons": [line.reason for line in lines],
            "quantities": [line.quantity for line in lines],
            "moments": [line.occurred_at for line in lines],
        }
        with self.owner.begin() as connection:
            connection.execute(text("select stockroom_api.lock_variants(cast(:variants as uuid[]))"), values)
            connection.execute(text(_POST_PAST), values)

    def on_hand(self, variant_id: UUID) -> int:
        """Return the level of a variant, from its row."""
        return int(self.sql("select stock_quantity from public.product_variants where id = :id", id=variant_id))

    def history(self, variant_id: UUID) -> list[Any]:
        """Return the movements of a variant, oldest first."""
        return self.rows(
            "select * from public.stock_movements where variant_id = :id order by variant_sequence", id=variant_id
        )
