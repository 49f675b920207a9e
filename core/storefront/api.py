"""The storefront's HTTP API: check a cart, hold it, release it, pay for it. The only module that imports FastAPI.

A key identifies the caller (`core/people/api_keys.py`). Every response has a request id. Errors are problem+json. The
operations of core do the work, so the same rules apply as on pages.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from core.database.engine import run
from core.foundation.errors import Forbidden, StockError, Unavailable
from core.foundation.model import Actor
from core.foundation.places import Places
from core.ledger import holds
from core.ledger.holds import Reservation, Wanted
from core.people.api_keys import Caller, Scope
from core.storefront import answers, changes, checkout, levels, models, paid_orders
from core.storefront.crowds import Crowds
from core.storefront.doors import PUBLIC_FACTS, Doorkeeper, Limits, NoKey, problem, problems, status_of
from core.storefront.paid_orders import PaidOrder, Succeeded
from core.storefront.payments import Begun
from core.stripe.gateway import Found, Gateway, current

log = logging.getLogger("stockroom")

PATIENCE = 1.0
"""Seconds that a request waits for a thread before it is answered with 503."""
_IdempotencyKey = Annotated[models.ShortText | None, Header(max_length=120)]
_Ids = Annotated[list[UUID], Query(max_length=levels.MOST_NAMED)]
_Skus = Annotated[list[models.ShortText], Query(max_length=levels.MOST_NAMED)]
_BEARER = HTTPBearer(auto_error=False, description="An API key of Stockroom, created in Settings")


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
        responses=problems(401, 403, 413, 422, 429, 503),
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
    """What every route needs: the database, the check of keys, and threads.

    Requests that ask Stripe, and those that change a payment, have threads of their own: while they wait for Stripe or
    for a locked row, the others find free ones.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self.engine = engine
        self.keeper = Doorkeeper(engine)
        self.stock, self.stripe, self.changes = Places(8, PATIENCE), Places(8, PATIENCE), Places(2, PATIENCE)
        self.crowds = Crowds()

    def with_scope(self, scope: Scope) -> Callable[..., Awaitable[Caller]]:
        """Return the dependency that admits callers whose key has this scope."""

        async def admit(found: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> Caller:
            if found is None:
                raise NoKey
            caller = await self.keeper.caller(found.credentials, self.stock)
            if scope not in caller.scopes:
                raise Forbidden(f"This key lacks the scope {scope}.")
            return caller

        return admit


def _stock_routes(doors: _Doors, sell_unverified: bool) -> APIRouter:
    routes = APIRouter(prefix="/stock", tags=["stock"])
    may_validate = Depends(doors.with_scope(Scope.VALIDATE))

    @routes.post("/validate")
    async def validate(cart: models.Check, caller: Caller = may_validate) -> models.Checked:
        """Check whether a cart can be sold now. Nothing is held."""
        items = [item.model_dump() for item in cart.items]
        try:
            found = await doors.stock.run(run, doors.engine(), checkout.check_cart, _actor(caller), items=items)
            return models.Checked(**found)
        except Unavailable:
            if not sell_unverified:
                raise
            count = len(cart.items)
            return models.Checked(valid=True, verified=False, issues=[], items=[], total_items=count, valid_items=count)

    return routes


def _level_routes(doors: _Doors) -> APIRouter:
    routes = APIRouter(tags=["levels"])
    may_read = Depends(doors.with_scope(Scope.READ))

    @routes.get("/levels", response_model=models.Levels, responses={304: {"description": "Nothing has changed"}})
    async def read(
        id: _Ids = [],  # noqa: A002, B006 - named as in the address; FastAPI copies it
        sku: _Skus = [],  # noqa: B006
        since: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=levels.MOST)] = 500,
        if_none_match: Annotated[str | None, Header()] = None,
        caller: Caller = may_read,
    ) -> Response:
        """Return available units: of variants by `id` and `sku`, else of all that changed `since` a cursor."""
        wanted = levels.Wanted(ids=id, skus=sku, since=since, limit=limit)
        found = await doors.stock.run(run, doors.engine(), levels.read, _actor(caller), wanted=wanted)
        return answers.levels_of(found, if_none_match)

    return routes


