"""Sign-in, sign-out, one-time links and passwords, served as plain HTML beside Streamlit.

A password typed here never reaches the websocket, a widget or the session state, and only a route can set a cookie that
scripts cannot read. The scheme and the client address come from the ASGI server, which accepts X-Forwarded-* headers
only from trusted proxies (STOCKROOM_TRUSTED_PROXIES).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.database import engine as database
from core.database import pool
from core.database.pool import Share
from core.foundation.errors import Refused, SignInRequired, StockError, Unavailable
from core.foundation.model import Role
from core.foundation.places import Places
from core.people import accounts, browsers
from core.people.accounts import NewSession, ProvenPassword, SignedIn, TooManyTries
from core.people.factors.half import HalfSession
from core.people.reading import shop_reading
from dashboard.door import signin_page
from dashboard.door.gate import COOKIE, SIGNED_IN, safe_next, sign_in_path
from dashboard.door.post import ALL_METHODS, UnusableForm, address_of, read_form, refuse_other_sites
from dashboard.door.ways import following
from dashboard.language.reader import ENGLISH, Reader, reader_of, set_reader
from dashboard.language.said import translated
from dashboard.language.texts import marked, noun, tr

BROWSER_COOKIE = "stockroom_browser"
"""The cookie of a browser that has signed in before: it gives no access, only a count of wrong passwords of its own."""
HALF_COOKIE, HALF_AT = "stockroom_half", "/sign-in"
"""The cookie of a half session, and the only pages that receive it."""
CODE_PATH, SET_UP_PATH = "/sign-in/code", "/sign-in/set-up"

_WRONG = marked("The email or password is incorrect. Check both and try again.")
_USED_UP = marked("This link was already used, has expired, or was replaced by a newer one. Ask for a new link.")

_lookups = Places(4, 3.0)
# Each takes a tenth of a second of one core and 64 MiB: more at once would only slow down everything else.
password_checks = Places(2, 10.0)
_P = ParamSpec("_P")
_T = TypeVar("_T")
_Page = Callable[[Request], Awaitable[Response]]


async def look_up(operation: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run an operation that takes no actor, within the places for signing in."""
    work = partial(accounts.at_the_door, pool.engine(Share.SIGN_IN), operation)
    return await _lookups.run(work, *args, **kwargs)


async def find_session(token: str) -> SignedIn | None:
    """Return the person signed in with `token`. The gate calls this for every request."""
    return await look_up(accounts.find_session, token=token)


async def _shop_reader() -> Reader:
    """Return who reads before anybody has signed in: the shop's choice, or English while the database is away."""
    try:
        found = await look_up(shop_reading)
    except StockError:
        return ENGLISH
    return reader_of(found.language, found.format)


# ---------------------------------------------------------------- the pages


def door(page: _Page) -> _Page:
    """Return `page` with its errors shown as pages, and with the headers of a plain HTML page."""

    @wraps(page)
    async def answer(request: Request) -> Response:
        signed_in: SignedIn | None = request.scope.get(SIGNED_IN)
        set_reader(reader_of(signed_in.language, signed_in.format) if signed_in else await _shop_reader())
        try:
            response = await page(request) if request.method in ("GET", "HEAD", "POST") else _not_possible()
        except UnusableForm as problem:
            response = say(problem.status, tr("The form was rejected"), translated(problem.sentence))
        except Unavailable as problem:
            response = say(503, tr("Temporarily unavailable"), translated(problem.message))
        except SignInRequired:
            response = RedirectResponse(sign_in_path(request.url.path), 303)
        response.headers["Cache-Control"] = "no-store"
        response.headers.setdefault("Content-Security-Policy", signin_page.POLICY)
        return response

    return answer


