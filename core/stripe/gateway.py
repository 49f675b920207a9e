"""The only module that imports `stripe`: it verifies webhooks, reads from Stripe's API, and writes the little we write.

It returns plain dicts, parsed from the exact text that Stripe sent, so that `payloads` reads old and new shapes in the
same way. It raises our own errors: `Unavailable` where a retry is safe, `StripeRefused` where a person must act. No
error contains a key.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import stripe
import urllib3

from core.foundation.errors import InvalidSignature, StockError, Unavailable, Unreadable
from core.foundation.settings import EVERYDAY_KEY, GUARD_KEY, Settings
from core.stripe.reader import Json, StripeReader, checked
from core.stripe.trouble import Patience, Trouble, explain, silence

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's API that requests ask for. The tests know its shapes."""

TOLERANCE = 300  # the greatest age of a signed message, in seconds
CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
MOST_CONNECTIONS = 40

stripe.enable_telemetry = False  # it would send Stripe an id of this machine and its response times
# The library logs whole answers, with buyers' names and addresses and the last characters of keys.
logging.getLogger("stripe").setLevel(logging.WARNING)


def verify(body: bytes, header: str | None, secrets: Sequence[str], tolerance: int = TOLERANCE) -> Json:
    """Return the event in a message that is signed with one of `secrets`; it may be a thin event.

    Raises InvalidSignature, and Unreadable where the signature is valid but the body is not a JSON object. `tolerance`
    is the greatest age in seconds; without it, an intercepted message could be replayed forever.
    """
    if tolerance <= 0:
        raise ValueError("without a tolerance, the age of a message would not be checked")
    if not any(_is_signed(body, header, secret, tolerance) for secret in secrets):
        raise InvalidSignature
    return _parsed(body.decode("utf-8"))


def _is_signed(body: bytes, header: str | None, secret: str, tolerance: int) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(body, header, secret, tolerance) is True
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # neither UTF-8 nor a signature
        return False


def sign(body: bytes | str, secret: str, at: float | None = None) -> str:
    """Return the signature header that Stripe would send with this body. The sandbox signs with it."""
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    moment = int(time.time() if at is None else at)
    return str(stripe.WebhookSignature.generate_signature_header(text, secret, moment))


def _parsed(body: str) -> Json:
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("Stripe's message is not JSON.", field="body") from None
    if not isinstance(found, dict):
        raise Unreadable("Stripe's message is not a JSON object.", field="body")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


Found = Callable[[], "Gateway | None"]
"""Returns the gateway to use now, or None without one. Only the sample shop's may come and go (core/sandbox)."""


def current(gateway: Gateway | Found | None) -> Gateway | None:
    """Return a gateway, or the one to use now."""
    return gateway() if callable(gateway) else gateway


def from_settings(settings: Settings, patience: Patience | None = None) -> Gateway | None:
    """Return the gateway for these settings, or None without a key. A page that waits for it uses less `patience`."""
    if settings.stripe_secret_key is None:
        return None
    patience = patience or Patience()
    return Gateway(settings.stripe_secret_key, api_base=settings.stripe_api_base, patience=patience)


def of_guard(settings: Settings) -> Gateway | None:
    """Return the gateway of the Stripe guard's own key, or None without one."""
    if settings.stripe_guard_key is None:
        return None
    return Gateway(settings.stripe_guard_key, api_base=settings.stripe_api_base, setting=GUARD_KEY)


Answer = Callable[[str, str, Mapping[str, str] | None, str | None], tuple[str, int, Mapping[str, str]]]
"""Answers a request (method, URL, headers, body) with a text, a status and headers. `Unavailable` is no answer."""


