"""The middleware that rejects every HTTP request and websocket without a session.

A browser that opens a page is redirected to the sign-in form and returns to that page afterwards. Any other request
gets 401, and a websocket is closed before it is accepted. Only the paths in `OPEN_PATHS` are public, and each of them
requires a password, a signature or a key before it shows data.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from core.foundation.errors import Unavailable
from core.people.accounts import SignedIn
from core.storefront.doors import REQUEST_ID, NoKey, problem
from dashboard.door import proxy

COOKIE = "stockroom_session"
SIGNED_IN = "stockroom.signed_in"
"""The key of the `SignedIn` person in the ASGI scope."""

FONT_PATH = "/app/static/inter-latin-wght-normal.woff2"
ICON_PATH = "/app/static/icon.svg"
OPEN_PATHS = frozenset(
    {
        "/sign-in",
        "/sign-in/code",
        "/sign-in/set-up",
        "/sign-in/passkey",
        "/sign-in/oidc",
        "/sign-in/oidc/back",
        "/sign-out",
        "/welcome",
        "/healthz",
        "/readyz",
        "/metrics",
        "/webhook/stripe",
        FONT_PATH,
        ICON_PATH,
    }
)

LONGEST_NEXT = 2_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MACHINE_PATH = re.compile(r"/(api|app|auth|component|media|static)(/|$)|(^|.*)/_stcore(/|$)")
_PRINTABLE = re.compile(r"[!-~]*")

# Streamlit's page needs inline styles and its charts use eval. Nothing may be loaded from or sent to another host, but
# pictures from the hosts that the shop's own pictures name.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HARDENING = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}

FindSession = Callable[[str], Awaitable[SignedIn | None]]
FindHosts = Callable[[], Awaitable[Sequence[str]]]


class AuthGate:
    """ASGI middleware that admits signed-in people to everything, and everybody else to the open paths.

    Requests with a key go to `api` directly: nothing between here and there concerns them.
    """

    def __init__(
        self, app: ASGIApp, find_session: FindSession, find_hosts: FindHosts | None = None, api: ASGIApp | None = None
    ) -> None:
        self.app = app
        self.find_session = find_session
        self.find_hosts = find_hosts
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        if _is_for_api(request):
            await self._pass_to_api(scope, receive, hardened(send))
            return
        answer = await self._answer(request)
        if answer is None:
            await self.app(scope, receive, hardened(send, await self._hosts(request)))
        elif scope["type"] == "http":
            await answer(scope, receive, hardened(send))
        else:
            await WebSocketClose(code=1008)(scope, receive, send)

    async def _hosts(self, request: HTTPConnection) -> Sequence[str]:
        """Return the hosts from which the page that is opened may load pictures."""
        return await self.find_hosts() if self.find_hosts and asks_for_page(request) else ()

    async def _pass_to_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.api is None:
            await self.app(scope, receive, send)
            return
        root = scope.get("root_path", "")
        await self.api({**scope, "app_root_path": root, "root_path": f"{root}/api"}, receive, send)

    async def _answer(self, request: HTTPConnection) -> Response | None:
        """Return the gate's answer, or None to pass the request on."""
        if _changes_something(request) and foreign_origin(request):
            return PlainTextResponse("This request came from another site and was refused.", 403)
        if request.scope["type"] == "http" and request.scope["path"] in OPEN_PATHS:
            return None
        try:
            signed_in = await self.find_session(request.cookies.get(COOKIE, ""))
        except Unavailable as error:
            return PlainTextResponse(error.message, 503, {"Retry-After": "5"})
        if signed_in is None:
            return answer_stranger(request)
        request.scope[SIGNED_IN] = signed_in
        proxy.notice(request)
        return _to_start(request, signed_in.start) if asks_for_page(request) else None


def _to_start(request: HTTPConnection, start: str | None) -> Response | None:
    """Return a redirect from the root to the page on which the person begins, or None.

    Overview is at the root for those who begin there, else at its own path. A link to it works for both.
    """
    path, query = request.scope["path"], request.scope.get("query_string", b"").decode("latin-1")
    more = f"?{query}" if query else ""
    if path == "/" and start:
        target = f"/overview{more}" if query else safe_next(f"/{start}")
    elif path == "/overview" and not start:
        target = f"/{more}"
    else:
        return None
    return RedirectResponse(target, 303, {"Cache-Control": "no-store"})


