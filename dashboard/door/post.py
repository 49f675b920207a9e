"""Forms on their way in: small, from a page of this very site, and from an address that can be counted."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qsl

import anyio
from starlette.requests import HTTPConnection, Request

from dashboard.door.gate import same_origin

LARGEST_FORM = 16_384
FORM_PATIENCE = 10.0


class UnusableForm(Exception):
    """A form we do not take: the HTTP status and the sentence to answer with."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a small form that a page of this very site sent; raises UnusableForm otherwise."""
    refuse_other_sites(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnusableForm(415, "This is not the form this page shows.")
    try:
        fields = parse_qsl((await _read_body(request)).decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise UnusableForm(400, "This form has more fields than the page shows.") from error
    return dict(fields)


def refuse_other_sites(request: Request) -> None:
    """Raise UnusableForm unless the browser says that a page of this very site sent the form."""
    if not same_origin(request.headers.get("origin"), request.headers.get("host")):
        raise UnusableForm(
            403,
            "This form came from another address than this site's own. Open the sign-in form here and try again. "
            "(Behind a proxy: let it pass on the Host header.)",
        )


async def _read_body(request: Request) -> bytes:
    body = b""
    try:
        with anyio.fail_after(FORM_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_FORM:
                    raise UnusableForm(413, "This form is larger than any that this page shows.")
    except TimeoutError as error:
        raise UnusableForm(408, "The form did not arrive in time. Try again.") from error
    return body


def address_of(request: HTTPConnection) -> str:
    """Return what the rate limit counts by: the IPv4 address, or the IPv6 network that one household or server gets."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "local"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
