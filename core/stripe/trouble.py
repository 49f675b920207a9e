"""Errors of Stripe, or no answer: what they mean for people, whether to retry, and how long to wait first.

Pure. Text from Stripe is shown only without keys.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.foundation.errors import StockError, StripeRefused, Unavailable
from core.foundation.settings import EVERYDAY_KEY

READS = {
    "rak_event_read": "Events",
    "rak_payment_intent_read": "PaymentIntents",
    "rak_charge_read": "Charges and Refunds",
    "rak_checkout_session_read": "Checkout Sessions",
    "rak_dispute_read": "Disputes",
    "rak_product_read": "Products",
    "rak_plan_read": "Prices",
    "rak_invoice_read": "Invoices",
}
"""The permissions to read that a restricted key needs, and their names in Stripe's dashboard."""

WRITES = {"rak_payment_intent_write": "PaymentIntents"}
"""The permissions to write. A key needs them only where a storefront creates its payments through Stockroom."""

GUARD = {
    "rak_payment_link_write": "Payment Links",
    "rak_checkout_session_write": "Checkout Sessions",
    "rak_product_read": "Products",
    "rak_plan_read": "Prices",
}
"""The permissions of the Stripe guard's own key. Each permission to write includes the one to read."""

_ASK_AGAIN = frozenset({"rate_limit", "lock_timeout"})
_KEY = re.compile(r"\b(?:sk|rk|pk|ek|whsec)_[\w*.]+")
_PERMISSION = re.compile(r"\brak_\w+")
_ACCOUNT = re.compile(r"\bacct_\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many attempts to make, and how long to wait between them: twice as long each time, with jitter.

    Up to half of a wait is random, so that clients that failed at the same moment do not retry at the same moment.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 8.0

    def delay(self, attempt: int, asked: float | None = None) -> float:
        """Return the seconds to wait after this attempt: at least what Stripe `asked` for, up to `longest`."""
        grown = min(self.first * 2.0 ** (attempt - 1), self.longest)
        jittered = grown * random.uniform(0.5, 1)  # noqa: S311 - jitter, not a secret
        return max(jittered, min(asked or 0, self.longest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A failed request: its error, and whether and when to retry."""

    error: StockError
    again: bool
    wait: float | None = None


def silence(may_pass: bool) -> Trouble:
    """Return the trouble for no answer: a network error, a timeout, or a certificate that is not Stripe's."""
    if may_pass:
        sentence = "Stripe cannot be reached or did not answer in time; trying again is safe."
    else:
        sentence = "Stripe cannot be reached from this machine: check its network, its proxy and its certificates."
    return Trouble(error=Unavailable(sentence), again=may_pass)


def explain(
    status: int, code: str | None, message: str, headers: Mapping[str, str], setting: str = EVERYDAY_KEY
) -> Trouble:
    """Return the trouble for an error answer, from its status, its code and Stripe's message. `setting`: of the key."""
    lower = {name.lower(): value for name, value in headers.items()}
    hint = lower.get("stripe-should-retry")
    busy = status in (409, 429) or status >= 500 or status < 300 or code in _ASK_AGAIN
    if (busy and hint != "false") or hint == "true":
        return Trouble(error=_unavailable(status), again=True, wait=_seconds(lower.get("retry-after")))
    return Trouble(error=_unavailable(status) if busy else _refused(status, code, message, setting), again=False)


def _unavailable(status: int) -> Unavailable:
    if status == 429:
        return Unavailable("Stripe's rate limit is reached; trying again is safe.")
    if status < 300:
        return Unavailable("Stripe's answer cannot be read; trying again is safe.")
    return Unavailable(f"Stripe has an outage (status {status}); trying again is safe.")


def _refused(status: int, code: str | None, message: str, setting: str) -> StripeRefused:
    if status == 401:
        sentence = f"Stripe does not know the key in {setting}: it was mistyped, replaced or deleted."
        return StripeRefused(sentence, status=status)
    missing, account = tuple(dict.fromkeys(_PERMISSION.findall(message))), _ACCOUNT.search(message)
    if status == 403:
        facts = {"status": status, "missing": missing, "account": account[0] if account else None}
        return StripeRefused(_lacking(missing, message, setting), **facts)
    return StripeRefused(f"Stripe refused the request: {without_keys(message)}", status=status, code=code)


def _lacking(missing: tuple[str, ...], message: str, setting: str) -> str:
    if not missing:
        return f"The key in {setting} does not allow this: {without_keys(message)}"
    known = READS | WRITES | GUARD | {"rak_payment_link_read": "Payment Links"}
    named = " or ".join(f"{known[name]} ({name})" if name in known else name for name in missing)
    may = "write" if any(name.endswith("_write") for name in missing) else "read"
    return f"The key in {setting} may not {may} {named}: allow it in Stripe's dashboard, under API keys."


def without_keys(text: str) -> str:
    """Return Stripe's message without keys, not even shortened ones, and at most 300 characters of it."""
    return _KEY.sub("(the key)", " ".join(text.split()))[:300]


def _seconds(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text) else None
