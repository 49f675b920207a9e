"""All errors of Stockroom: one tree, one class and SQLSTATE a rule. The docstring is the default message.

The SQL functions raise SQLSTATEs of class `SK` with the facts as JSON in DETAIL. `core.database.engine.translate` turns
them into these classes.
"""

from __future__ import annotations

from typing import Any, ClassVar


class StockError(Exception):
    """Something went wrong in Stockroom."""

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.facts = facts

    @property
    def message(self) -> str:
        """The message as raised."""
        return str(self.args[0])


class Refused(StockError):
    """A rule refused this; nothing was changed."""

    sqlstate: ClassVar[str]


class UnknownVariant(Refused):
    """A variant is unknown."""

    sqlstate = "SK001"


class InsufficientStock(Refused):
    """Not enough stock."""

    sqlstate = "SK002"

    @property
    def short(self) -> list[dict[str, Any]]:
        """The short variants: sku, requested, on_hand, reserved, available."""
        return list(self.facts.get("short", []))


class KeyReused(Refused):
    """This idempotency key was already used for another operation."""

    sqlstate = "SK003"


class LevelChanged(Refused):
    """The level has changed in the meantime."""

    sqlstate = "SK004"

    @property
    def changed(self) -> list[dict[str, Any]]:
        """The variants that moved: sku, seen, on_hand, since (movements, newest first)."""
        return list(self.facts.get("changed", []))


class AlreadyReversed(Refused):
    """This movement was already undone."""

    sqlstate = "SK005"


class RestoresTooMuch(Refused):
    """More units would be restored than were sold."""

    sqlstate = "SK006"


class ReservationGone(Refused):
    """The reservation has expired or was released."""

    sqlstate = "SK007"


class InvalidInput(Refused):
    """A value is not valid."""

    sqlstate = "SK008"

    @property
    def field(self) -> str:
        """The name of the value."""
        return str(self.facts.get("field", "value"))

    @property
    def why(self) -> str:
        """What is wrong with it, to be read after its name."""
        return str(self.facts.get("why", self.message))


def invalid(field: str, why: str, **facts: Any) -> InvalidInput:
    """Return an `InvalidInput` that says `why` about `field`."""
    return InvalidInput(f"{field.capitalize()} {why}.", field=field, why=why, **facts)


def unstorable() -> InvalidInput:
    """Return an `InvalidInput` about a value that the database does not take: a NUL, a number beyond its type."""
    return InvalidInput("A value cannot be stored or searched for.", field="value", why="cannot be stored")


class Forbidden(StockError):
    """Your role does not allow this."""

    sqlstate: ClassVar[str] = "SK009"


class SignInRequired(StockError):
    """Your session has ended."""

    sqlstate: ClassVar[str] = "SK010"


class LedgerIsAppendOnly(StockError):
    """A movement cannot be changed or deleted; undo it instead."""

    sqlstate: ClassVar[str] = "SK011"


class DecidedMeanwhile(Refused):
    """Something was decided about these goods in the meantime."""

    sqlstate = "SK013"

    @property
    def since(self) -> list[dict[str, Any]]:
        """The decisions that the page did not show: who, at, disposition, quantity, code, taken_back."""
        return list(self.facts.get("since", []))


class EditedMeanwhile(Refused):
    """Somebody else has changed this in the meantime."""

    sqlstate = "SK014"

    @property
    def edited(self) -> list[dict[str, Any]]:
        """The values that differ: variant_id, sku, field, seen, now, wanted, by, at."""
        return list(self.facts.get("edited", []))


class AuditIsAppendOnly(StockError):
    """What was changed stays on record; it cannot be edited or deleted."""

    sqlstate: ClassVar[str] = "SK012"


class Unreadable(StockError):
    """A file or message cannot be read; nothing in it is guessed."""


class InvalidSignature(Unreadable):
    """This message has no valid Stripe signature."""


class StripeRefused(StockError):
    """Stripe refused the request."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The permissions that the key lacks, as Stripe names them: `rak_charge_read`."""
        return tuple(self.facts.get("missing", ()))


class UnknownPayment(StockError):
    """Stripe does not know this payment."""


class NotPaid(StockError):
    """This payment has not succeeded."""


class AlreadyPaid(StockError):
    """This payment is paid, or about to be; it cannot be changed."""


class EventsGone(StockError):
    """Stripe keeps events for thirty days and no longer has the last one that was read."""


class UnreadableCart(Unreadable):
    """A cart cannot be read completely, so none of it is used."""

    def __init__(self, why: str = "", raw: str = "") -> None:
        """Make the error: `why` is read after a colon, `raw` is the original text of the cart."""
        super().__init__(f"A cart cannot be read completely, so none of it is used: {why}." if why else None)
        self.why, self.raw = why, raw


class Unavailable(StockError):
    """The database did not answer in time; trying again is safe."""


class Busy(Unavailable):
    """Somebody else is changing the same stock. Nothing was changed. Try again in a moment."""


class DeliveryFailed(Unavailable):
    """A message could not be delivered."""

    @property
    def permanent(self) -> bool:
        """Whether trying again cannot help."""
        return bool(self.facts.get("permanent"))


class BackupFailed(StockError):
    """A backup could not be made, verified or restored; the message says why and what to do."""


class SetupError(StockError):
    """Stockroom cannot start; the message says what to do."""


class InvalidSetting(SetupError):
    """A setting is not valid."""


BY_SQLSTATE: dict[str, type[StockError]] = {
    kind.sqlstate: kind
    for kind in (
        UnknownVariant,
        InsufficientStock,
        KeyReused,
        LevelChanged,
        AlreadyReversed,
        RestoresTooMuch,
        ReservationGone,
        InvalidInput,
        Forbidden,
        SignInRequired,
        LedgerIsAppendOnly,
        AuditIsAppendOnly,
        DecidedMeanwhile,
        EditedMeanwhile,
    )
}
