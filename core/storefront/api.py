"""The storefront's HTTP API: check a cart, hold it, release it, pay for it. The only module that imports FastAPI.

A key identifies the caller (`core/people/api_keys.py`). Every response has a request id. Errors are problem+json. The
operations of core do the work, so the same rules apply as on pages.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from core.database.engine import call, one_statement, run
from core.foundation.errors import Forbidden, StockError, Unavailable
from core.foundation.model import Actor
from core.ledger import holds
from core.ledger.holds import Wanted
from core.people.api_keys import Caller, Scope
from core.storefront import answers, changes, checkout, levels, models, paid_orders
from core.storefront.doors import Doorkeeper, Limits, NoKey, problem, status_of
from core.stripe.gateway import Found, Gateway, current

log = logging.getLogger("stockroom")

_IdempotencyKey = Annotated[models.ShortText | None, Header(max_length=120)]
_Ids = Annotated[list[UUID], Query(max_length=levels.MOST_NAMED)]
_Skus = Annotated[list[models.ShortText], Query(max_length=levels.MOST_NAMED)]
_BEARER = HTTPBearer(auto_error=False, description="An API key of Stockroom, created in Settings")


def _problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route can return."""
    return {code: {"model": models.Problem, "description": _PROBLEMS[code]} for code in codes}


_PUBLIC_FACTS = ("short", "field", "why", "variants", "choices", "reservation", "payment_status")
_PROBLEMS = {
    401: "The key is missing or not valid",
    403: "The key lacks the scope",
    404: "A variant is not in the catalogue, or a payment does not exist at Stripe",
    409: "Not enough stock (`short` names every line), a known Idempotency-Key, not paid yet, or already paid",
    410: "There is no such hold, or it has ended",
    413: "The body is too large",
    422: "The request is not valid",
    429: "Too many requests",
    502: "Stripe refused the request",
    503: "The database or Stripe is not available; a retry is safe",
}


def create_api(
    engine: Callable[[], Engine],
    *,
    gateway: Gateway | Found | None = None,
    has_mail: bool = False,
    sell_unverified: bool = False,
    allowed_origins: Sequence[str] = (),
) -> FastAPI:
    """Return the API over a database and, optionally, a Stripe account.

    `has_mail`: a mail account confirms orders. `sell_unverified`: while the database is not available, answer that a
    cart is valid.
    """
    api = FastAPI(
        title="Stockroom",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=_problems(401, 403, 413, 422, 429, 503),
        # Our own meter measures requests. This one would do it a second time, for nobody.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        description="Check, hold and sell stock. Times are UTC, quantities are units.",
    )
    _handle_errors(api)
    if allowed_origins:
        api.add_middleware(
            CORSMiddleware, allow_origins=list(allowed_origins), allow_methods=["*"], allow_headers=["*"]
        )
    api.add_middleware(Limits)
    doors = _Doors(engine)
    api.include_router(_stock_routes(doors, sell_unverified))
    api.include_router(_reservation_routes(doors))
    api.include_router(_level_routes(doors))
    api.include_router(_order_routes(doors, gateway, has_mail))
    return api


