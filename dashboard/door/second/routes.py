"""The second step: the code after the password, setting up a factor that a role needs, and a person's own factors.

A browser at the second step has a half session in a cookie of its own, which only these pages receive. Nothing else
knows its token.
"""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.database import pool
from core.database.pool import Share
from core.foundation.errors import Refused, SignInRequired
from core.people.accounts import TooManyTries
from core.people.factors import own, passkeys, steps
from core.people.factors.own import Begun
from core.people.factors.passkeys import Purpose, Site
from core.people.factors.steps import Proof, Standing
from dashboard.door import ways
from dashboard.door.gate import COOKIE, safe_next
from dashboard.door.post import ALL_METHODS, address_of, read_form
from dashboard.door.second import forms, keys
from dashboard.door.signin import (
    BROWSER_COOKIE,
    CODE_PATH,
    HALF_COOKIE,
    SET_UP_PATH,
    admit,
    door,
    enter,
    look_up,
    password_checks,
    say,
    wait_sentence,
)  # fmt: skip
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr

_WRONG = marked("This code is wrong or was used before. Type the one that the app shows now.")
_WRONG_RECOVERY = marked("This recovery code is wrong or was used before.")
_WRONG_KEY = marked("This passkey is not known here, or its answer was used before.")
_NOT_YOU = marked("This is neither your password nor a code that works now.")


async def _half(request: Request, step: str) -> Standing:
    """Return the person whose half session lacks this step. Raises SignInRequired."""
    found = await look_up(steps.standing, token=request.cookies.get(HALF_COOKIE, ""))
    if found is None or found.step != step:
        raise SignInRequired
    return found


@door
async def code(request: Request) -> Response:
    """Ask for the code after the password, or take it."""
    standing = await _half(request, "code")
    if request.method == "POST":
        return await _take_code(request, standing, await read_form(request))
    recovery = request.query_params.get("recovery") == "1"
    return await _ask_code(request, standing, safe_next(request.query_params.get("next")), recovery=recovery)


async def _ask_code(
    request: Request,
    standing: Standing,
    next_path: str,
    *,
    recovery: bool = False,
    problem: str = "",
    status: int = 200,
) -> Response:
    """Return the page that asks for a code, and for a passkey if the person has one."""
    site, key = ways.site(), ""
    if site and standing.passkeys and not recovery:
        token = request.cookies.get(HALF_COOKIE, "")
        options = await look_up(passkeys.begin, site=site, purpose=Purpose.SECOND, token=token)
        key = keys.give_form(options, next_path, alone=False, focus=not standing.has_app)
    return keys.scripted(forms.code_form(standing, next_path, recovery=recovery, problem=problem, key=key), status)


async def _take_code(request: Request, standing: Standing, form: dict[str, str]) -> Response:
    next_path, recovery = safe_next(form.get("next")), form.get("kind") == "recovery"
    token = request.cookies.get(HALF_COOKIE, "")
    proof = await password_checks.run(
        steps.prove_code,
        pool.engine(Share.SIGN_IN),
        token=token,
        code=form.get("code", ""),
        address=address_of(request),
        browser=request.cookies.get(BROWSER_COOKIE),
    )
    if isinstance(proof, TooManyTries):
        problem = wait_sentence(proof.wait_seconds, by_link=False)
        answer = await _ask_code(request, standing, next_path, recovery=recovery, problem=problem, status=429)
        answer.headers["Retry-After"] = str(proof.wait_seconds)
        return answer
    session = await look_up(steps.finish_code, token=token, proof=proof, **_device(request)) if proof else None
    if session is None:
        problem = tr(_WRONG_RECOVERY if recovery else _WRONG)
        return await _ask_code(request, standing, next_path, recovery=recovery, problem=problem, status=401)
    return await enter(request, session, next_path)


@door
async def passkey(request: Request) -> Response:
    """Sign in with a passkey alone, or take a passkey as the second step."""
    site = ways.site()
    if site is None:
        return say(404, tr("Not found"), tr("This site has no passkeys: it needs a public address with https."))
    if request.method != "POST":
        return await _ask_passkey(site, safe_next(request.query_params.get("next")))
    form = await read_form(request)
    next_path, is_second = safe_next(form.get("next")), form.get("what") == "second"
    standing = await _half(request, "code") if is_second else None
    token = request.cookies.get(HALF_COOKIE, "") if is_second else None
    engine, answer = pool.engine(Share.SIGN_IN), form.get("answer", "")
    enter_with = partial(passkeys.enter, engine, site=site, token=token, answer=answer, **_device(request))
    problem = tr(_WRONG_KEY)
    try:
        session = await password_checks.run(enter_with)
    except Refused as refused:
        session, problem = None, translated(refused.message)
    if session is not None:
        return await enter(request, session, next_path)
    if standing is not None:
        return await _ask_code(request, standing, next_path, problem=problem, status=401)
    return await _ask_passkey(site, next_path, problem, 401)


async def _ask_passkey(site: Site, next_path: str, problem: str = "", status: int = 200) -> Response:
    options = await look_up(passkeys.begin, site=site, purpose=Purpose.ALONE)
    return keys.scripted(keys.sign_in_page(options, next_path, problem=problem), status)


@door
async def set_up(request: Request) -> Response:
    """Set up the app of a person whose role needs a second factor, right after the password."""
    standing, token = await _half(request, "enrol"), request.cookies.get(HALF_COOKIE, "")
    if request.method == "POST":
        form = await read_form(request)
        if form.get("do") in ("passkey", "add"):
            try:
                return await _take_key(request, standing, token, form, SET_UP_PATH)
            except Refused as problem:
                return await _show_app(
                    standing, token, SET_UP_PATH, safe_next(form.get("next")), translated(problem.message), 422
                )
        return await _take_app(request, standing, token, form, SET_UP_PATH)
    return await _show_app(standing, token, SET_UP_PATH, safe_next(request.query_params.get("next")))


