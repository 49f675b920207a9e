"""Run `seahaven-stripe-world`, an independent replica of Stripe, on a free port of this machine, and print the port.

It runs under a Python of its own (`tests.stripe.outside`), so nothing of ours is imported here. It wants Python 3.14,
whose annotations are evaluated late; under 3.13 its modules are compiled with annotations deferred. Every
`/worlds/<name>` is a Stripe account of its own.

It has neither Checkout Sessions nor a list of the payments of invoices; here these lists are empty. It also refuses to
list by `created`; here that is left out, so lists are whole.
"""

from __future__ import annotations
import __future__

import importlib
import importlib.abc
import importlib.machinery
import json
import re
import socket
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlencode

_THEIRS = ("seahaven", "seahaven_stripe_world")
_EMPTY = re.compile(r"/worlds/\w+/v1/(checkout/sessions(/\w+/line_items)?|invoice_payments)")


class Deferred(importlib.machinery.SourceFileLoader):
    """Compiles a module as Python 3.14 does, with its annotations deferred."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a module, from its source."""
        path = self.get_filename(fullname)
        flag = __future__.annotations.compiler_flag
        code: CodeType = compile(self.get_data(path), path, "exec", flags=flag, dont_inherit=True)
        return code


class Finder(importlib.abc.MetaPathFinder):
    """Finds their modules with the loader above."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the place of one of their modules."""
        if fullname.partition(".")[0] not in _THEIRS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Deferred(fullname, str(spec.origin))
        return spec


def whole_lists(app: Any) -> Any:
    """Return the application with the lists that it lacks."""

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            if _EMPTY.fullmatch(scope["path"]):
                body = json.dumps({"object": "list", "data": [], "has_more": False, "url": scope["path"]}).encode()
                await send({"type": "http.response.start", "status": 200,
                            "headers": [(b"content-type", b"application/json")]})  # fmt: skip
                await send({"type": "http.response.body", "body": body})
                return
            asked = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
            kept = [(name, value) for name, value in asked if not name.startswith("created")]
            scope = scope | {"query_string": urlencode(kept).encode()}
        await app(scope, receive, send)

    return answer


def main() -> None:
    """Serve until the process ends."""
    if sys.version_info < (3, 14):
        sys.meta_path.insert(0, Finder())
    uvicorn, http = importlib.import_module("uvicorn"), importlib.import_module("seahaven.http")
    theirs, api = (importlib.import_module(f"seahaven_stripe_world{each}") for each in ("", ".http_api"))
    app = http.app(theirs.world, api.handle, reset_options={"startup": {"livemode": False}})
    free = socket.create_server(("127.0.0.1", 0))
    print(free.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(whole_lists(app), log_level="error", lifespan="on")).run([free])


if __name__ == "__main__":
    main()
