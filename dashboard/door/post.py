"""Reading forms: limited in size, only from pages of this site, with the address for the rate limit."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qsl

import anyio
from starlette.requests import HTTPConnection, Request

from dashboard.door.gate import same_origin

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
LARGEST_FORM = 16_384
FORM_PATIENCE = 10.0


class UnusableForm(Exception):
    """A form that is rejected, with the HTTP status and the sentence of the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form. Raises UnusableForm if it is too large or was not sent by a page of this site."""
    refuse_other_sites(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnusableForm(415, "This is not the form of this page.")
    try:
        body = await read_body(
            request, most=LARGEST_FORM, patience=FORM_PATIENCE,
            too_large=UnusableForm(413, "This form is larger than the form of this page."),
            too_slow=UnusableForm(408, "The form did not arrive in time. Try again."),
        )  # fmt: skip
        fields = parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise UnusableForm(400, "This form has more fields than the form of this page.") from error
    return dict(fields)


def refuse_other_sites(request: Request) -> None:
    """Raise UnusableForm unless the browser says that a page of this site sent the form."""
    if not same_origin(request.headers.get("origin"), request.headers.get("host")):
        raise UnusableForm(
            403,
            "This form was sent from another site. Open the sign-in form on this site and try again. "
            "(Behind a proxy: it must pass on the Host header.)",
        )


async def read_body(
    request: Request, *, most: int, patience: float, too_large: Exception, too_slow: Exception
) -> bytes:
    """Return the body. Raises `too_large` above `most` bytes, and `too_slow` after `patience` seconds."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise too_large
    body = bytearray()
    try:
        with anyio.fail_after(patience):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise too_slow from None
    return bytes(body)


def address_of(request: HTTPConnection) -> str:
    """Return the key of the rate limit: the IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "local"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)
