"""Which gateway to use: that of the settings' key; without a key the sandbox's, while the shop is the sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection, Engine

from core.database.engine import call, run
from core.foundation.model import COMMAND_LINE, Actor
from core.foundation.settings import Settings
from core.sandbox.account import StripeAccount
from core.sandbox.answers import Desk
from core.sandbox.requests import Asked
from core.sandbox.stored import Stored
from core.stripe import gateway as stripe_gateway
from core.stripe.gateway import Found, Gateway, InProcess
from core.stripe.trouble import Patience

KEY = "sk_test_sandbox_of_the_sample_shop"
"""The key of the sandbox's gateway. It opens nothing outside this process."""
GUARD_KEY = "rk_test_sandbox_of_the_guard"
"""The key of the Stripe guard at the sandbox. The other key may not write Payment Links and Checkout Sessions."""
READ_ONLY = frozenset({"rak_payment_link_write", "rak_checkout_session_write"})


def finder(settings: Settings, engine: Callable[[], Engine], patience: Patience | None = None) -> Found:
    """Return a function that returns the gateway to use now.

    A key in the settings always wins. Without one it looks into the database each time, because a shop may become the
    sample, or stop being it, while this process runs.
    """
    of_the_key = stripe_gateway.from_settings(settings, patience)
    if of_the_key is not None:
        return lambda: of_the_key
    return lambda: _sandbox(engine(), patience)


def find(settings: Settings, engine: Engine, patience: Patience | None = None) -> Gateway | None:
    """Return the gateway to use now, or None without one."""
    return finder(settings, lambda: engine, patience)()


def guard(settings: Settings, engine: Engine) -> Gateway | None:
    """Return the gateway of the Stripe guard's own key; without any key of Stripe, the sandbox's in the sample shop."""
    if settings.stripe_guard_key or settings.stripe_secret_key or not is_sample(engine):
        return stripe_gateway.of_guard(settings)
    return Gateway(GUARD_KEY, http_client=InProcess(partial(_answer, engine, GUARD_KEY)))


def webhook_secrets(settings: Settings, engine: Engine) -> Sequence[str]:
    """Return the secrets with which webhooks may be signed now."""
    if settings.stripe_webhook_secrets or settings.stripe_secret_key or not is_sample(engine):
        return settings.stripe_webhook_secrets
    secret, _ = webhook(engine)
    return (secret,) if secret else ()


def is_sandbox(settings: Settings, engine: Engine) -> bool:
    """Return whether the sandbox stands in for Stripe now."""
    return settings.stripe_secret_key is None and is_sample(engine)


def is_sample(engine: Engine) -> bool:
    """Return whether this is the sample shop."""
    return run(engine, _is_sample, COMMAND_LINE)


def webhook(engine: Engine) -> tuple[str | None, str | None]:
    """Return the account's secret for webhooks, and the address of the dashboard that receives them."""
    return run(engine, _webhook, COMMAND_LINE)


def open_webhook(settings: Settings, engine: Engine, url: str) -> None:
    """Note the address of the dashboard that receives the sandbox's webhooks from now on; only in the sample shop.

    One with secrets of Stripe's would not accept them, so the events are left to the poll.
    """
    if is_sample(engine):
        run(engine, _open_webhook, COMMAND_LINE, url=None if settings.stripe_webhook_secrets else url)


def _sandbox(engine: Engine, patience: Patience | None) -> Gateway | None:
    if not is_sample(engine):
        return None
    return Gateway(KEY, http_client=InProcess(partial(_answer, engine, KEY)), patience=patience or Patience())


def _answer(
    engine: Engine, key: str, method: str, url: str, headers: Mapping[str, str] | None, body: str | None
) -> tuple[str, int, Mapping[str, str]]:
    account = StripeAccount(store=Stored(engine))
    account.id, account.name = "acct_sandbox", "The sandbox"
    denied = READ_ONLY if key == KEY else frozenset[str]()
    return Desk(account, key, denied).answer(Asked.read(method, url, headers, body))


def _is_sample(connection: Connection, _: Actor) -> bool:
    return call(connection, "select is_sample from stockroom_api.shop", {})[0][0] is True


def _webhook(connection: Connection, _: Actor) -> tuple[str | None, str | None]:
    secret, url = call(connection, "select secret, url from stockroom_api.sandbox_webhook()", {})[0]
    return secret, url


def _open_webhook(connection: Connection, _: Actor, *, url: str | None) -> None:
    call(connection, "select stockroom_api.open_sandbox_webhook(%(url)s)", {"url": url})
