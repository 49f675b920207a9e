"""The tables without a ledger's rules, as the models of an ORM."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self
from uuid import UUID

from sqlalchemy import BigInteger, Identity
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime


class Base(DeclarativeBase):
    """Where the models are known."""


class PlainVariant(Base):
    """A variant's level."""

    __tablename__ = "plain_variants"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int]
    sku: Mapped[str]
    stock_quantity: Mapped[int]
    movement_sequence: Mapped[int]


class PlainMovement(Base):
    """A row about a change of it."""

    __tablename__ = "plain_movements"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    variant_id: Mapped[UUID]
    sku: Mapped[str]
    movement_type: Mapped[str]
    reason: Mapped[str]
    quantity: Mapped[int]
    quantity_before: Mapped[int]
    quantity_after: Mapped[int]
    variant_sequence: Mapped[int]
    operation_id: Mapped[int]
    performed_by: Mapped[str]
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    chain_hash: Mapped[bytes]

    @classmethod
    def of(cls, variant: PlainVariant, *, quantity: int) -> Self:
        """Describe the change that has just been made to the variant."""
        return cls(
            variant_id=variant.id,
            sku=variant.sku,
            movement_type="adjustment",
            reason="stock_increase",
            quantity=quantity,
            quantity_before=variant.stock_quantity - quantity,
            quantity_after=variant.stock_quantity,
            variant_sequence=variant.movement_sequence,
            operation_id=1,
            performed_by="bench",
            occurred_at=datetime.now(UTC),
            chain_hash=b"\0",
        )