def _is_for_api(request: HTTPConnection) -> bool:
    """Return whether the API authenticates the request: a program sends a key, which a browser never adds by itself."""
    if request.scope["type"] != "http" or not request.scope["path"].startswith("/api/"):
        return False
    is_preflight = request.scope["method"] == "OPTIONS" and "access-control-request-method" in request.headers
    return "authorization" in request.headers or is_preflight or request.scope["path"] == "/api/openapi.json"


def answer_stranger(request: HTTPConnection) -> Response:
    """Return a redirect to the sign-in form for a browser that opens a page, 401 for everything else."""
    if asks_for_page(request):
        return RedirectResponse(sign_in_path(requested_path(request.scope)), 303, {"Cache-Control": "no-store"})
    if request.scope["path"].startswith("/api/"):
        return _lacks_key()
    # Streamlit shows this text on an open page whose session has ended.
    return PlainTextResponse("Your session has ended. Reload this page to sign in again.\n", 401)


def _lacks_key() -> Response:
    """Return the API's answer to a request without a key; the body is not read."""
    request_id = uuid4().hex
    body = problem(401, NoKey.__name__, NoKey().message, request_id)
    headers = {"WWW-Authenticate": "Bearer", REQUEST_ID: request_id}
    return JSONResponse(body, 401, headers, media_type="application/problem+json")


def asks_for_page(request: HTTPConnection) -> bool:
    """Return whether a browser opens a page, rather than a script or program asking for a part of one."""
    if request.scope["type"] != "http" or request.scope["method"] not in ("GET", "HEAD"):
        return False
    if _MACHINE_PATH.match(request.scope["path"]):
        return False
    accept = request.headers.get("accept", "*/*")
    wanted = request.headers.get("sec-fetch-dest", "document")
    return wanted == "document" and ("text/html" in accept or accept.strip() == "*/*")


def requested_path(scope: Scope) -> str:
    """Return the path and query of the request, still percent-encoded."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


def sign_in_path(path: str) -> str:
    """Return the path of the sign-in form that redirects to `path` afterwards."""
    path = safe_next(path)
    return "/sign-in" if path == "/" else f"/sign-in?next={quote(path, safe='/')}"


def safe_next(path: str | None) -> str:
    """Return `path` if it is a page of this site, else the start page.

    Browsers read `//host` and `/\\host` as another host and drop control characters, so the path must contain none of
    these, encoded or not. The open paths are excluded, because they are not pages.
    """
    if not path or len(path) > LONGEST_NEXT or not _PRINTABLE.fullmatch(path):
        return "/"
    plain = path.partition("?")[0]
    for _ in range(3):  # a path may be encoded twice
        if not plain.startswith("/") or "//" in plain or "\\" in plain or not plain.isprintable():
            return "/"
        plain = unquote(plain)
    if "\\" in path or plain.rstrip("/") in OPEN_PATHS or "/_stcore" in plain:
        return "/"
    return path


def _changes_something(request: HTTPConnection) -> bool:
    return request.scope["type"] == "websocket" or request.scope["method"] not in _SAFE_METHODS


def foreign_origin(request: HTTPConnection) -> bool:
    """Return whether a page of another site sent the request. Browsers send `Origin`; programs do not."""
    origin = request.headers.get("origin")
    return origin is not None and not same_origin(origin, request.headers.get("host"))


def same_origin(origin: str | None, host: str | None) -> bool:
    """Return whether `Origin` names the host and port to which the request was sent."""
    if not origin or not host:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def hardened(send: Send, hosts: Sequence[str] = ()) -> Send:
    """Return `send` with the headers that stop a browser from framing these pages and from contacting other hosts.

    Pictures may come from `hosts`.
    """
    more = "".join(f" https://{host}" for host in hosts)
    policy = CONTENT_POLICY.replace("img-src 'self'", f"img-src 'self'{more}", 1)

    async def send_hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in (_HARDENING | {"Content-Security-Policy": policy}).items():
                headers.setdefault(name, value)
        await send(message)

    return send_hardened