@door
async def sign_in(request: Request) -> Response:
    """Show the sign-in form, or take it."""
    if request.method == "POST":
        return await _take_sign_in(request, await read_form(request))
    next_path = safe_next(request.query_params.get("next"))
    if await find_session(request.cookies.get(COOKIE, "")):
        return RedirectResponse(next_path, 303)
    return HTMLResponse(signin_page.sign_in_form(next_path))


async def _take_sign_in(request: Request, form: dict[str, str]) -> Response:
    next_path, email = safe_next(form.get("next")), form.get("email", "").strip()
    session = await password_checks.run(
        accounts.sign_in,
        pool.engine(Share.SIGN_IN),
        email=email,
        password=form.get("password", ""),
        address=address_of(request),
        user_agent=request.headers.get("user-agent"),
        previous=request.cookies.get(COOKIE),
        browser=request.cookies.get(BROWSER_COOKIE),
    )
    if isinstance(session, NewSession | HalfSession):
        return await enter(request, session, next_path)
    if isinstance(session, TooManyTries):
        page = signin_page.sign_in_form(next_path, email=email, problem=wait_sentence(session.wait_seconds))
        return HTMLResponse(page, 429, {"Retry-After": str(session.wait_seconds)})
    return HTMLResponse(signin_page.sign_in_form(next_path, email=email, problem=tr(_WRONG)), 401)


@door
async def welcome(request: Request) -> Response:
    """Show a button for a one-time link, or take it. Only the button uses the link up, so a link preview does not."""
    if request.method == "POST":
        return await _take_link(request, await read_form(request))
    link = request.query_params.get("token", "")
    name = await look_up(accounts.find_link, link=link)
    if name is None:
        return say(410, tr("This link no longer works"), tr(_USED_UP))
    return HTMLResponse(signin_page.link_form(name, link))


async def _take_link(request: Request, form: dict[str, str]) -> Response:
    session = await look_up(
        accounts.use_link,
        link=form.get("token", ""),
        user_agent=request.headers.get("user-agent"),
        previous=request.cookies.get(COOKIE),
    )
    if session is None:
        return say(410, tr("This link no longer works"), tr(_USED_UP))
    return await enter(request, session, "/")


@door
async def password(request: Request) -> Response:
    """Show the form in which a signed-in person sets or changes their password, or take it."""
    signed_in: SignedIn = request.scope[SIGNED_IN]
    form = await read_form(request) if request.method == "POST" else None
    if form is None:
        return _password_page(signed_in, {})
    if form.get("password") != form.get("again"):
        return _password_page(signed_in, form, tr("The new passwords do not match."), 422)
    return await password_checks.run(_change_password, signed_in, form, request)


def _change_password(signed_in: SignedIn, form: dict[str, str], request: Request) -> Response:
    actor, engine = signed_in.actor, pool.engine(Share.SIGN_IN)
    proof: ProvenPassword | None = None
    if signed_in.has_password:
        current = form.get("current", "")
        found = accounts.prove_password(
            engine,
            email=actor.email or "",
            password=current,
            address=address_of(request),
            browser=request.cookies.get(BROWSER_COOKIE),
        )
        if isinstance(found, TooManyTries):
            return _password_page(signed_in, form, wait_sentence(found.wait_seconds), 429)
        if found is None:
            return _password_page(signed_in, form, tr("The current password is incorrect."), 401)
        proof = found
    own = {"name": form.get("name", ""), "email": form.get("email", "")} if _names_itself(signed_in) else {}
    try:
        new = form.get("password", "")
        database.run(engine, accounts.set_own_password, actor, password=new, proof=proof, **own)
    except Refused as problem:
        return _password_page(signed_in, form, translated(problem.message), 422)
    return RedirectResponse("/", 303)


def _names_itself(signed_in: SignedIn) -> bool:
    return signed_in.actor.role == Role.ADMIN and not signed_in.has_password


