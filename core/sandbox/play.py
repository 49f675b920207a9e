"""Playing buyers and banks in the sandbox: open the sample's account, let things happen, deliver the webhooks.

account = open_account(engine)
account.pay(5000, "eur", {"cart": '[{"sku": "TEE-M", "quantity": 2}]'})
deliver(engine)    # or not: then the poll finds them
"""

from __future__ import annotations

import logging
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sqlalchemy import Engine

from core.sandbox import connection
from core.sandbox.account import StripeAccount
from core.sandbox.stored import Stored

log = logging.getLogger("stockroom")

PATH = "/webhook/stripe"
WAIT_SECONDS = 10


def open_account(engine: Engine, *, now: int | None = None, lose_events: bool = False) -> StripeAccount:
    """Return the sample's account with its clock at `now`, a moment in seconds; without it, the present.

    Use one account in one thread. Each of its methods is a transaction; `with account.store.change():` makes many of
    them one. With `lose_events` the webhook never receives the events, so only the poll finds them.
    """
    return StripeAccount(store=Stored(engine, lose_events=lose_events), now=now)


def deliver(engine: Engine) -> int:
    """Send the events that wait to the dashboard's webhook, and return how many it accepted.

    An event is sent once. What a dashboard that does not run or does not accept it misses, the poll finds.
    """
    secret, url = connection.webhook(engine)
    if secret is None:
        return 0
    account = StripeAccount(store=Stored(engine), webhook_secret=secret)
    sent = list(account.deliveries())
    return sum(_is_accepted(url + PATH, body, signature) for body, signature in sent) if url else 0


def _is_accepted(url: str, body: bytes, signature: str) -> bool:
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - the dashboard's own address
    try:
        with urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except HTTPError as error:
        log.warning("The webhook refused an event of the sandbox: %s", error.code)
    except (URLError, OSError) as error:
        log.info("An event of the sandbox could not be delivered: %s", type(error).__name__)
    return False