class _Doors:
    """What every route needs: the database, and the check of keys."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self.engine = engine
        self.keeper = Doorkeeper(engine)

    def with_scope(self, scope: Scope) -> Callable[..., Awaitable[Caller]]:
        """Return the dependency that admits callers whose key has this scope."""

        async def admit(found: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> Caller:
            if found is None:
                raise NoKey
            caller = self.keeper.admit_known(found.credentials)
            if caller is None:  # only the database knows: this takes a thread
                caller = await run_in_threadpool(self.keeper.admit, found.credentials)
            if scope not in caller.scopes:
                raise Forbidden(f"This key lacks the scope {scope}.")
            return caller

        return admit


def _stock_routes(doors: _Doors, sell_unverified: bool) -> APIRouter:
    routes = APIRouter(prefix="/stock", tags=["stock"])
    may_validate = Depends(doors.with_scope(Scope.VALIDATE))

    @routes.post("/validate")
    def validate(cart: models.Check, caller: Caller = may_validate) -> models.Checked:
        """Check whether a cart can be sold now. Nothing is held."""
        items = [item.model_dump() for item in cart.items]
        try:
            return models.Checked(**run(doors.engine(), check_cart, _actor(caller), items=items))
        except Unavailable:
            if not sell_unverified:
                raise
            count = len(cart.items)
            return models.Checked(valid=True, verified=False, issues=[], items=[], total_items=count, valid_items=count)

    return routes


@one_statement
def check_cart(connection: Connection, _: Actor, *, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return `valid`, an issue for every line that cannot be sold, and every line with what is available.

    Each item names a variant, a SKU or a product, and a quantity; anything wrong with an item becomes an issue. The
    rules are in core/sql/70_storefront/1_contract.sql. Raises InvalidInput if `items` is not a list of items.
    """
    found: dict[str, Any] = call(
        connection, "select stockroom_api.check_cart(%(items)s::jsonb)", {"items": json.dumps(list(items), default=str)}
    )[0][0]
    return found


def _level_routes(doors: _Doors) -> APIRouter:
    routes = APIRouter(tags=["levels"])
    may_read = Depends(doors.with_scope(Scope.READ))

    @routes.get("/levels", response_model=models.Levels, responses={304: {"description": "Nothing has changed"}})
    def read(
        id: _Ids = [],  # noqa: A002, B006 - named as in the address; FastAPI copies it
        sku: _Skus = [],  # noqa: B006
        since: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=levels.MOST)] = 500,
        if_none_match: Annotated[str | None, Header()] = None,
        caller: Caller = may_read,
    ) -> Response:
        """Return available units: of variants by `id` and `sku`, else of all that changed `since` a cursor."""
        wanted = levels.Wanted(ids=id, skus=sku, since=since, limit=limit)
        return answers.levels_of(run(doors.engine(), levels.read, _actor(caller), wanted=wanted), if_none_match)

    return routes


def _reservation_routes(doors: _Doors) -> APIRouter:
    routes = APIRouter(prefix="/reservations", tags=["reservations"], responses=_problems(404, 409, 410))
    may_reserve = Depends(doors.with_scope(Scope.RESERVE))

    @routes.post("", status_code=201)
    def hold(
        cart: models.Hold,
        caller: Caller = may_reserve,
        idempotency_key: _IdempotencyKey = None,
    ) -> models.Held:
        """Hold all units of a cart, or none (409 names every short line). The same Idempotency-Key is the same hold."""
        found = run(
            doors.engine(),
            holds.hold,
            _actor(caller),
            items=_wanted(cart.items),
            key=_key("api", caller, idempotency_key),
            reference=cart.reference,
            ttl_seconds=cart.ttl_seconds,
        )
        return answers.held_of(found)

    @routes.get("/{reservation_id}")
    def look(reservation_id: UUID, caller: Caller = may_reserve) -> models.Held:
        """Return a hold."""
        return answers.held_of(run(doors.engine(), holds.get, _actor(caller), reservation_id=reservation_id))

    @routes.patch("/{reservation_id}")
    def extend(reservation_id: UUID, wanted: models.Extension, caller: Caller = may_reserve) -> models.Held:
        """Extend a hold; 410 if it has ended."""
        seconds = wanted.ttl_seconds
        engine, actor = doors.engine(), _actor(caller)
        return answers.held_of(run(engine, holds.extend, actor, reservation_id=reservation_id, ttl_seconds=seconds))

    @routes.delete("/{reservation_id}")
    def release(reservation_id: UUID, caller: Caller = may_reserve) -> models.Held:
        """Release a hold; one that has ended stays as it is."""
        return answers.held_of(run(doors.engine(), holds.release, _actor(caller), reservation_id=reservation_id))

    return routes


