"""The sandbox's API: what Stripe answers to a request about an account.

It pages, sorts, filters, expands and refuses as Stripe does, and answers a repeated idempotency key once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set

from core.sandbox.account import StripeAccount
from core.sandbox.books import Denied
from core.sandbox.objects import URLS, Json, listing
from core.sandbox.requests import (
    FILTERS,
    PAGING,
    Asked,
    Params,
    bounds,
    check_metadata,
    expansions,
    fits,
    known,
    paged,
)
from core.sandbox.store import further

PERMISSIONS = {"event": "rak_event_read", "payment_intent": "rak_payment_intent_read", "charge": "rak_charge_read",
               "refund": "rak_charge_read", "checkout.session": "rak_checkout_session_read",
               "dispute": "rak_dispute_read", "product": "rak_product_read", "price": "rak_plan_read",
               "invoice_payment": "rak_invoice_read", "payment_link": "rak_payment_link_read"}  # fmt: skip
WRITING = {"payment_intent": "rak_payment_intent_write", "payment_link": "rak_payment_link_write",
           "checkout.session": "rak_checkout_session_write"}  # fmt: skip


class Desk:
    """Answers the requests of one key. `denied`: the permissions that the key lacks."""

    def __init__(self, account: StripeAccount, key: str, denied: Set[str] = frozenset()) -> None:
        self.account = account
        self.key = key
        self.denied = denied
        self.taxed = 0
        """How often a tax was computed."""

    def answer(self, asked: Asked) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request: return the text, the status and the headers."""
        try:
            return self._once(asked), 200, {"request-id": "req_1"}
        except Denied as denied:
            return json.dumps(denied.body), denied.status, {"request-id": "req_1"}

    def _once(self, asked: Asked) -> str:
        """Return the answer. A repeated idempotency key gets the first answer again."""
        if asked.method != "post":
            return json.dumps(self._answer(asked), indent=2)
        with self.account.store.change():
            return self._posted(asked, asked.headers.get("Idempotency-Key"))

    def _posted(self, asked: Asked, key: str | None) -> str:
        known_answer = None if key is None else self.account.store.answer(key)
        if known_answer is None:
            text = json.dumps(self._answer(asked), indent=2)
            if key is not None:
                self.account.store.keep_answer(key, dict(asked.params), text)
            return text
        params, text = known_answer
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
            return {"object": "account", "id": self.account.id, "business_profile": {"name": self.account.name}}
        if (asked.method, asked.path) == ("post", "/v1/tax/calculations"):
            return self._tax(asked.params)
        for kind, url in URLS.items():
            if asked.path == url or asked.path.startswith(f"{url}/"):
                writes = asked.method == "post" and kind in WRITING
                self._allow(WRITING[kind] if writes else PERMISSIONS[kind])
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
        if asked.method == "post":
            return self.account.show(self._post(kind, rest, asked), version)
        match asked.method, rest:
            case "get", [""]:
                return self._list(kind, asked, version)
            case "get", [owner_id, "line_items"] if kind in ("checkout.session", "payment_link"):
                self.account.get(kind, owner_id)
                return self._items(owner_id, asked)
            case "get", [object_id]:
                known(asked.params, {"expand"})
                return self._expanded(self.account.show(self.account.get(kind, object_id), version), asked, "")
        raise Denied(404, f"Unrecognized request URL ({asked.method.upper()}: {asked.path}).")

    def _post(self, kind: str, rest: list[str], asked: Asked) -> Json:
        match kind, rest:
            case "payment_intent", [""]:
                return self._begin(asked.params)
            case "payment_intent", [payment_id]:
                return self._change(payment_id, asked.params)
            case "payment_intent", [payment_id, "confirm"]:
                return self.account.succeed(payment_id)
            case "payment_intent", [payment_id, "cancel"]:
                return self.account.cancel(payment_id)
            case "refund", [""]:
                return self._refund(asked.params)
            case "refund", [refund_id, "cancel"]:
                self.account.get(kind, refund_id)
                raise Denied(400, "Canceling this refund is unsupported.")
            case "payment_link", [link_id]:
                return self._switch(link_id, asked.params)
            case "checkout.session", [session_id, "expire"]:
                known(asked.params, set())
                return self.account.expire(session_id)
        raise Denied(404, f"Unrecognized request URL (POST: {asked.path}).")

    def _switch(self, link_id: str, params: Params) -> Json:
        """Change a Payment Link. Metadata is merged."""
        known(params, {"active", "metadata"})
        link, metadata = self.account.get("payment_link", link_id), dict(params.get("metadata", {}))
        check_metadata(metadata)
        active = params["active"] == "true" if "active" in params else link["active"]
        return self.account.switch(link_id, active, metadata)

    def _begin(self, params: Params) -> Json:
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

    def _change(self, payment_id: str, params: Params) -> Json:
        """Change a PaymentIntent. Metadata is merged; an empty value removes an entry."""
        known(params, {"amount", "metadata", "shipping", "hooks"})
        found = self.account.unfinished(payment_id)
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

    def _tax(self, params: Params) -> Json:
        """Compute a tax of ten percent on everything, in Germany only."""
        known(params, {"currency", "line_items", "shipping_cost", "customer_details"})
        address = params["customer_details"]["address"]
        amounts = [int(item["amount"]) for item in params["line_items"]]
        amounts += [int(params["shipping_cost"]["amount"])] if "shipping_cost" in params else []
        tax = round(sum(amounts) / 10) if address["country"] == "DE" else 0
        self.taxed += 1
        return {"id": f"taxcalc_{self.taxed}", "object": "tax.calculation", "tax_amount_exclusive": tax,
                "tax_amount_inclusive": 0, "amount_total": sum(amounts) + tax}  # fmt: skip

    def _refund(self, params: Params) -> Json:
        known(params, {"charge", "payment_intent", "amount", "reason", "metadata"})
        amount = params.get("amount")
        return self.account.refund(**{**params, "amount": None if amount is None else int(amount)})

    # ------------------------------------------------------------ lists

    def _list(self, kind: str, asked: Asked, version: str) -> Json:
        known(asked.params, PAGING | FILTERS[kind])
        store, params = self.account.store, asked.params
        limits, same = bounds(params), {name: params[name] for name in ("payment_intent", "charge") if name in params}
        created = (limits.get("gte", limits.get("gt")), limits.get("lte", limits.get("lt")))

        def each(*, after: str | None, newest_first: bool) -> Iterator[Json]:
            return store.each(kind, after=after, newest_first=newest_first, created=created, **same)

        def wanted(found: Json) -> bool:
            return is_there(found) and fits(found, params)

        def is_there(found: Json) -> bool:
            return kind != "event" or self.account.is_visible(found)

        def has(cursor: str) -> bool:
            found = store.find(kind, cursor)
            return found is not None and is_there(found)

        page, more = paged(kind, params, each, has, wanted)
        data = [self._expanded(self.account.show(each, version), asked, "data.") for each in page]
        return listing(asked.path, data, more)

    def _items(self, session_id: str, asked: Asked) -> Json:
        known(asked.params, PAGING - {"created"})
        items = self.account.store.items_of(session_id)

        def each(*, after: str | None, newest_first: bool) -> Iterator[Json]:
            return iter(further(items, after, forward=newest_first))

        names = {item["id"] for item in items}
        page, more = paged("item", asked.params, each, names.__contains__, lambda _: True)
        data = [{**item, "price": dict(item["price"])} for item in page]
        for path in expansions(asked.params):
            if path != "data.price.product":
                raise Denied(400, f"This property cannot be expanded ({path}).")
            self._allow("rak_product_read")
            for item in data:
                item["price"]["product"] = self.account.get("product", item["price"]["product"])
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
