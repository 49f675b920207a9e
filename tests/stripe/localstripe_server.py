"""Run localstripe, an independent fake of Stripe, on a free port of this machine only, and print the port.

It lists oldest first and without `created`, `types` and `ending_before`. It has neither disputes nor Checkout Sessions
nor payments of invoices. The middleware here lists as Stripe does; the lists that localstripe lacks are empty.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from localstripe import resources, server

LISTS = ("/v1/events", "/v1/payment_intents", "/v1/charges", "/v1/refunds")
LACKING = ("/v1/disputes", "/v1/checkout/sessions", "/v1/invoice_payments")
_PAGING = ("created", "limit", "starting_after", "ending_before", "types", "expand")


@web.middleware
async def as_stripe_lists(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a list in Stripe's order and with Stripe's paging."""
    if request.method != "GET" or request.path not in LISTS + LACKING:
        return await handler(request)
    if request.path in LACKING:
        return web.json_response({"object": "list", "data": [], "has_more": False, "url": request.path})
    kept = {name: value for name, value in request.query.items() if not name.startswith(_PAGING)}
    answer = await handler(request.clone(rel_url=request.rel_url.with_query(kept | {"limit": "100"})))
    assert isinstance(answer, web.Response)
    if answer.status != 200:
        return answer
    found: dict[str, Any] = json.loads(answer.text or "")
    assert not found["has_more"], "the day fits into one page"
    newest_first = found["data"] if request.path == "/v1/refunds" else found["data"][::-1]
    places = {each["id"]: n for n, each in enumerate(newest_first)}
    begin = places[request.query["starting_after"]] + 1 if "starting_after" in request.query else 0
    end = places[request.query["ending_before"]] if "ending_before" in request.query else None
    kinds = [value for name, value in request.query.items() if name.startswith("types")]
    data = [each for each in newest_first[begin:end] if not kinds or each["type"] in kinds]
    return web.json_response(found | {"data": data, "has_more": False})


async def main() -> None:
    """Serve until the process ends."""
    resources.Store.dump_to_disk = lambda _: None  # it would write to a file that all users of the machine share
    server.app.middlewares.append(as_stripe_lists)
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
