"""A Stripe without a network: the fake account behind the real client library, as its HTTP layer.

    account = StripeAccount()
    account.pay()
    gateway, fake = fake_gateway(account)    # the gateway of core; it records its waits and does not sleep

It pages, sorts, filters and refuses as Stripe does. `fake.trouble(429, times=3)` makes the next answers errors.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import stripe

from core.sandbox.books import Denied, missing
from core.sandbox.objects import URLS, Json, listing
from core.stripe.gateway import Gateway
from core.stripe.trouble import Patience
from tests.stripe.account import StripeAccount

KEY = "rk_test_51TheKeyOfTheShop0123456789"
PERMISSIONS = {"event": "rak_event_read", "payment_intent": "rak_payment_intent_read", "charge": "rak_charge_read",
               "refund": "rak_charge_read", "checkout.session": "rak_checkout_session_read",
               "dispute": "rak_dispute_read", "product": "rak_product_read", "price": "rak_plan_read",
               "invoice_payment": "rak_invoice_read"}  # fmt: skip
PAGING = {"limit", "starting_after", "ending_before", "expand", "created"}
FILTERS = {"event": {"type", "types", "delivery_success"}, "payment_intent": {"customer"},
           "charge": {"customer", "payment_intent"}, "refund": {"charge", "payment_intent"},
           "dispute": {"charge", "payment_intent"}, "product": {"active"}, "price": {"active", "product"},
           "invoice_payment": {"payment", "invoice", "status"},
           "checkout.session": {"customer", "payment_intent", "payment_link", "status"}}  # fmt: skip
MOST_TYPES = 20


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass
class FakeStripe(stripe.HTTPClient):
    """The HTTP layer: requests of the library go to the account, not over the network."""

    name: ClassVar[str] = "fake"
    account: StripeAccount
    key: str = KEY
    denied: set[str] = field(default_factory=set)
    """The permissions that the key lacks."""
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._troubles: deque[int | str] = deque()
        self._lock = Lock()
        self._answers: dict[str, tuple[Mapping[str, Any], str]] = {}
        self.lost = 0
        """For how many of the next payments Stripe's answer is lost."""
        self.taxed = 0
        """How often a tax was computed."""

    def trouble(self, kind: int | str, times: int = 1) -> None:
        """Answer the next requests with this status, or with `timeout`, `certificate`, `garbage`, `lock_timeout`."""
        self._troubles.extend([kind] * times)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def deliveries(self) -> list[tuple[bytes, str]]:
        """Return what the webhook receives for the events since the last call. Safe while others pay."""
        with self._lock:
            return list(self.account.deliveries())

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request: return the text, the status and the headers."""
        parts = urlsplit(url)
        asked = Asked(method, parts.path, nested(post_data if method == "post" else parts.query), dict(headers or {}))
        self.asked.append(asked)
        if self._troubles:
            return in_trouble(self._troubles.popleft())
        try:
            with self._lock:
                text = self._kept(asked)
            if self.lost and asked.method == "post":
                self.lost -= 1
                return in_trouble("timeout")
            return text, 200, {"request-id": "req_1"}
        except Denied as denied:
            return json.dumps(denied.body), denied.status, {"request-id": "req_1"}

    def _kept(self, asked: Asked) -> str:
        """Return the answer. A repeated idempotency key gets the first answer again."""
        key = asked.headers.get("Idempotency-Key") if asked.method == "post" else None
        if key is None or key not in self._answers:
            text = json.dumps(self._answer(asked), indent=2)
            if key is not None:
                self._answers[key] = (asked.params, text)
            return text
        params, text = self._answers[key]
        if params != asked.params:
            denied = Denied(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
            )
            denied.body["error"]["type"] = "idempotency_error"
            raise denied
        return text

    def _answer(self, asked: Asked) -> Json:
        if asked.headers.get("Authorization") != f"Bearer {self.key}":
            given = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            raise Denied(401, f"Invalid API Key provided: {given[:8]}{'*' * 20}{given[-4:]}")
        if asked.path == "/v1/account":
            self._allow("rak_accounts_kyc_basic_read")
            return {"object": "account", "id": self.account.id, "business_profile": {"name": "The Shop"}}
        if (asked.method, asked.path) == ("post", "/v1/tax/calculations"):
            return self._tax(asked.params)
        for kind, url in URLS.items():
            if asked.path == url or asked.path.startswith(f"{url}/"):
                begins = kind == "payment_intent" and asked.method == "post"
                self._allow("rak_payment_intent_write" if begins else PERMISSIONS[kind])
                return self._answer_about(kind, asked.path[len(url) + 1 :].split("/"), asked)
        raise Denied(404, f"Unrecognized request URL ({asked.method.upper()}: {asked.path}).")

    def _allow(self, permission: str) -> None:
        if permission in self.denied:
            masked = f"{self.key[:8]}{'*' * 20}{self.key[-6:]}"
            raise Denied(
                403,
                f"The provided key '{masked}' does not have the required permissions for this endpoint on account "
                f"'{self.account.id}'. Having the '{permission}' permission would allow this request to continue.",
            )

    def _answer_about(self, kind: str, rest: list[str], asked: Asked) -> Json:
        version = asked.headers.get("Stripe-Version", self.account.api_version)
        match asked.method, rest:
            case "get", [""]:
                return self._list(kind, asked, version)
            case "get", [session_id, "line_items"] if kind == "checkout.session":
                self.account.get(kind, session_id)
                return self._items(session_id, asked)
            case "get", [object_id]:
                known(asked.params, {"expand"})
                return self._expanded(self.account.show(self.account.get(kind, object_id), version), asked, "")
            case "post", [""] if kind == "payment_intent":
                return self.account.show(self._begin(asked.params), version)
            case "post", [payment_id] if kind == "payment_intent":
                return self.account.show(self._change(payment_id, asked.params), version)
            case "post", [payment_id, "confirm"] if kind == "payment_intent":
                return self.account.show(self.account.succeed(payment_id), version)
            case "post", [payment_id, "cancel"] if kind == "payment_intent":
                return self.account.show(self.account.cancel(payment_id), version)
            case "post", [""] if kind == "refund":
                return self.account.show(self._refund(asked.params), version)
            case "post", [refund_id, "cancel"] if kind == "refund":
                self.account.get(kind, refund_id)
                raise Denied(400, "Canceling this refund is unsupported.")
        raise Denied(404, f"Unrecognized request URL ({asked.method.upper()}: {asked.path}).")

    def _begin(self, params: Mapping[str, Any]) -> Json:
        """Create a PaymentIntent from the parameters of a request."""
        known(params, {"amount", "currency", "metadata", "description", "receipt_email", "shipping", "hooks"})
        for name in ("amount", "currency"):
            if name not in params:
                raise Denied(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        metadata = params.get("metadata", {})
        check_metadata(metadata)
        amount, currency = int(params["amount"]), params["currency"].lower()
        if amount > 99_999_999:
            raise Denied(400, "Amount must be no more than $999,999.99", code="amount_too_large", param="amount")
        if amount < (1 if currency in ("jpy", "krw") else 50):
            raise Denied(400, "Amount must be at least $0.50 usd", code="amount_too_small", param="amount")
        buyer = {"email": params.get("receipt_email"), "shipping": params.get("shipping")}
        return self.account.open_payment(amount, currency, dict(metadata), buyer)

    def _change(self, payment_id: str, params: Mapping[str, Any]) -> Json:
        """Change a PaymentIntent. Metadata is merged; an empty value removes an entry."""
        known(params, {"amount", "metadata", "shipping", "hooks"})
        found = self.account._unfinished(payment_id)
        if found["status"] in ("processing", "requires_capture"):
            said = f"This PaymentIntent's amount could not be updated because it has a status of {found['status']}."
            raise Denied(400, said, code="payment_intent_unexpected_state")
        metadata = {**found["metadata"], **params.get("metadata", {})}
        metadata = {name: value for name, value in metadata.items() if value != ""}
        check_metadata(metadata)
        amount = int(params.get("amount", found["amount"]))
        if amount < 50:
            raise Denied(400, "Amount must be at least $0.50 usd", code="amount_too_small", param="amount")
        found |= {"amount": amount, "metadata": metadata, "shipping": params.get("shipping", found.get("shipping"))}
        return found

    def _tax(self, params: Mapping[str, Any]) -> Json:
        """Compute a tax of ten percent on everything, in Germany only."""
        known(params, {"currency", "line_items", "shipping_cost", "customer_details"})
        address = params["customer_details"]["address"]
        amounts = [int(item["amount"]) for item in params["line_items"]]
        amounts += [int(params["shipping_cost"]["amount"])] if "shipping_cost" in params else []
        tax = round(sum(amounts) / 10) if address["country"] == "DE" else 0
        self.taxed += 1
        return {"id": f"taxcalc_{self.taxed}", "object": "tax.calculation", "tax_amount_exclusive": tax,
                "tax_amount_inclusive": 0, "amount_total": sum(amounts) + tax}  # fmt: skip

    def _refund(self, params: Mapping[str, Any]) -> Json:
        known(params, {"charge", "payment_intent", "amount", "reason", "metadata"})
        amount = params.get("amount")
        return self.account.refund(**{**params, "amount": None if amount is None else int(amount)})

    # ------------------------------------------------------------ lists

    def _list(self, kind: str, asked: Asked, version: str) -> Json:
        known(asked.params, PAGING | FILTERS[kind])
        everything = list(self.account.store.newest_first(kind))
        if kind == "event":
            everything = [event for event in everything if self.account.is_visible(event)]
        page, more = paged(kind, everything, asked.params, lambda each: fits(each, asked.params))
        data = [self._expanded(self.account.show(each, version), asked, "data.") for each in page]
        return listing(asked.path, data, more)

    def _items(self, session_id: str, asked: Asked) -> Json:
        known(asked.params, PAGING - {"created"})
        page, more = paged("item", self.account.store.items_of(session_id), asked.params, lambda _: True)
        data = [{**each, "price": dict(each["price"])} for each in page]
        for path in expansions(asked.params):
            if path != "data.price.product":
                raise Denied(400, f"This property cannot be expanded ({path}).")
            self._allow("rak_product_read")
            for each in data:
                each["price"]["product"] = self.account.get("product", each["price"]["product"])
        return listing(asked.path, data, more)

    def _expanded(self, seen: Json, asked: Asked, prefix: str) -> Json:
        for path in expansions(asked.params):
            if path != f"{prefix}latest_charge" or seen["object"] != "payment_intent":
                raise Denied(400, f"This property cannot be expanded ({path}).")
            self._allow("rak_charge_read")
            version = asked.headers.get("Stripe-Version", self.account.api_version)
            if charge_id := seen.get("latest_charge"):
                seen["latest_charge"] = self.account.show(self.account.get("charge", charge_id), version)
        return seen


def nested(text: str | None) -> dict[str, Any]:
    """Return the values of a query: `created[gte]=1` is an object, `types[0]=a` a list, at any depth."""
    found: dict[str, Any] = {}
    for key, value in parse_qsl(text or "", keep_blank_values=True):
        *path, last = re.findall(r"[^\[\]]+", key)
        place = found
        for name in path:
            place = place.setdefault(name, {})
        place[last] = value
    return {name: value if name == "metadata" else listed(value) for name, value in found.items()}


def listed(value: Any) -> Any:
    """Return objects whose keys are numbers as lists, at any depth."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [listed(each) for each in value.values()]
    return {key: listed(each) for key, each in value.items()}


