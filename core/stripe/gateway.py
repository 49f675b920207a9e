"""The one door to Stripe: it verifies what Stripe sends, reads what it keeps, and begins payments.

Everything that leaves this module is a plain dict, parsed from the very text that Stripe sent, so that old and new
shapes go the same way through `payloads`. Errors are the house's own: `Unavailable` where asking again is safe,
`StripeRefused` where a person must act. No key is in any of them.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import stripe

from core.foundation.errors import InvalidSignature, Unreadable
from core.foundation.settings import Settings
from core.stripe.reader import Json, StripeReader
from core.stripe.trouble import Patience, Trouble, explain, silence

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's API that answers are asked in; the tests know its shapes."""

TOLERANCE = 300  # seconds that a signed message may be old
CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0

stripe.enable_telemetry = False  # it would keep a number for this machine and tell Stripe how fast it is
# The library's log repeats whole answers: buyers' names and addresses, and the ends of keys.
logging.getLogger("stripe").setLevel(logging.WARNING)


def verify(body: bytes, header: str | None, secrets: Sequence[str], tolerance: int = TOLERANCE) -> Json:
    """Return the event in a message that carries Stripe's signature by one of `secrets`, thin or not.

    Raises InvalidSignature; Unreadable where the signature is good but what it signs is no JSON object. `tolerance` is
    how many seconds old a message may be; without one a caught message could be sent again for ever.
    """
    if tolerance <= 0:
        raise ValueError("without a tolerance the age of a message would not be checked")
    if not any(_is_signed(body, header, secret, tolerance) for secret in secrets):
        raise InvalidSignature
    return _parsed(body.decode("utf-8"))


def _is_signed(body: bytes, header: str | None, secret: str, tolerance: int) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(body, header, secret, tolerance) is True
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # neither UTF-8 nor a signature
        return False


def _parsed(body: str) -> Json:
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unreadable("Stripe's message is not JSON.", field="body") from None
    if not isinstance(found, dict):
        raise Unreadable("Stripe's message is not a JSON object.", field="body")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def from_settings(settings: Settings, patience: Patience | None = None) -> Gateway | None:
    """The gateway that the settings describe; none without a key. Somebody who looks on wants less `patience`."""
    if settings.stripe_secret_key is None:
        return None
    patience = patience or Patience()
    return Gateway(settings.stripe_secret_key, api_base=settings.stripe_api_base, patience=patience)


class Gateway(StripeReader):
    """Stripe's account as one key sees it, over the network."""

    verify = staticmethod(verify)

    def __init__(
        self,
        key: str,
        *,
        api_base: str | None = None,
        http_client: stripe.HTTPClient | None = None,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("the key has characters that no key has")
        self.livemode = "_live_" in key
        self._patience = patience
        self._sleep = sleep
        self._client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            max_network_retries=0,  # the library's own would not ask again after a 429; ours does
            http_client=http_client or stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
        )

    def __repr__(self) -> str:
        return f"Gateway(livemode={self.livemode})"

    def get(self, path: str, **params: Any) -> Json:
        """Ask one question, again and again while that may help. Raises Unavailable, StripeRefused."""
        return self._patiently("get", path, params)

    def begin_payment(self, *, key: str, amount: int, currency: str, metadata: Mapping[str, str]) -> Json:
        """Create a PaymentIntent, once for each `key`: asked again with the same, Stripe tells the same one.

        That makes it safe to ask again after silence, too. Raises Unavailable, StripeRefused.
        """
        params = {"amount": amount, "currency": currency, "metadata": dict(metadata), "idempotency_key": key}
        return self._patiently("post", "/v1/payment_intents", params)

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
        """Ask once. What went wrong is returned, not raised, so that no error carries Stripe's own in its tail."""
        try:
            return _parsed(self._client.raw_request(method, path, **params).body)
        except stripe.APIConnectionError as error:
            return silence(may_pass=error.should_retry)
        except stripe.StripeError as error:
            return explain(error.http_status or 500, error.code, error.user_message or "", error.headers or {})
        except (Unreadable, AttributeError, TypeError):  # JSON of a shape that the library itself did not expect
            return explain(200, None, "", {})
