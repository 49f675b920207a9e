"""The HTML page in which Streamlit draws, with our scripts in it.

Streamlit's own page does not know where its server is. It asks below the address of the page first, and so two requests
of every page but the first are answered with 404. Ours says where the server is, and brings our scripts and styles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import file_util

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("steps.js", "readers.js", "hands.js", "drafts.js", "theirs.js")
_SERVER = "window.__streamlit = {BACKEND_BASE_URL: location.origin}"


def routes() -> Sequence[Route]:
    """Return a route for the first page, and one for each page of the folder."""
    return [Route(path, page) for path in ("/", *(f"/{name.stem}" for name in (ROOT / "pages").rglob("*.py")))]


async def page(request: Request) -> Response:
    """Send the page, or 304 if the browser has it."""
    headers = {"Cache-Control": "no-cache", "ETag": f'"{_digest()}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(_html(), media_type="text/html", headers=headers)


@lru_cache(maxsize=1)
def _html() -> str:
    streamlit = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    scripts = "".join(f"<script>{script}</script>" for script in (_SERVER, *map(_static, SCRIPTS)))
    ours = f"<style>{_static('shell.css')}</style>{scripts}"
    return streamlit.replace("<head>", f"<head>{ours}", 1).replace("<title>Streamlit<", "<title>Stockroom<", 1)


def _static(name: str) -> str:
    return (ROOT / "dashboard" / "static" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _digest() -> str:
    return hashlib.sha256(_html().encode()).hexdigest()[:16]
