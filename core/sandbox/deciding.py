"""What a person would do at Stripe, done in the sandbox: refund a payment, and let the bank decide a dispute."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from core.database.engine import run
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import require
from core.sandbox import play
from core.sandbox.account import StripeAccount
from core.sandbox.books import Denied


def refund(engine: Engine, actor: Actor, *, payment_id: str) -> None:
    """Refund a payment in full. Raises InvalidInput in a real shop and where the sandbox refuses it, Forbidden."""
    _act(engine, actor, lambda account: account.refund(payment_intent=payment_id, reason="duplicate"))


def close_dispute(engine: Engine, actor: Actor, *, payment_id: str, won: bool) -> None:
    """Let the bank decide the open dispute of a payment. Raises InvalidInput, Forbidden."""

    def close(account: StripeAccount) -> None:
        dispute = next(account.store.each("dispute", payment_intent=payment_id), None)
        if dispute is None or dispute["status"] in ("won", "lost"):
            raise Denied(400, "its dispute is closed already")
        account.close_dispute(dispute["id"], won=won)

    _act(engine, actor, close)


def _act(engine: Engine, actor: Actor, change: Callable[[StripeAccount], object]) -> None:
    run(engine, require, actor, Permission.RESOLVE_ALERT)
    account = play.open_account(engine)
    try:
        with account.store.change():
            change(account)
    except Denied as denied:
        raise invalid("payment", f"was not changed in the sandbox: {denied}".rstrip(".")) from None
    play.deliver(engine)
