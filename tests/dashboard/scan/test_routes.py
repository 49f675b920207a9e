"""The scan station over HTTP: its page and files, scans and their answers, and who may send what."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from core.foundation.errors import Unavailable
from core.people.accounts import SignedIn
from core.scanning import taking
from dashboard.door.gate import COOKIE, AuthGate
from dashboard.scan import shell
from dashboard.scan.routes import ScanDoor
from tests.support.builders import Shop

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
HERE = "http://shop.example"


class Browser:
    """The scan station behind the gate, as one browser sees it."""

    def __init__(self, shop: Shop, signed_in_as: str = "Wanda", language: str | None = None) -> None:
        self.shop, self.name, self.language = shop, signed_in_as, language

    def person(self) -> SignedIn:
        return SignedIn(
            actor=self.shop.person(self.name), has_password=True, expires_at=SINCE, shop_since=SINCE,
            language=self.language,
        )  # fmt: skip

    def ask(self, path: str, message: Any = None, **headers: str) -> httpx.Response:
        async def find(token: str) -> SignedIn | None:
            return self.person() if token else None

        app = AuthGate(Starlette(routes=ScanDoor(lambda: self.shop.engine).routes()), find)
        cookies = {COOKIE: "x"} if self.name else {}
        given = {"origin": HERE, "sec-fetch-dest": "empty"} | headers
        sent = {name: value for name, value in given.items() if value}  # an empty one is not sent

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE, cookies=cookies) as client:
                if message is None:
                    return await client.get(path, headers=sent)
                if isinstance(message, str):
                    return await client.post(path, content=message, headers={"content-type": "text/plain"} | sent)
                return await client.post(path, json=message, headers=sent)

        return asyncio.run(go())

    def owner(self) -> str:
        return str(self.ask("/scan/state").json()["owner"])

    def post(self, *scans: dict[str, Any], owner: str | None = None, **headers: str) -> httpx.Response:
        return self.ask("/scan/post", {"owner": owner or self.owner(), "scans": scans}, **headers)


def scan(text: str, **values: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "mode": "adjust", "reason": "stock_increase", "age": 1.5, "text": text} | values


def sku() -> str:
    return f"H-{uuid.uuid4().hex[:10].upper()}"


def test_a_batch_is_answered_scan_by_scan_and_one_refusal_holds_nothing_up(embedded_shop: Shop) -> None:
    code = sku()
    variant = embedded_shop.variant(3, sku=code, size="42", product="Oak shoe")
    browser = Browser(embedded_shop)
    batch = [
        scan(code), scan("nobody-has-this"), scan(code, units=-9, reason="stock_decrease"), scan(code, age="now"),
        scan(code, mode="dance"), scan(code, id="1"), scan(code, mode="look", reason=None), scan(code, units=1.5),
    ]  # fmt: skip
    first = browser.post(*batch)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-store")
    answers = first.json()["answers"]
    assert [each["id"] for each in answers] == [each["id"] for each in batch]
    assert [each["state"] for each in answers] == ["done", *["refused"] * 5, "done", "refused"]
    assert (answers[0]["product"], answers[0]["size"]) == ("Oak shoe", "42")
    assert (answers[0]["level_before"], answers[0]["level_after"]) == (3, 4)
    assert answers[1]["kind"] == "UnknownVariant"
    assert answers[1]["sentence"] == "No variant has the code nobody-has-this. Nothing was changed."
    assert answers[2]["sentence"] == f"Not enough stock of {code}: 4 on hand. Nothing was changed."
    assert browser.post(*batch).json()["answers"][0]["replayed"] is True
    assert [row.quantity for row in embedded_shop.history(variant)] == [3, 1]


def test_scans_of_one_person_are_not_posted_by_the_next_who_signs_in_on_that_browser(embedded_shop: Shop) -> None:
    code = sku()
    variant = embedded_shop.variant(3, sku=code)
    wanda, mia = Browser(embedded_shop), Browser(embedded_shop, "Mia")
    kept, owner = scan(code), wanda.owner()
    refused = mia.post(kept, owner=owner)
    assert (refused.status_code, refused.json()["sentence"][:37]) == (409, "Another person is signed in on this b")
    assert embedded_shop.on_hand(variant) == 3
    assert wanda.post(kept, owner=owner).json()["answers"][0]["state"] == "done"
    assert embedded_shop.history(variant)[1].performed_by == "Wanda"


def test_a_page_of_another_site_and_a_stranger_post_nothing(embedded_shop: Shop) -> None:
    code = sku()
    variant = embedded_shop.variant(3, sku=code)
    browser, owner = Browser(embedded_shop), Browser(embedded_shop).owner()
    message = {"owner": owner, "scans": [scan(code)]}
    for path in ("/scan/post", "/scan/attach"):
        assert browser.ask(path, message, origin="https://evil.example").status_code == 403
        assert browser.ask(path, message, origin="").status_code == 403
        assert browser.ask(path, '{"owner": "x"}').status_code == 415
        assert browser.ask(path, '{"owner": ', **{"content-type": "application/json"}).status_code == 422
        assert browser.ask(path, {"scans": "x" * 200_000}).status_code == 413
    assert browser.post(*[scan(code)] * 51).status_code == 422
    stranger = Browser(embedded_shop, "")
    assert stranger.ask("/scan/post", message).status_code == 401
    assert stranger.ask("/scan/state").status_code == 401
    page = stranger.ask("/scan", **{"sec-fetch-dest": "document", "accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/scan")
    assert [row.quantity for row in embedded_shop.history(variant)] == [3]


def test_support_may_look_up_and_its_other_scans_are_refused_one_by_one(embedded_shop: Shop) -> None:
    code = sku()
    embedded_shop.variant(3, sku=code)
    sam = Browser(embedded_shop, "Sam")
    answers = sam.post(scan(code), scan(code, mode="look", reason=None)).json()["answers"]
    assert [each["state"] for each in answers] == ["refused", "done"]
    assert answers[0]["kind"] == "Forbidden"
    may = sam.ask("/scan/state").json()["may"]
    assert [name for name, is_allowed in may.items() if is_allowed] == ["view"]
    attached = sam.ask(
        "/scan/attach", {"key": str(uuid.uuid4()), "variant": str(uuid.uuid4()), "code": "a", "kind": "supplier"}
    )
    assert attached.status_code == 403


def test_an_unknown_code_is_attached_on_the_spot_and_its_scan_then_posts(embedded_shop: Shop) -> None:
    code = sku()
    variant = embedded_shop.variant(3, sku=code, product="Oak shoe")
    browser = Browser(embedded_shop)
    unknown = scan("4006381333931")
    assert browser.post(unknown).json()["answers"][0]["kind"] == "UnknownVariant"
    (found,) = browser.ask(f"/scan/search?q=oak%20{code[:6]}").json()["found"]
    given = {"key": str(uuid.uuid4()), "variant": found["variant_id"], "code": "4006381333931", "kind": "ean"}
    wrong = browser.ask("/scan/attach", given | {"code": "4006381333932"})
    assert (wrong.status_code, "check digit" in wrong.json()["sentence"]) == (422, True)
    assert browser.ask("/scan/attach", given).json() == {"replayed": False}
    assert browser.ask("/scan/attach", given).json() == {"replayed": True}
    assert browser.post(unknown).json()["answers"][0]["level_after"] == 4
    assert embedded_shop.on_hand(variant) == 4


def test_a_database_that_is_away_takes_no_scan_off_the_list_and_a_fault_holds_up_no_other(
    embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code = sku()
    embedded_shop.variant(3, sku=code)
    browser = Browser(embedded_shop)
    real = taking.operation_of

    def away(given: taking.Scan) -> Any:
        if given.units == 7:
            raise Unavailable
        if given.units == 8:
            raise ZeroDivisionError("a secret")
        return real(given)

    monkeypatch.setattr(taking, "operation_of", away)
    assert browser.post(scan(code, units=7)).status_code == 503
    answers = browser.post(scan(code, units=8), scan(code), scan(code, units=7), scan(code)).json()["answers"]
    assert [each["state"] for each in answers] == ["refused", "done"], "the others are sent again"
    assert re.search(r"reference [0-9a-f]{8}", answers[0]["sentence"])
    assert "secret" not in answers[0]["sentence"]
    assert caplog.records[0].exc_info is not None


def test_the_page_holds_nothing_of_a_person_and_its_files_are_kept_by_their_version(embedded_shop: Shop) -> None:
    browser = Browser(embedded_shop)
    page = browser.ask("/scan")
    assert page.text == Browser(embedded_shop, "Mia").ask("/scan").text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert 'lang="en"' in page.text
    assert "{{" not in page.text
    for name, kind in (("station.js", "text/javascript"), ("zxing/zxing_reader.wasm", "application/wasm")):
        assert name in browser.ask("/scan/worker.js").text
        file = browser.ask(f"/scan/files/{shell.version()}/{name}")
        assert (file.headers["content-type"].partition(";")[0], "immutable" in file.headers["cache-control"]) == (
            kind,
            True,
        )
        assert browser.ask(f"/scan/files/older/{name}").headers["cache-control"] == "no-store"
    assert browser.ask("/scan/worker.js").headers["service-worker-allowed"] == "/scan"
    assert browser.ask(f"/scan/files/{shell.version()}/page.html").status_code == 404
    assert browser.ask(f"/scan/files/{shell.version()}/..%2Froutes.py").status_code == 404


def test_a_german_reads_the_page_its_scripts_and_the_answers_in_german(embedded_shop: Shop) -> None:
    code = sku()
    embedded_shop.variant(1_200, sku=code)
    browser = Browser(embedded_shop, language="de")
    page = browser.ask("/scan").text
    assert '<html lang="de" data-locale="de-DE">' in page
    assert 'placeholder="Code scannen oder eingeben"' in page
    assert "[[" not in page
    assert json.loads(page.split('id="texts">')[1].split("</script>")[0])["Signed out"] == "Abgemeldet"
    assert browser.ask("/scan/worker.js").text != Browser(embedded_shop).ask("/scan/worker.js").text, (
        "it keeps the page"
    )
    state = browser.ask("/scan/state").json()
    assert ["carton", "Karton mit seiner Menge"] in state["kinds"]
    assert "Bestandserhöhung" in [each["label"] for each in state["reasons"]]
    answers = browser.post(scan("nobody-has-this"), scan(code, units=-1_300, reason="stock_decrease")).json()["answers"]
    assert [each["sentence"] for each in answers] == [
        "Keine Variante hat den Code nobody-has-this. Nichts wurde geändert.",
        f"Nicht genug Bestand von {code}: 1.200 auf Lager. Nichts wurde geändert.",
    ]
    assert browser.post(scan(code), owner="somebody").json()["sentence"].startswith("In diesem Browser ist")