def known(params: Mapping[str, Any], names: set[str]) -> None:
    """Refuse a parameter that Stripe does not know there."""
    for name in params:
        if name not in names:
            raise Denied(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Refuse metadata that Stripe would not accept. Stripe never cuts it off."""
    if len(metadata) > 50:
        raise Denied(400, "You can only have up to 50 metadata keys.", param="metadata")
    for key, text in metadata.items():
        if len(key) > 40:
            said = f"Metadata keys can have up to 40 characters, but you passed in a key that is {len(key)} characters."
            raise Denied(400, f"{said} Invalid key: {key}", param="metadata")
        if len(text) > 500:
            said = f"Metadata values can have up to 500 characters, but you passed in a value that is {len(text)}"
            raise Denied(400, f"{said} characters. Invalid value: {text}", param=f"metadata[{key}]")


def expansions(params: Mapping[str, Any]) -> list[str]:
    """Return the fields that the request asks to expand."""
    found: list[str] = params.get("expand", [])
    return found


def paged(kind: str, everything: list[Json], params: Mapping[str, Any], fits: Any) -> tuple[list[Json], bool]:
    """Return a page of a list, newest first, and whether there is more in the direction of paging."""
    limit = min(max(int(params.get("limit", 10)), 1), 100)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise Denied(400, "You may only specify one of these parameters: starting_after, ending_before.")
    place = {each["id"]: n for n, each in enumerate(everything)}
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in place:
            raise missing(kind, cursor, status=400, param=name)
    if before:
        newer = [each for each in everything[: place[before]] if fits(each)]
        return newer[-limit:], len(newer) > limit
    older = [each for each in everything[place[after] + 1 if after else 0 :] if fits(each)]
    return older[:limit], len(older) > limit


def fits(found: Json, params: Mapping[str, Any]) -> bool:
    """Return whether an object passes the filters."""
    bounds = params.get("created", {})
    bounds = bounds if isinstance(bounds, dict) else {"gte": bounds, "lte": bounds}
    compare = {"gte": int.__ge__, "gt": int.__gt__, "lte": int.__le__, "lt": int.__lt__}
    if not all(compare[name](found["created"], int(bound)) for name, bound in bounds.items()):
        return False
    kinds = params.get("types", [])
    if kinds and "type" in params:
        raise Denied(400, "You may not pass both type and types.", param="type")
    if len(kinds) > MOST_TYPES:
        raise Denied(400, "You may specify at most 20 types.", param="types")
    wanted = [*kinds, params["type"]] if "type" in params else kinds
    if wanted and not any(is_kind(found["type"], each) for each in wanted):
        return False
    payment = params.get("payment", {})
    if any(found["payment"].get(name) != value for name, value in payment.items()):
        return False
    same = ("charge", "payment_intent", "customer", "status", "product", "payment_link")
    return all(found.get(name) == params[name] for name in same if name in params)


def is_kind(kind: str, wanted: str) -> bool:
    """Return whether an event is of a kind, or of the group of kinds that ends with a `*`."""
    return kind == wanted or (wanted.endswith("*") and kind.startswith(wanted[:-1]))


def in_trouble(kind: int | str) -> tuple[str, int, Mapping[str, str]]:
    """Return an error answer, or raise the library's error for no answer."""
    match kind:
        case "timeout" | "certificate":
            silence: Any = stripe.APIConnectionError  # the library gives it no types
            raise silence("Unexpected error communicating with Stripe.", should_retry=kind == "timeout")
        case "garbage":
            return "<html>a proxy's own page</html>", 200, {}
        case "lock_timeout":
            error = {"code": "lock_timeout", "type": "invalid_request_error", "message": "This object is locked."}
            return json.dumps({"error": error}), 429, {"stripe-should-retry": "true"}
        case 429:
            error = {"code": "rate_limit", "type": "invalid_request_error", "message": "Request rate limit exceeded."}
            return json.dumps({"error": error}), 429, {}
        case int():
            return json.dumps({"error": {"type": "api_error", "message": "Something went wrong."}}), kind, {}
    raise ValueError(f"there is no trouble called {kind}")


def fake_gateway(
    account: StripeAccount, *, key: str = KEY, waits: list[float] | None = None, attempts: int = 5
) -> tuple[Gateway, FakeStripe]:
    """Return a gateway to a fake account, and the fake. The seconds of its waits are added to `waits`."""
    fake = FakeStripe(account)
    written = [] if waits is None else waits
    return Gateway(key, http_client=fake, patience=Patience(attempts=attempts), sleep=written.append), fake