def _password_page(signed_in: SignedIn, form: dict[str, str], problem: str = "", status: int = 200) -> Response:
    first_start = signed_in.actor.email == "admin@localhost"
    page = signin_page.password_form(
        name=form.get("name", "" if first_start else signed_in.actor.name),
        email=form.get("email", "" if first_start else signed_in.actor.email or ""),
        has_password=signed_in.has_password,
        names_itself=_names_itself(signed_in),
        problem=problem,
    )
    return HTMLResponse(page, status)


@door
async def sign_out(request: Request) -> Response:
    """End this browser's session. A GET request changes nothing."""
    if request.method != "POST":
        return RedirectResponse("/", 303)
    refuse_other_sites(request)
    token = request.cookies.get(COOKIE, "")
    await look_up(accounts.sign_out, token=token)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=is_https(request))
    return response


ROUTES: list[BaseRoute] = [
    Route("/sign-in", sign_in, methods=ALL_METHODS),
    Route("/sign-out", sign_out, methods=ALL_METHODS),
    Route("/welcome", welcome, methods=ALL_METHODS),
    Route("/password", password, methods=ALL_METHODS),
]


# ---------------------------------------------------------------- their parts


async def enter(request: Request, session: NewSession | HalfSession, next_path: str) -> Response:
    """Return the redirect of a new session, or of a half session to the step that it lacks."""
    if isinstance(session, NewSession):
        return await admit(request, session, RedirectResponse(next_path, 303))
    page = SET_UP_PATH if session.must_enrol else CODE_PATH
    response = RedirectResponse(f"{page}{following(next_path)}", 303)
    _set(request, response, HALF_COOKIE, session.token, _life(session.expires_at), HALF_AT)
    return response


async def admit(request: Request, session: NewSession, response: Response) -> Response:
    """Give the browser a session with this response. It is known from now on, also after the session ends."""
    token = await look_up(browsers.know, session=session.token, shown=request.cookies.get(BROWSER_COOKIE))
    _set(request, response, COOKIE, session.token, _life(session.expires_at))
    _set(request, response, BROWSER_COOKIE, token, browsers.DAYS_KNOWN * 24 * 60 * 60)
    if HALF_COOKIE in request.cookies:
        response.delete_cookie(HALF_COOKIE, HALF_AT, httponly=True, samesite="lax", secure=is_https(request))
    return response


def remember(request: Request, session: NewSession, next_path: str) -> Response:
    """Return a redirect with the session cookie, which neither scripts nor other sites can read."""
    response = RedirectResponse(next_path, 303)
    _set(request, response, COOKIE, session.token, _life(session.expires_at))
    return response


def _set(request: Request, response: Response, name: str, token: str, life: int, path: str = "/") -> None:
    secure = is_https(request)
    response.set_cookie(name, token, max_age=life, path=path, httponly=True, samesite="lax", secure=secure)


def _life(expires_at: datetime) -> int:
    return int((expires_at - datetime.now(UTC)).total_seconds())


def is_https(request: HTTPConnection) -> bool:
    """Return whether the browser reached us over https."""
    return request.scope.get("scheme") in ("https", "wss")


def wait_sentence(seconds: int, *, by_link: bool = True) -> str:
    """Return a sentence that says how long to wait. A one-time link replaces a password, not a second factor."""
    if seconds < 60:
        span = f"{seconds} {noun(seconds, 'second', 'seconds')}"
    else:
        minutes = -(-seconds // 60)
        span = f"{minutes} {noun(minutes, 'minute', 'minutes')}"
    if not by_link:
        return tr("Too many failed attempts. Wait {span}, then try again.", span=span)
    return tr("Too many failed attempts. Wait {span}, then try again, or ask an admin for a one-time link.", span=span)


def _not_possible() -> Response:
    answer = say(405, tr("Method not allowed"), tr("This address only shows and accepts a form."))
    answer.headers["Allow"] = "GET, HEAD, POST"
    return answer


def say(status: int, title: str, sentence: str) -> Response:
    """Return a page with one sentence."""
    return HTMLResponse(signin_page.message(title, sentence), status)
