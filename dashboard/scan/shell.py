"""The page itself and its files: scripts, style, service worker, barcode reader. All come from this folder.

A file's address has the version of all files in it, so browsers keep it for good. The page holds nothing of a person
but their language and format: a browser may show it from its cache while the server is away.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response

from dashboard.door.gate import FONT_PATH, ICON_PATH, SIGNED_IN
from dashboard.language.reader import ENGLISH, Reader, reader_of, reading
from dashboard.language.texts import tr
from dashboard.scan import phrases

FILES = Path(__file__).with_name("files")
_KINDS = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}
_TEXT = re.compile(r"\[\[(.+?)\]\]")
_KEEP = "private, max-age=31536000, immutable"

# The barcode reader is WebAssembly. Everything comes from and goes to this site.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; frame-ancestors 'self'; form-action 'self'"
)


@lru_cache(maxsize=1)
def files() -> dict[str, Path]:
    """Return the files that a browser may ask for, by their name in the address."""
    return {path.relative_to(FILES).as_posix(): path for path in sorted(FILES.rglob("*")) if path.suffix in _KINDS}


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version of the page: it changes with any of its files."""
    digest = hashlib.sha256()
    for path in (FILES / "page.html", *files().values()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def page(request: Request) -> Response:
    """Show the page."""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HTMLResponse(_filled("page.html", reader_at(request)), headers=headers)


async def worker(request: Request) -> Response:
    """Send the service worker, which opens the page while the server is away."""
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "Service-Worker-Allowed": "/scan"}
    return Response(_filled("worker.js", reader_at(request)), headers=headers, media_type=_KINDS[".js"])


async def file(request: Request) -> Response:
    """Send one file. Under an older version's address it is sent too, but not kept."""
    path = files().get(request.path_params["name"])
    if path is None:
        with reading(reader_at(request)):
            return PlainTextResponse(tr("There is no such file."), 404)
    keep = _KEEP if request.path_params["version"] == version() else "no-store"
    return FileResponse(path, media_type=_KINDS[path.suffix], headers={"Cache-Control": keep})


def reader_at(request: Request) -> Reader:
    """Return who reads the answer to a request."""
    person = request.scope.get(SIGNED_IN)
    return reader_of(person.language, person.format) if person else ENGLISH


@lru_cache(maxsize=16)
def _filled(name: str, found: Reader) -> str:
    """Return one of the two texts that name the version, for a reader, with their places filled."""
    with reading(found):
        texts = phrases.table()
    text = _TEXT.sub(lambda match: escape(texts[match[1]]), (FILES / name).read_text(encoding="utf-8"))
    listed = ", ".join(f'"{each}"' for each in files() if each != "worker.js")
    places = {"VERSION": version(), "FONT": FONT_PATH, "ICON": ICON_PATH, '"FILES"': listed}
    places |= {"LANGUAGE": found.language, "LOCALE": found.locale}
    places["TEXTS"] = json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c")
    for place, value in places.items():
        text = text.replace(f"{{{{{place}}}}}", value)
    return text