def _order_routes(doors: _Doors, gateway: Gateway | Found | None, has_mail: bool) -> APIRouter:
    routes = APIRouter(tags=["orders"], responses=_problems(404, 409, 410, 502))
    may_order = Depends(doors.with_scope(Scope.ORDERS))

    @routes.post("/stripe/create-payment-intent", status_code=201)
    def pay(
        cart: models.Purchase,
        caller: Caller = may_order,
        idempotency_key: _IdempotencyKey = None,
    ) -> models.Payment:
        """Hold a cart and create its payment at catalogue prices. The same cartId or Idempotency-Key is the same
        payment: its hold is extended, and a cart with other content changes it."""
        key = _key("pay", caller, idempotency_key)
        purchase, scope = answers.purchase_of(cart), str(caller.key_id)
        return answers.payment_of(
            checkout.begin_payment(
                doors.engine(), current(gateway), _actor(caller), purchase=purchase, key=key, scope=scope
            )
        )

    @routes.patch("/stripe/payment-intents/{payment_intent_id}")
    def change(payment_intent_id: str, wanted: models.PurchaseChange, caller: Caller = may_order) -> models.Payment:
        """Change a begun payment: hold, amount and metadata together, or nothing. One that is paid is not changed."""
        purchase, scope = answers.purchase_of(wanted), str(caller.key_id)
        engine, stripe, actor = doors.engine(), current(gateway), _actor(caller)
        return answers.payment_of(
            changes.change_payment(engine, stripe, actor, payment_id=payment_intent_id, purchase=purchase, scope=scope)
        )

    @routes.post("/orders/create-from-payment", response_model=models.Order)
    def order(paid: models.Paid, caller: Caller = may_order) -> Response:
        """Record the order of a succeeded payment and take it off the shelf, once, even if called again."""
        engine, actor = doors.engine(), _actor(caller)
        found = paid_orders.order_of_payment(engine, current(gateway), actor, payment_id=paid.payment_intent_id)
        answer = answers.order_of(found, mail=paid_orders.confirm(engine, found, has_account=has_mail))
        # Written here, so that FastAPI neither checks it again nor takes another thread for it.
        return Response(answer.model_dump_json(by_alias=True), media_type="application/json")

    return routes


def _wanted(items: Sequence[models.HoldItem]) -> list[Wanted]:
    return [Wanted(variant_id=item.variant_id, sku=item.sku, quantity=item.quantity) for item in items]


def _key(door: str, caller: Caller, given: str | None) -> str:
    """Return the key of an operation: the caller's Idempotency-Key, made unique to the caller, or a new key."""
    return f"{door}:{caller.key_id}:{given or uuid4()}"


def _actor(caller: Caller) -> Actor:
    return Actor(name=caller.name)


def _handle_errors(api: FastAPI) -> None:
    """Return every error as problem+json with the request's id."""

    def answer(request: Request, status: int, title: str, detail: str, **facts: object) -> JSONResponse:
        headers = {"Retry-After": "5"} if status in (429, 503) else {}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        body = problem(status, title, detail, str(request.state.request_id), **facts)
        return JSONResponse(body, status, headers=headers, media_type="application/problem+json")

    @api.exception_handler(StockError)
    def refused(request: Request, error: StockError) -> JSONResponse:
        facts = json.loads(json.dumps(error.facts, default=str))
        known = {name: facts[name] for name in _PUBLIC_FACTS if name in facts}
        return answer(request, status_of(error), type(error).__name__, error.message, **known)

    @api.exception_handler(RequestValidationError)
    def not_understood(request: Request, error: RequestValidationError) -> JSONResponse:
        found = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()[:20]]
        return answer(request, 422, "InvalidInput", "; ".join(found)[:2_000])

    @api.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> JSONResponse:
        return answer(request, error.status_code, "HTTP error", str(error.detail))

    @api.exception_handler(Exception)
    def fault(request: Request, error: Exception) -> JSONResponse:
        log.error("API request %s", request.state.request_id, exc_info=error)
        return answer(request, 500, "Fault", "Stockroom failed; the request id is in its log.")
