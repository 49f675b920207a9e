"""The things to try in the sample shop: each makes something real go wrong, and says what has come of it.

What is made is at the sandbox's account. What follows is the work of the poll, the webhook, the inbox and the worker,
as in a real shop. Rules: core/sql/95_trying.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import call, rows_of, run
from core.foundation.errors import InsufficientStock, StockError, invalid
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import Settings
from core.ledger.holds import Wanted
from core.people.access import Permission
from core.people.guard import ASKER, asker, require
from core.sandbox import connection as sandbox
from core.sandbox import play
from core.sandbox.objects import Json
from core.storefront import checkout
from core.storefront.purchases import Purchase
from core.stripe.gateway import Gateway

CURRENCY = "eur"
BUYERS = ("Anna", "Ben")
_OTHERS = ("Clara Nunes", "Dario Conti", "Emma Vogel", "Hanna Berg", "Karim Aziz", "Lotte Jansen", "Milan Novak")
UNREAD = {"wares": "two of the blue ones, and the laces from last week"}
"""The metadata of a cart that nobody can read."""


class Trial(StrEnum):
    """Something to try."""

    LOST_WEBHOOK = "lost_webhook"
    OVERSELL = "oversell"
    LAST_ONE = "last_one"
    UNREAD_CART = "unread_cart"
    KILLED_WORKER = "killed_worker"


PERMISSIONS = {
    Trial.LOST_WEBHOOK: Permission.RESOLVE_ALERT,
    Trial.OVERSELL: Permission.RESOLVE_ALERT,
    Trial.LAST_ONE: Permission.RESOLVE_ALERT,
    Trial.UNREAD_CART: Permission.SET_LINES,
    Trial.KILLED_WORKER: Permission.MANAGE_JOBS,
}
"""Who may try it: who may do the work that follows. Everybody may look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A try, and what has come of it so far. `again_at`: when the job of a killed worker was started again."""

    id: int
    what: Trial
    who: str
    begun_at: datetime
    facts: Mapping[str, Any]
    received_at: datetime | None
    source: str | None
    order_id: int | None
    ordered_at: datetime | None
    alert_id: int | None
    alerted_at: datetime | None
    again_at: datetime | None
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """A variant to try with."""

    sku: str
    product: str
    size: str | None
    price: Decimal
    available: int

    @property
    def cents(self) -> int:
        """The price of a unit in cents."""
        return int(self.price * 100)


def last(connection: Connection, actor: Actor) -> dict[Trial, Tried]:
    """Return the last try of each kind. Raises SignInRequired."""
    require(connection, actor, Permission.VIEW)
    found = rows_of(Tried, call(connection, "select * from stockroom_api.last_tries", {}), what=Trial)
    return {each.what: each for each in found}


def begin(connection: Connection, actor: Actor, *, what: Trial, key: str) -> int | None:
    """Begin a try and return its id; None if this key has begun it before. Raises InvalidInput, Forbidden."""
    values = asker(actor, PERMISSIONS[what]) | {"what": what.value, "key": key}
    try_id: int | None = call(connection, f"select stockroom_api.begin_try({ASKER}, %(what)s, %(key)s)", values)[0][0]
    return try_id


def note(connection: Connection, _: Actor, *, try_id: int, facts: Mapping[str, Any]) -> None:
    """Add facts to a try."""
    statement = "select stockroom_api.note_try(%(id)s, %(facts)s::jsonb)"
    call(connection, statement, {"id": try_id, "facts": json.dumps(facts)})


def start(engine: Engine, actor: Actor, settings: Settings, *, what: Trial, key: str) -> int | None:
    """Begin a try and make what it needs. Returns its id; None if this key has begun it before.

    A killed worker is only begun here: `core.jobs.killed` does the rest. Raises InvalidInput in a real shop, and where
    a key is set; Forbidden, SignInRequired, Unavailable.
    """
    gateway = sandbox.find(settings, engine)
    if settings.stripe_secret_key is not None:
        raise invalid("sandbox", "is closed while a key of Stripe is set")
    try_id = run(engine, begin, actor, what=what, key=key)
    if try_id is None or gateway is None or what is Trial.KILLED_WORKER:
        return try_id
    try:
        facts = _made(engine, gateway, what, key)
    except StockError as error:
        facts = {"problem": error.message}
    run(engine, note, COMMAND_LINE, try_id=try_id, facts=facts)
    play.deliver(engine)
    return try_id


def _made(engine: Engine, gateway: Gateway, what: Trial, key: str) -> dict[str, Any]:
    """Let what happens at Stripe happen, and return the facts."""
    goods = run(engine, _goods, COMMAND_LINE, fewest=what in (Trial.OVERSELL, Trial.LAST_ONE))
    if what is Trial.UNREAD_CART:
        return pay(engine, goods, 2, metadata=UNREAD)
    if what is Trial.LAST_ONE:
        return _two_buyers(engine, gateway, goods, key)
    units = goods.available + 1 if what is Trial.OVERSELL else 1
    return pay(engine, goods, units, lose_events=what is Trial.LOST_WEBHOOK)


def pay(
    engine: Engine,
    goods: Goods,
    units: int,
    *,
    metadata: Mapping[str, str] | None = None,
    lose_events: bool = False,
) -> dict[str, Any]:
    """Let a buyer pay for units, and return the facts."""
    cart = {"cart": json.dumps([{"sku": goods.sku, "quantity": units}])} if metadata is None else dict(metadata)
    account = play.open_account(engine, lose_events=lose_events)
    paid = account.pay(goods.cents * units, CURRENCY, cart, _buyer(random.choice(_OTHERS)))  # noqa: S311 - no secret
    return _facts(goods, units) | {"payment_id": paid["id"]}


def one(engine: Engine) -> Goods:
    """Return a variant of which one unit can be sold."""
    return run(engine, _goods, COMMAND_LINE, fewest=False)


def _facts(goods: Goods, units: int) -> dict[str, Any]:
    return {"sku": goods.sku, "product": goods.product, "size": goods.size, "units": units,
            "available": goods.available, "amount": goods.cents * units}  # fmt: skip


def _goods(connection: Connection, _: Actor, *, fewest: bool) -> Goods:
    statement = "select sku, product, size, price, available from stockroom_api.variant_to_try(%(fewest)s)"
    found = rows_of(Goods, call(connection, statement, {"fewest": fewest}))
    if not found:
        raise invalid("stock", "is empty: no variant has units to try this with. Receive a delivery first")
    return found[0]


def _two_buyers(engine: Engine, gateway: Gateway, goods: Goods, key: str) -> dict[str, Any]:
    """Let two buyers check out all that is left at the same moment; the one who gets it pays."""

    def check_out(buyer: str) -> tuple[str, str | None, str]:
        purchase = Purchase(items=[Wanted(quantity=goods.available, sku=goods.sku)])
        person = Actor(name=f"Storefront, {buyer}")
        try:
            begun = checkout.begin_payment(engine, gateway, person, purchase=purchase, key=f"{key}:{buyer}")
        except InsufficientStock as refused:
            return buyer, None, refused.message
        return buyer, begun.payment_id, ""

    with ThreadPoolExecutor(len(BUYERS)) as threads:
        results = list(threads.map(check_out, BUYERS))
    facts = _facts(goods, goods.available)
    for buyer, payment_id, said in results:
        if payment_id is None:
            facts |= {"loser": buyer, "said": said}
        else:
            facts |= {"winner": buyer, "payment_id": payment_id}
            play.open_account(engine).succeed(payment_id, _buyer(buyer))
    return facts


def _buyer(name: str) -> Json:
    return {"email": f"{name.lower().replace(' ', '.')}@buyer.example", "name": name, "shipping": None}