def _reservation_routes(doors: _Doors) -> APIRouter:
    routes = APIRouter(prefix="/reservations", tags=["reservations"], responses=problems(404, 409, 410))
    may_reserve = Depends(doors.with_scope(Scope.RESERVE))

    async def answer(
        names: Iterable[object], operation: Callable[..., Reservation], caller: Caller, **values: Any
    ) -> models.Held:
        """Run an operation on a hold, behind those who wait for the same variants."""
        async with doors.crowds.passing(names):
            found = await doors.stock.run(run, doors.engine(), operation, _actor(caller), **values)
        doors.crowds.know(found.reservation_id, [line.variant_id for line in found.lines])
        for line in found.lines:
            doors.crowds.know(line.sku, [line.variant_id])
        return answers.held_of(found)

    @routes.post("", status_code=201)
    async def hold(
        cart: models.Hold,
        caller: Caller = may_reserve,
        idempotency_key: _IdempotencyKey = None,
    ) -> models.Held:
        """Hold all units of a cart, or none (409 names every short line). The same Idempotency-Key is the same hold."""
        return await answer(
            map(answers.name_of, cart.items),
            holds.hold,
            caller,
            items=_wanted(cart.items),
            key=_key("api", caller, idempotency_key),
            reference=cart.reference,
            ttl_seconds=cart.ttl_seconds,
        )

    @routes.get("/{reservation_id}")
    async def look(reservation_id: UUID, caller: Caller = may_reserve) -> models.Held:
        """Return a hold."""
        return await answer([], holds.get, caller, reservation_id=reservation_id)

    @routes.patch("/{reservation_id}")
    async def extend(reservation_id: UUID, wanted: models.Extension, caller: Caller = may_reserve) -> models.Held:
        """Extend a hold; 410 if it has ended."""
        seconds = wanted.ttl_seconds
        return await answer([reservation_id], holds.extend, caller, reservation_id=reservation_id, ttl_seconds=seconds)

    @routes.delete("/{reservation_id}")
    async def release(reservation_id: UUID, caller: Caller = may_reserve) -> models.Held:
        """Release a hold; one that has ended stays as it is."""
        return await answer([reservation_id], holds.release, caller, reservation_id=reservation_id)

    return routes


def _order_routes(doors: _Doors, gateway: Gateway | Found | None, has_mail: bool) -> APIRouter:
    routes = APIRouter(tags=["orders"], responses=problems(404, 409, 410, 502))
    may_order = Depends(doors.with_scope(Scope.ORDERS))

    def asking(work: Callable[..., Any], *args: Any, **values: Any) -> Any:
        """Do work that needs the database and Stripe, in a thread."""
        return work(doors.engine(), current(gateway), *args, **values)

    def answer(begun: Begun) -> models.Payment:
        doors.crowds.know(begun.payment_id, [line.variant_id for line in begun.checkout.lines])
        return answers.payment_of(begun)

    @routes.post("/stripe/create-payment-intent", status_code=201)
    async def pay(
        cart: models.Purchase,
        caller: Caller = may_order,
        idempotency_key: _IdempotencyKey = None,
    ) -> models.Payment:
        """Hold a cart and create its payment at catalogue prices. The same cartId or Idempotency-Key is the same
        payment: its hold is extended, and a cart with other content changes it."""
        actor, wanted = _actor(caller), {"purchase": answers.purchase_of(cart), "scope": str(caller.key_id)}
        wanted["key"] = _key("pay", caller, idempotency_key)
        async with doors.crowds.passing(answers.names_of(cart)):
            held = await doors.stock.run(asking, checkout.reserve, actor, **wanted)
        return answer(await doors.stripe.run(asking, checkout.begin_payment, actor, reserved=held, **wanted))

    @routes.patch("/stripe/payment-intents/{payment_intent_id}")
    async def change(
        payment_intent_id: str, wanted: models.PurchaseChange, caller: Caller = may_order
    ) -> models.Payment:
        """Change a begun payment: hold, amount and metadata together, or nothing. One that is paid is not changed."""
        purchase, scope = answers.purchase_of(wanted), str(caller.key_id)
        values: dict[str, Any] = {"payment_id": payment_intent_id, "purchase": purchase, "scope": scope}
        return answer(await doors.changes.run(asking, changes.change_payment, _actor(caller), **values))

    @routes.post("/orders/create-from-payment", response_model=models.Order)
    async def order(paid: models.Paid, caller: Caller = may_order) -> Response:
        """Record the order of a succeeded payment and take it off the shelf, once, even if called again."""
        payment = await doors.stripe.run(asking, paid_orders.succeeded, payment_id=paid.payment_intent_id)
        async with doors.crowds.passing(payment.names):
            found, mail = await doors.stripe.run(asking, ordering, _actor(caller), payment=payment)
        # Written here, so that FastAPI does not check it a second time.
        return Response(
            answers.order_of(found, mail=mail).model_dump_json(by_alias=True), media_type="application/json"
        )

    def ordering(engine: Engine, stripe: Gateway | None, actor: Actor, *, payment: Succeeded) -> tuple[PaidOrder, str]:
        found = paid_orders.order_of_payment(engine, stripe, actor, payment=payment)
        return found, paid_orders.confirm(engine, found, has_account=has_mail)

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
        known = {name: facts[name] for name in PUBLIC_FACTS if name in facts}
        name = Unavailable.__name__ if isinstance(error, Unavailable) else type(error).__name__
        return answer(request, status_of(error), name, error.message, **known)

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
