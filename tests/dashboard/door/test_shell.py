"""The page in which Streamlit draws: every page of the menu gets it, with our scripts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from starlette.applications import Starlette

from dashboard.door import shell

PAGES = [path.stem for path in (Path(__file__).resolve().parents[3] / "pages").glob("*.py")]


async def ask(path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=Starlette(routes=list(shell.routes())))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        return await client.get(path, headers=headers)


def test_every_page_says_where_its_server_is_and_brings_our_scripts() -> None:
    for path in ("/", *(f"/{name}" for name in PAGES)):
        text = asyncio.run(ask(path)).text
        first = text.index("<script")
        assert text.index("BACKEND_BASE_URL") - first < 40, "before Streamlit asks for its server"
        assert all(f"// {line}" in text for line in ("Steps through", "What was typed", "The keys of the dashboard"))


def test_a_browser_that_has_the_page_is_not_sent_it_again() -> None:
    tag = asyncio.run(ask("/stock")).headers["etag"]
    again = asyncio.run(ask("/orders", **{"If-None-Match": tag}))
    assert (again.status_code, again.content) == (304, b"")
