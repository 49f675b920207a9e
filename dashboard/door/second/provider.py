"""Signing in at the shop's own identity provider: the route of the button, and the one of the way back."""

from __future__ import annotations

import logging
import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from core.foundation.addresses import IDENTITY_BACK
from core.foundation.places import Places
from core.people import identity
from core.people.identity import NotSignedIn
from dashboard.door import ways
from dashboard.door.gate import COOKIE, safe_next
from dashboard.door.post import ALL_METHODS
from dashboard.door.signin import door, enter, is_https, look_up, say
from dashboard.language.texts import marked, tr

log = logging.getLogger("stockroom")
STATE_COOKIE, PATH = "stockroom_oidc", "/sign-in/oidc"
_LIFE = 600
_FAILED = marked("Your sign-in did not arrive completely, or too late. Begin again.")
_CANCELLED = marked("Your work account did not sign you in: you cancelled there, or you may not use Stockroom with it.")
_UNKNOWN = marked(
    "No account of this shop has the verified email address of your work account. Ask an admin to add you with that "
    "address."
)

# The provider is another server: waiting for it must not keep those who sign in with a password.
_visits = Places(4, 10.0)


@door
async def depart(request: Request) -> Response:
    """Send the browser to the provider."""
    provider = ways.provider()
    if provider is None:
        return say(404, tr("Not found"), tr("This site has no identity provider."))
    trip = await _visits.run(identity.depart, provider)
    await look_up(identity.keep, trip=trip, next_path=safe_next(request.query_params.get("next")))
    response = RedirectResponse(trip.url, 303)
    secure = is_https(request)
    response.set_cookie(
        STATE_COOKIE, trip.state, max_age=_LIFE, path=PATH, httponly=True, samesite="lax", secure=secure
    )
    return response


@door
async def arrive(request: Request) -> Response:
    """Take what the provider answered. The state must be the one that this browser took along, and unused."""
    provider, given = ways.provider(), request.query_params
    if provider is None:
        return say(404, tr("Not found"), tr("This site has no identity provider."))
    state, mine = given.get("state", ""), request.cookies.get(STATE_COOKIE, "")
    kept = await look_up(identity.take, state=state) if secrets.compare_digest(state.encode(), mine.encode()) else None
    if given.get("error"):
        return say(400, tr("Not signed in"), tr(_CANCELLED))
    if kept is None or not given.get("code"):
        return say(400, tr("Not signed in"), tr(_FAILED))
    nonce, verifier = kept["nonce"], kept["verifier"]
    try:
        who = await _visits.run(identity.arrive, provider, code=given["code"], nonce=nonce, verifier=verifier)
    except NotSignedIn as problem:
        log.warning("A sign-in at the identity provider was refused: %s", problem)
        return say(400, tr("Not signed in"), tr(_FAILED))
    device = {"user_agent": request.headers.get("user-agent"), "previous": request.cookies.get(COOKIE)}
    session = await look_up(identity.enter_as, provider=provider, who=who, **device)
    if session is None:
        return say(403, tr("Not signed in"), tr(_UNKNOWN))
    response = await enter(request, session, safe_next(kept["next"]))
    response.delete_cookie(STATE_COOKIE, PATH, httponly=True, samesite="lax", secure=is_https(request))
    return response


ROUTES: list[BaseRoute] = [
    Route(PATH, depart, methods=ALL_METHODS),
    Route(IDENTITY_BACK, arrive, methods=ALL_METHODS),
]
