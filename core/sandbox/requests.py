"""The requests of Stripe's API: their parameters, the rules for them, and the pages of lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from core.sandbox.books import Denied, missing
from core.sandbox.objects import Json

PAGING = {"limit", "starting_after", "ending_before", "expand", "created"}
FILTERS = {"event": {"type", "types", "delivery_success"}, "payment_intent": {"customer"},
           "charge": {"customer", "payment_intent"}, "refund": {"charge", "payment_intent"},
           "dispute": {"charge", "payment_intent"}, "product": {"active"}, "price": {"active", "product"},
           "invoice_payment": {"payment", "invoice", "status"}, "payment_link": {"active"},
           "checkout.session": {"customer", "payment_intent", "payment_link", "status"}}  # fmt: skip
MOST_TYPES = 20

Params = Mapping[str, Any]
Fits = Callable[[Json], bool]


class Each(Protocol):
    """The objects of a list in their order, from one on."""

    def __call__(self, *, after: str | None, newest_first: bool) -> Iterator[Json]:
        """Yield them."""
        ...


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    params: Params
    headers: Mapping[str, str]

    @classmethod
    def read(cls, method: str, url: str, headers: Mapping[str, str] | None, body: str | None) -> Asked:
        """Return the request that arrived at a URL."""
        parts = urlsplit(url)
        return cls(method, parts.path, nested(body if method == "post" else parts.query), dict(headers or {}))


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


def known(params: Params, names: set[str]) -> None:
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


def expansions(params: Params) -> list[str]:
    """Return the fields that the request asks to expand."""
    found: list[str] = params.get("expand", [])
    return found


def paged(kind: str, params: Params, each: Each, has: Callable[[str], bool], fits: Fits) -> tuple[list[Json], bool]:
    """Return a page of a list, newest first, and whether there is more in the direction of paging."""
    limit = min(max(int(params.get("limit", 10)), 1), 100)
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise Denied(400, "You may only specify one of these parameters: starting_after, ending_before.")
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and not has(cursor):
            raise missing(kind, cursor, status=400, param=name)
    found = list(islice(filter(fits, each(after=before or after, newest_first=not before)), limit + 1))
    page = found[:limit]
    return page[::-1] if before else page, len(found) > limit


def bounds(params: Params) -> dict[str, int]:
    """Return the bounds of `created`."""
    given = params.get("created", {})
    given = given if isinstance(given, dict) else {"gte": given, "lte": given}
    return {name: int(bound) for name, bound in given.items()}


def fits(found: Json, params: Params) -> bool:
    """Return whether an object passes the filters."""
    compare = {"gte": int.__ge__, "gt": int.__gt__, "lte": int.__le__, "lt": int.__lt__}
    if not all(compare[name](found["created"], bound) for name, bound in bounds(params).items()):
        return False
    kinds = params.get("types", [])
    if kinds and "type" in params:
        raise Denied(400, "You may not pass both type and types.", param="type")
    if len(kinds) > MOST_TYPES:
        raise Denied(400, "You may specify at most 20 types.", param="types")
    wanted = [*kinds, params["type"]] if "type" in params else kinds
    if wanted and not any(is_kind(found["type"], each) for each in wanted):
        return False
    if "active" in params and found["active"] is not (params["active"] == "true"):
        return False
    payment = params.get("payment", {})
    if any(found["payment"].get(name) != value for name, value in payment.items()):
        return False
    same = ("charge", "payment_intent", "customer", "status", "product", "payment_link")
    return all(found.get(name) == params[name] for name in same if name in params)


def is_kind(kind: str, wanted: str) -> bool:
    """Return whether an event is of a kind, or of the group of kinds that ends with a `*`."""
    return kind == wanted or (wanted.endswith("*") and kind.startswith(wanted[:-1]))