@door
async def factors(request: Request) -> Response:
    """Show a signed-in person's own second factors, or change them."""
    token = request.cookies.get(COOKIE, "")
    standing = await look_up(steps.standing, token=token)
    if standing is None:
        raise SignInRequired
    if request.method != "POST":
        return await _show_factors(standing, token)
    form = await read_form(request)
    try:
        return await _change(request, standing, token, form)
    except Refused as problem:
        return await _show_factors(standing, token, translated(problem.message), 422)


async def _show_factors(standing: Standing, token: str, problem: str = "", status: int = 200) -> Response:
    found = await look_up(passkeys.own_passkeys, token=token)
    page = forms.factors_page(standing, found, problem=problem, may_key=ways.site() is not None)
    return HTMLResponse(page, status)


async def _change(request: Request, standing: Standing, token: str, form: dict[str, str]) -> Response:
    what = form.get("do", "")
    if what == "app" and not standing.has_factor:
        return await _show_app(standing, token, "/second-step", "/account")
    if what == "confirm":
        return await _take_app(request, standing, token, form, "/second-step")
    if what == "add" or (what == "passkey" and not standing.has_factor):
        return await _take_key(request, standing, token, form, "/second-step")
    proof = await _prove(request, standing, token, form.get(f"{what}_proof", ""))
    if isinstance(proof, Response):
        return proof
    if what == "app":
        return await _show_app(standing, token, "/second-step", "/account", proof=proof)
    if what == "passkey":
        return await _take_key(request, standing, token, form, "/second-step", proof)
    if what == "codes":
        codes = await look_up(own.renew_codes, token=token, proof=proof)
        return HTMLResponse(forms.codes_page(standing, codes, "/account"))
    if what == "remove":
        await look_up(own.remove, token=token, proof=proof)
    elif what == "unkey" and form.get("passkey", "").isdecimal():
        await look_up(own.remove, token=token, proof=proof, passkey=int(form["passkey"][:15]))
    return RedirectResponse("/second-step", 303)


async def _prove(request: Request, standing: Standing, token: str, typed: str) -> Proof | Response:
    """Return the proof that a signed-in person gave again, or the page that says why not."""
    found = await password_checks.run(
        steps.prove,
        pool.engine(Share.SIGN_IN),
        token=token,
        email=standing.email,
        typed=typed,
        address=address_of(request),
        browser=request.cookies.get(BROWSER_COOKIE),
    )
    if isinstance(found, TooManyTries):
        return await _show_factors(standing, token, wait_sentence(found.wait_seconds, by_link=False), 429)
    return found or await _show_factors(standing, token, tr(_NOT_YOU), 401)


async def _show_app(
    standing: Standing,
    token: str,
    action: str,
    next_path: str,
    problem: str = "",
    status: int = 200,
    *,
    proof: Proof | None = None,
) -> Response:
    secret = await look_up(own.begin_app, token=token, proof=proof)
    may_key = ways.site() is not None and not standing.has_factor
    return HTMLResponse(forms.app_form(standing, secret, action, next_path, problem=problem, may_key=may_key), status)


async def _take_app(request: Request, standing: Standing, token: str, form: dict[str, str], action: str) -> Response:
    next_path = safe_next(form.get("next"))
    secret = await look_up(own.begin_app, token=token)
    try:
        begun = await look_up(
            own.confirm_app, token=token, secret=secret, code=form.get("code", ""), **_device(request)
        )
    except Refused as problem:
        return await _show_app(standing, token, action, next_path, translated(problem.message), 422)
    return await _begun(request, standing, begun, next_path)


async def _take_key(
    request: Request, standing: Standing, token: str, form: dict[str, str], action: str, proof: Proof | None = None
) -> Response:
    """Show the page that makes a passkey, or take the one that was made."""
    site = ways.site()
    if site is None:
        return say(404, tr("Not found"), tr("This site has no passkeys: it needs a public address with https."))
    if form.get("do") != "add":
        options = await look_up(passkeys.begin, site=site, purpose=Purpose.REGISTER, token=token, proof=proof)
        return keys.scripted(keys.make_page(options, action, safe_next(form.get("next"))))
    made, name = form.get("answer", ""), form.get("name", "")
    engine = pool.engine(Share.SIGN_IN)
    add = partial(passkeys.add, engine, site=site, token=token, answer=made, name=name, **_device(request))
    begun = await password_checks.run(add)
    return await _begun(request, standing, begun, safe_next(form.get("next")))


async def _begun(request: Request, standing: Standing, begun: Begun, next_path: str) -> Response:
    """Return the page of the recovery codes of a first factor, with the session of a half session."""
    if not begun.codes:
        return RedirectResponse(next_path, 303)
    response = HTMLResponse(forms.codes_page(standing, begun.codes, next_path))
    return response if begun.session is None else await admit(request, begun.session, response)


def _device(request: Request) -> dict[str, str | None]:
    return {"user_agent": request.headers.get("user-agent"), "previous": request.cookies.get(COOKIE)}


ROUTES: list[BaseRoute] = [
    Route(CODE_PATH, code, methods=ALL_METHODS),
    Route("/sign-in/passkey", passkey, methods=ALL_METHODS),
    Route(SET_UP_PATH, set_up, methods=ALL_METHODS),
    Route("/second-step", factors, methods=ALL_METHODS),
]
