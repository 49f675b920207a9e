"""The sample shop from now on: a new order every few minutes, some refunds, and a delivery when shelves get empty.

The job of the worker also plays the past to its end, and then asks for the first backup and the first proof.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import call, run
from core.foundation.model import Actor
from core.foundation.settings import load_settings
from core.foundation.text import many
from core.inbox.messages import WORKER
from core.sample import play, sales, shoppers
from core.sample.models import Variant, read_models, variants
from core.sample.play import Progress
from core.sample.story import WANDA
from core.sandbox import connection as sandbox
from core.sandbox import play as buyers
from core.sandbox.account import StripeAccount
from core.sandbox.books import Denied
from core.stripe.gateway import Gateway

LEAST_WAIT, LONGEST_WAIT = 2, 5
"""Minutes between two new orders."""
_REFUNDS, _CHECKOUTS = 0.12, 0.3
_LINKS = 12
"""About how many Payment Links the shop has."""
_EMPTY_PERCENT = 9
"""When so many variants are out or low, a delivery comes, at most one a day."""
_LEVELS = "select sku, available, on_hand, state from stockroom_api.levels where is_active"
_REFUNDABLE = """
    select payment_id from stockroom_api.order_rows
     where paid_at between now() - interval '14 days' and now() - interval '2 days' and refunds = 0 and cases = 0
       and amount > 0 and policy = 'normal' order by random() limit 1"""


def go_on(engine: Engine, _: Gateway | None, say: Callable[[str], None], stopping: threading.Event) -> bool:
    """Play the past on, or what happens now. In every other shop, and while a key of Stripe is set, do nothing."""
    found = run(engine, play.progress, WORKER)
    if found is None or not sandbox.is_sandbox(load_settings(), engine):
        return False
    if found.played_at is None:
        return _fill(engine, found, say, stopping)
    run(engine, _ask_first_jobs, WORKER)
    wait = timedelta(minutes=random.uniform(LEAST_WAIT, LONGEST_WAIT))  # noqa: S311 - chance, not a secret
    if run(engine, _is_order_time, WORKER, wait=wait):
        say(sell(engine))
        return True
    return False


def _fill(engine: Engine, found: Progress, say: Callable[[str], None], stopping: threading.Event) -> bool:
    played = play.play(engine, sandbox_gateway(engine), stopping)
    say(f"Played {many(played, 'step')} of the sample shop's past; {found.steps - found.played - played:,} are left.")
    if not stopping.is_set():
        run(engine, _ask_first_jobs, WORKER)
    return True


def sandbox_gateway(engine: Engine) -> Gateway | None:
    """Return the sandbox's gateway, whatever key is set."""
    return sandbox.find(replace(load_settings(), stripe_secret_key=None), engine)


def _ask_first_jobs(connection: Connection, _: Actor) -> None:
    call(connection, "select stockroom_api.ask_first_jobs()", {})


def _is_order_time(connection: Connection, _: Actor, *, wait: timedelta) -> bool:
    return call(connection, "select stockroom_api.is_order_time(%(wait)s)", {"wait": wait})[0][0] is True


# ---------------------------------------------------------------- what happens now


def sell(engine: Engine, chance: random.Random | None = None) -> str:
    """Let a customer pay now, sometimes another get money back, and deliver the webhooks. Returns what happened."""
    chance = chance or random.Random()  # noqa: S311 - chance, not a secret
    run(engine, _restock, WORKER)
    known = variants(read_models())
    there, number = run(engine, _shelves, WORKER)
    account = buyers.open_account(engine)
    _offer(account, known)
    said = []
    skus = [sku for sku in there if sku in known]
    if skus:
        cart = _cart(chance, known, there, skus)
        with account.store.change():
            _pay(chance, account, number, cart)
        said.append(f"Order {number} of {sum(each.units for each in cart)} units was paid.")
    if chance.random() < _REFUNDS and (refundable := run(engine, _refundable, WORKER)):
        try:
            account.refund(payment_intent=refundable, reason="requested_by_customer")
            said.append("A customer got money back.")
        except Denied:  # it was refunded meanwhile, or is not a payment of the sandbox
            pass
    buyers.deliver(engine)
    return " ".join(said) or "Nobody bought anything: every shelf is empty."


def _offer(account: StripeAccount, known: Mapping[str, Variant]) -> None:
    """Create the Payment Links of the shop at the sandbox, if it has none yet."""
    if next(account.store.each("payment_link"), None) is None:
        with account.store.change():
            for sku in list(known)[:: max(len(known) // _LINKS, 1)]:
                account.link([(sku, known[sku].cents, 1)], currency=sales.CURRENCY)


def _cart(
    chance: random.Random, known: Mapping[str, Variant], there: Mapping[str, int], skus: list[str]
) -> list[shoppers.Bought]:
    count = chance.choices((1, 2), (85, 15))[0]
    wanted = dict.fromkeys(chance.choices(skus, [known[sku].model.appeal for sku in skus], k=count), 1)
    return [
        shoppers.Bought(sku=sku, product=known[sku].model.product, size=known[sku].size, barcode=known[sku].barcode,
                        units=units, price=known[sku].cents)
        for sku, units in wanted.items()
    ]  # fmt: skip


def _pay(chance: random.Random, account: Any, number: str, cart: list[shoppers.Bought]) -> None:
    buyer = shoppers.buyer(chance)
    if chance.random() < _CHECKOUTS:
        lines = [(each.sku, each.price, each.units) for each in cart]
        made = account.checkout(lines, currency=sales.CURRENCY, shipping=shoppers.shipping(cart), reference=number,
                                buyer=buyer)  # fmt: skip
        account.complete(made["id"], buyer=buyer)
        return
    metadata = shoppers.metadata(chance.choice(sorted(shoppers.SHAPES)), number, cart)
    account.pay(sales.total(cart), sales.CURRENCY, metadata, buyer)


def _shelves(connection: Connection, _: Actor) -> tuple[dict[str, int], str]:
    """Return what is available, by SKU, and the number of the next order."""
    there = {sku: available for sku, available, _, _ in call(connection, _LEVELS, {}) if available > 0}
    count = call(connection, "select count(*) from stockroom_api.order_keys", {})[0][0]
    return there, f"SO-{20_000 + count}"


def _refundable(connection: Connection, _: Actor) -> str | None:
    found = call(connection, _REFUNDABLE, {})
    return str(found[0][0]) if found else None


def _is_delivery_day(connection: Connection) -> bool:
    statement = "select stockroom_api.is_time('sample_delivery', interval '1 day')"
    return call(connection, statement, {})[0][0] is True


def _restock(connection: Connection, _: Actor) -> None:
    """Let a delivery come for what is out or low, if that is too much."""
    levels = call(connection, _LEVELS, {})
    short = {sku: on_hand for sku, _, on_hand, state in levels if state != "healthy"}
    if len(short) * 100 < len(levels) * _EMPTY_PERCENT or not _is_delivery_day(connection):
        return
    at = datetime.now(UTC)
    operation = {
        "key": f"sample:delivery:{at:%Y-%m-%dT%H:%M}", "kind": "receive", "performed_by": WANDA, "at": at.isoformat(),
        "movement_type": "purchase", "reason": "delivery", "skus": list(short), "quantities": [6] * len(short),
        "reference_type": "receipt", "reference": f"LS-{at:%y%m%d}", "note": None, "undoes": None,
    }  # fmt: skip
    call(connection, "select stockroom_api.post_sample(%(operations)s::jsonb)", {"operations": json.dumps([operation])})
