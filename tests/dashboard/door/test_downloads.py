"""Whole lists over HTTP: as CSV, as Parquet and all in one file, by role, and from pages."""

from __future__ import annotations

import asyncio
import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet
import pytest
from starlette.applications import Starlette

from core.people.accounts import SignedIn
from core.screens.lists import LISTS
from dashboard.door.downloads import Downloads
from dashboard.door.gate import SIGNED_IN
from tests.dashboard.tabs import Tabs, tabs
from tests.support.builders import Shop

__all__ = ["tabs"]


def asked(shop: Shop, name: str, file: str) -> Any:
    """The answer to a person whom the gate let in."""
    found = SignedIn(actor=shop.person(name), has_password=True, expires_at=None)  # type: ignore[arg-type]
    app = Starlette(routes=Downloads(lambda: shop.engine).routes())

    async def let_in(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {SIGNED_IN: found}, receive, send)

    async def get() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(let_in), base_url="http://shop.example") as browser:
            return await browser.get(f"/download/{file}")

    return asyncio.run(get())


def test_a_list_is_sent_whole_and_no_file_stays_behind(
    embedded_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    embedded_shop.variant(7, sku="A-1")
    answer = asked(embedded_shop, "Wanda", "stock.csv")
    assert answer.content.decode("utf-8-sig").splitlines()[1].startswith("A-1,")
    assert answer.headers["content-disposition"] == 'attachment; filename="stock.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = pyarrow.parquet.read_table(io.BytesIO(asked(embedded_shop, "Sam", "movements.parquet").content))
    assert rows.column("quantity").to_pylist() == [7]
    whole = zipfile.ZipFile(io.BytesIO(asked(embedded_shop, "Ada", "everything.zip").content))
    assert len(whole.namelist()) == 2 * len(LISTS) + 1
    statuses = [asked(embedded_shop, who, file).status_code for who, file in (
        ("Wanda", "everything.zip"), ("Mia", "people.csv"), ("Ada", "users.csv"), ("Ada", "stock.xls"),
        ("Carl", "stock.csv"),
    )]  # fmt: skip
    assert statuses == [403, 403, 404, 404, 303]
    assert list(tmp_path.iterdir()) == []


def test_pages_link_to_the_lists_that_a_person_may_have(tabs: Tabs) -> None:
    tabs.shop.variant(7, sku="SHOE")
    kinds = ("csv", "xlsx", "parquet")
    assert addresses(tabs, "Wanda", "stock", "stock")[:3] == [f"/download/stock.{kind}" for kind in kinds]
    for page, name in (("counts", "counts"), ("deliveries", "goods_deliveries")):
        assert addresses(tabs, "Sam", page, name)[:3] == [f"/download/{name}.{kind}" for kind in kinds]
    variant = addresses(tabs, "Sam", "stock", "variant_codes", sku="SHOE")
    assert variant[::3] == ["/download/variant_codes.csv", "/download/variant_changes.csv"]
    assert addresses(tabs, "Mia", "catalog") == ["/download/everything.zip"]
    assert addresses(tabs, "Sam", "catalog") == []
    assert addresses(tabs, "Ada", "settings", "people")[:1] == ["/download/people.csv"]


def addresses(tabs: Tabs, name: str, page: str, first: str = "", **query: str) -> list[str]:
    tab = tabs.open(name, page, **query)
    if first:
        assert tab.get("link_button") == [], "the links are drawn when they are unfolded"
        tab.session_state[f"files_{first}"] = True
        tab.run()
    return [each.proto.url for each in tab.get("link_button")]