class InProcess(stripe.HTTPClient):
    """Hands requests to a function of this process instead of the network: the sandbox."""

    name = "in process"

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request."""
        try:
            return self._answer(method, url, headers, post_data)
        except StockError as error:
            silence: Any = stripe.APIConnectionError  # the library gives it no types
            raise silence(error.message, should_retry=isinstance(error, Unavailable)) from error

    def close(self) -> None:
        """Do nothing: there is no connection to close."""


class _Wire(stripe.RequestsClient):
    """The library's own client, with `urllib3` alone for plain requests, which takes less than half of the time.

    `requests` looks for proxies and passwords in the environment each time. Behind a proxy it sends all requests.
    """

    def __init__(self, address: str, *, connect_seconds: float, read_seconds: float) -> None:
        super().__init__(timeout=(connect_seconds, read_seconds))
        self._has_proxy = bool(self.requests.utils.get_environ_proxies(address))
        self._pool = urllib3.PoolManager(
            maxsize=MOST_CONNECTIONS,
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            retries=False,
            ca_certs=stripe.ca_bundle_path,
            cert_reqs="CERT_REQUIRED",
        )

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Send a request and return the body, the status and the headers. Raises stripe.APIConnectionError."""
        if self._has_proxy:
            return super().request(method, url, headers, post_data)
        try:
            answer = self._pool.request(method.upper(), url, body=post_data, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            may_pass = not isinstance(error, urllib3.exceptions.SSLError)
            lost: Any = stripe.APIConnectionError
            raise lost(type(error).__name__, should_retry=may_pass) from error
        return answer.data, answer.status, answer.headers


class Gateway(StripeReader):
    """A Stripe account as one key sees it."""

    verify = staticmethod(verify)

    def __init__(
        self,
        key: str,
        *,
        api_base: str | None = None,
        http_client: stripe.HTTPClient | None = None,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        sleep: Callable[[float], None] = time.sleep,
        setting: str = EVERYDAY_KEY,
    ) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("the key has characters that a key cannot have")
        self.livemode = "_live_" in key
        self._patience = patience
        self._sleep = sleep
        self._setting = setting
        self._client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            max_network_retries=0,  # the library does not retry after a 429; `_patiently` does
            http_client=http_client
            or _Wire(api_base or stripe.DEFAULT_API_BASE, connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS),
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
        )

    def __repr__(self) -> str:
        return f"Gateway(livemode={self.livemode})"

    def get(self, path: str, **params: Any) -> Json:
        """Send one GET request, with retries where they may help. Raises Unavailable, StripeRefused."""
        return self._patiently("get", path, params)

    def begin_payment(
        self,
        *,
        key: str,
        amount: int,
        currency: str,
        metadata: Mapping[str, str],
        more: Mapping[str, Any] | None = None,
    ) -> Json:
        """Create a PaymentIntent, once for each idempotency key: Stripe answers a repeated request with the same one.

        So a retry is safe even after no answer. `more` has further fields, as Stripe names them. Raises Unavailable,
        StripeRefused.
        """
        params = {"amount": amount, "currency": currency, "metadata": dict(metadata), "idempotency_key": key}
        return self._patiently("post", "/v1/payment_intents", params | dict(more or {}))

    def change_payment(
        self,
        payment_id: str,
        *,
        key: str,
        amount: int,
        metadata: Mapping[str, str],
        more: Mapping[str, Any] | None = None,
    ) -> Json:
        """Change amount and metadata of an unfinished PaymentIntent. An empty value removes an entry of the metadata.

        Raises Unavailable, StripeRefused.
        """
        params = {"amount": amount, "metadata": dict(metadata), "idempotency_key": key}
        return self._patiently("post", f"/v1/payment_intents/{checked(payment_id)}", params | dict(more or {}))

    def switch_link(self, link_id: str, *, key: str, active: bool, metadata: Mapping[str, str]) -> Json:
        """Activate or deactivate a Payment Link, once for each idempotency key. Raises Unavailable, StripeRefused."""
        params = {"active": "true" if active else "false", "metadata": dict(metadata), "idempotency_key": key}
        return self._patiently("post", f"/v1/payment_links/{checked(link_id)}", params)

    def expire_session(self, session_id: str, *, key: str) -> Json:
        """Expire an open Checkout Session, once for each idempotency key. Raises Unavailable, StripeRefused."""
        return self._patiently("post", f"/v1/checkout/sessions/{checked(session_id)}/expire", {"idempotency_key": key})

    def compute_tax(
        self, *, currency: str, lines: Mapping[str, int], shipping: int, address: Mapping[str, str]
    ) -> Json:
        """Return Stripe's tax on amounts by reference, and on shipping. Raises Unavailable, StripeRefused."""
        items = [{"amount": amount, "reference": name, "tax_behavior": "exclusive"} for name, amount in lines.items()]
        params: Json = {
            "currency": currency,
            "line_items": items,
            "customer_details": {"address": dict(address), "address_source": "shipping"},
        }
        if shipping:
            params["shipping_cost"] = {"amount": shipping, "tax_behavior": "exclusive"}
        return self._patiently("post", "/v1/tax/calculations", params)

    def _patiently(self, method: str, path: str, params: Json) -> Json:
        attempt = 1
        while True:
            answer = self._ask(method, path, params)
            if isinstance(answer, dict):
                return answer
            if not answer.again or attempt >= self._patience.attempts:
                raise answer.error
            self._sleep(self._patience.delay(attempt, answer.wait))
            attempt += 1

    def _ask(self, method: str, path: str, params: Json) -> Json | Trouble:
        """Send a request once. An error is returned, not raised, so that ours does not chain to Stripe's own."""
        try:
            return _parsed(self._client.raw_request(method, path, **params).body)
        except stripe.APIConnectionError as error:
            return silence(may_pass=error.should_retry)
        except stripe.StripeError as error:
            return explain(
                error.http_status or 500, error.code, error.user_message or "", error.headers or {}, self._setting
            )
        except (Unreadable, AttributeError, TypeError):  # JSON of a shape that the library does not expect
            return explain(200, None, "", {})
