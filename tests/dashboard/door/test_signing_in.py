"""Signing in, seen from outside: the running dashboard over HTTP and its websocket."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.foundation.model import Role
from core.people import administration as people
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.people import PASSWORD, id_of, new_person
from tests.support.servers import Server

pytestmark = pytest.mark.slow

SECRET = "Jordan 4 Canyon Purple"
PAGE = {"accept": "text/html"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass
class Desk:
    """A running dashboard and the shop behind it."""

    url: str
    shop: Shop
    open: ExitStack

    def visitor(self, **headers: str) -> httpx.Client:
        """A browser without a session that follows no redirects."""
        client = httpx.Client(base_url=self.url, headers={"origin": self.url, **PAGE, **headers}, timeout=20)
        return self.open.enter_context(client)

    def signed_in(self, email: str | None = None) -> httpx.Client:
        """A browser with a session, from a one-time link, which is quicker than a password."""
        client = self.visitor()
        user_id = id_of(self.shop, email or new_person(self.shop, password=None))
        assert client.post("/welcome", data={"token": self.shop.run(people.make_link, user_id=user_id)}).is_redirect
        return client

    def websocket_status(self, client: httpx.Client, path: str = "/_stcore/stream", **headers: str) -> int:
        """101 if the websocket was accepted, else the status of the refusal."""
        cookie = client.cookies.get("stockroom_session")
        sent = {"origin": self.url, **({"cookie": f"stockroom_session={cookie}"} if cookie else {}), **headers}
        try:
            with connect(self.url.replace("http", "ws") + path, additional_headers=sent, proxy=None):
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    """A dashboard that has just started: nobody has opened any page of it yet."""
    for shop in open_fresh(embedded):
        shop.variant(3, product=SECRET)
        with serve(shop.app_url) as url, ExitStack() as clients:
            yield Desk(url=url, shop=shop, open=clients)


def sign_in(client: httpx.Client, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
    return client.post("/sign-in", data={"email": email, "password": password, **fields})


# ---------------------------------------------------------------- strangers


@pytest.mark.parametrize("path", ["/stock", "/movements?type=sale", "/settings", "/account", "/"])
def test_on_a_fresh_server_a_deep_link_leads_a_stranger_to_the_form_and_shows_no_data(desk: Desk, path: str) -> None:
    answer = desk.visitor().get(path)
    assert answer.status_code == 303
    assert urlsplit(answer.headers["location"]).path == "/sign-in"
    assert answer.content == b""
    form = desk.visitor().get(answer.headers["location"])
    assert form.status_code == 200
    assert SECRET not in form.text
    assert "My shop" not in form.text


def test_a_strangers_websocket_is_refused(desk: Desk) -> None:
    assert desk.websocket_status(desk.visitor()) == 403
    assert desk.websocket_status(desk.visitor(), "/stock/_stcore/stream") == 403


def test_a_stranger_gets_not_a_byte_of_the_application(desk: Desk) -> None:
    stranger = desk.visitor()
    for path in ("/_stcore/health", "/_stcore/host-config", "/app/static/logo.svg", "/index.html/x.js", "/static/x.js"):
        assert stranger.get(path, headers={"accept": "*/*"}).status_code in (303, 401)
    assert stranger.get("/api/anything").status_code == 401
    assert stranger.post("/api/stock/validate", headers={"Authorization": "Bearer stk_wrong"}).status_code == 401
    assert stranger.put("/_stcore/upload_file/a/b", content=b"x").status_code == 401


def test_the_health_check_is_for_everybody_and_says_nothing_else(desk: Desk) -> None:
    answer = httpx.get(f"{desk.url}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert httpx.head(f"{desk.url}/healthz").status_code == 200


# ---------------------------------------------------------------- the form


def test_the_right_password_leads_back_to_the_page_that_was_asked_for(desk: Desk) -> None:
    client = desk.visitor()
    form = client.get(client.get("/stock?q=oak%20panel").headers["location"])
    assert 'name="next" value="/stock?q=oak%20panel"' in form.text
    answer = sign_in(client, new_person(desk.shop), next="/stock?q=oak%20panel")
    assert (answer.status_code, answer.headers["location"]) == (303, "/stock?q=oak%20panel")
    assert client.get("/stock?q=oak%20panel").status_code == 200
    assert desk.websocket_status(client) == 101


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_other_paths(desk: Desk) -> None:
    answer = sign_in(desk.visitor(), new_person(desk.shop))
    flags = {part.strip().split("=")[0].lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite", "path", "max-age"} <= flags
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    assert "domain" not in flags
    assert "secure" not in flags, "over plain HTTP the browser would not send it back"


def test_a_header_of_an_untrusted_proxy_is_ignored(desk: Desk) -> None:
    answer = sign_in(
        desk.visitor(**{"x-forwarded-proto": "https", "x-forwarded-for": "9.9.9.9"}), new_person(desk.shop)
    )
    assert "; secure" not in answer.headers["set-cookie"].lower()
    assert desk.shop.sql("select count(*) from stockroom.sign_in_attempts where address <> '127.0.0.1'") == 0


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(desk: Desk) -> None:
    email = new_person(desk.shop)
    known, unknown = (sign_in(desk.visitor(), who, "wrong") for who in (email, "nobody@shop.example"))
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace(email, "x") == unknown.text.replace("nobody@shop.example", "x")
    assert "set-cookie" not in known.headers


def test_after_too_many_wrong_passwords_the_form_says_how_long_to_wait(desk: Desk) -> None:
    email = new_person(desk.shop)
    for _ in range(5):
        assert sign_in(desk.visitor(), email, "wrong").status_code == 401
    answer = sign_in(desk.visitor(), email)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "Too many failed attempts. Wait 15 minutes, then try again" in answer.text
    desk.shop.sql("delete from stockroom.sign_in_attempts")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
def test_a_form_on_another_site_signs_nobody_in_or_out(desk: Desk, origin: str) -> None:
    client = desk.signed_in()
    data = {"email": new_person(desk.shop), "password": PASSWORD}
    for path in ("/sign-in", "/sign-out", "/welcome", "/password"):
        assert client.post(path, data=data, headers={"origin": origin}).status_code == 403
    assert client.get("/stock").status_code == 200


def test_a_form_that_does_not_say_where_it_comes_from_is_refused(desk: Desk) -> None:
    answer = httpx.post(f"{desk.url}/sign-in", data={"email": new_person(desk.shop), "password": PASSWORD})
    assert answer.status_code == 403
    assert "Host header" in answer.text


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "https:evil",
        "/%2f%2fevil.example",
        "/\tevil",
        "/x\r\nA: b",
    ],
)
def test_the_form_never_leads_to_another_site(desk: Desk, evil: str) -> None:
    assert sign_in(desk.visitor(), new_person(desk.shop), next=evil).headers["location"] == "/"
    signed_in = desk.signed_in().get("/sign-in", params={"next": evil})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    assert "evil" not in desk.visitor().get("/sign-in", params={"next": evil}).text


def test_what_was_typed_comes_back_as_text_never_as_markup(desk: Desk) -> None:
    answer = sign_in(desk.visitor(), '"><script>alert(1)</script>', "wrong", next='/stock?q="><script>')
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    desk.shop.sql("delete from stockroom.sign_in_attempts")


def test_a_giant_form_is_refused_before_it_is_read_whole(desk: Desk) -> None:
    client = desk.visitor()
    assert client.post("/sign-in", content=b"email=" + b"x" * 20_000_000, headers=FORM).status_code == 413
    assert client.post("/sign-in", content=b"a=1&" * 30, headers=FORM).status_code == 400
    assert client.post("/sign-in", content=b"{}", headers={"content-type": "application/json"}).status_code == 415
    assert client.post("/sign-in", content=b"\xff\xfe=%ff&%", headers=FORM).status_code == 401
    desk.shop.sql("delete from stockroom.sign_in_attempts")


@pytest.mark.parametrize("path", ["/sign-in", "/welcome", "/sign-out"])
def test_the_sign_in_pages_answer_every_method(desk: Desk, path: str) -> None:
    client = desk.visitor()
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert client.head(path).content == b""
    assert client.request("TRACE", path).status_code == 405


def test_a_request_of_junk_breaks_nothing(desk: Desk) -> None:
    address = urlsplit(desk.url)
    for raw in (
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\nCookie: stockroom_session=\xff\xfe; =;;\r\n\r\n",
        b"GET /%00%ff%2e%2e/stock HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
        b"GET /stock?q=%ff%00 HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nOrigin: http://[\r\nContent-Length: 0\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
    ):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as line:
            line.sendall(raw)
            status = line.recv(64).split(b" ")[1]
            assert int(status) < 500
    assert desk.visitor().get("/healthz").status_code == 200


# ---------------------------------------------------------------- sessions


def test_signing_in_gives_a_token_of_its_own_whatever_the_browser_brought_along(desk: Desk) -> None:
    planted = "0" * 43
    client = desk.visitor(cookie=f"stockroom_session={planted}")
    answer = sign_in(client, new_person(desk.shop))
    assert planted not in answer.headers["set-cookie"]
    assert desk.visitor(cookie=f"stockroom_session={planted}").get("/stock").status_code == 303


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(desk: Desk) -> None:
    client = desk.signed_in()
    copy = desk.visitor(cookie=f"stockroom_session={client.cookies['stockroom_session']}")
    assert copy.get("/stock").status_code == 200
    assert client.get("/sign-out").headers["location"] == "/", "looking at the address signs nobody out"
    assert copy.get("/stock").status_code == 200
    answer = client.post("/sign-out", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert copy.get("/stock").status_code == 303
    assert desk.websocket_status(copy) == 403


def test_a_revoked_or_expired_session_is_a_stranger_from_that_moment(desk: Desk) -> None:
    for end in ("revoked_at = now()", "expires_at = now()"):
        client = desk.signed_in()
        assert client.get("/stock").status_code == 200
        desk.shop.sql(f"update stockroom.sessions set {end}")
        assert client.get("/stock").status_code == 303
        health = client.get("/_stcore/health", headers={"accept": "*/*"})
        assert (health.status_code, health.text) == (
            401,
            "Your session has ended. Reload this page to sign in again.\n",
        )
        assert desk.websocket_status(client) == 403


def test_carl_who_is_deactivated_sees_nothing_from_that_moment(desk: Desk) -> None:
    email = new_person(desk.shop)
    client = desk.signed_in(email)
    desk.shop.run(people.set_active, user_id=id_of(desk.shop, email), active=False)
    assert client.get("/stock").status_code == 303
    assert desk.websocket_status(client) == 403
    assert sign_in(desk.visitor(), email).status_code == 401


def test_another_sites_websocket_is_refused_even_with_the_persons_cookie(desk: Desk) -> None:
    client = desk.signed_in()
    assert desk.websocket_status(client, origin="http://evil.example") == 403
    assert desk.websocket_status(client, origin="http://localhost:1") == 403


def test_the_first_page_is_found_by_its_name_too(desk: Desk) -> None:
    assert desk.signed_in().get("/overview?days=7").headers["location"] == "/?days=7"
    assert desk.visitor().get("/overview").headers["location"] == "/sign-in?next=/overview"


def test_a_program_without_a_key_gets_an_error_in_the_format_of_the_api(desk: Desk) -> None:
    answer = desk.visitor().post("/api/stock/validate", json={"items": []})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"] == "Send a valid API key: Authorization: Bearer stk_..."
    assert answer.json()["requestId"] == answer.headers["x-request-id"]


def test_a_signed_in_person_finds_no_page_under_api(desk: Desk) -> None:
    answer = desk.signed_in().get("/api/nope")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Not Found")


def test_the_description_of_the_api_is_for_everybody_and_names_its_paths(desk: Desk) -> None:
    told = desk.visitor().get("/api/openapi.json").json()
    assert {"/stock/validate", "/reservations", "/reservations/{reservation_id}"} <= set(told["paths"])


# ---------------------------------------------------------------- one-time links


def test_a_link_shows_a_button_first_and_signs_in_once(desk: Desk) -> None:
    email = new_person(desk.shop, password=None)
    link = desk.shop.run(people.make_link, user_id=id_of(desk.shop, email))
    for _ in range(2):  # a previewer, then the person
        page = desk.visitor().get("/welcome", params={"token": link})
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
        assert "New Person" in page.text
    client = desk.visitor()
    answer = client.post("/welcome", data={"token": link})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/stock").status_code == 200
    for again in (desk.visitor().post("/welcome", data={"token": link}), desk.visitor().get(f"/welcome?token={link}")):
        assert again.status_code == 410
        assert "no longer works" in again.text
        assert "New Person" not in again.text


@pytest.mark.parametrize("token", ["", "0" * 43, "x" * 5_000, "%00", "'; drop table stockroom.users; --"])
def test_an_invalid_link_is_rejected_with_a_sentence(desk: Desk, token: str) -> None:
    assert desk.visitor().get("/welcome", params={"token": token}).status_code == 410
    assert desk.visitor().post("/welcome", data={"token": token}).status_code == 410


# ---------------------------------------------------------------- one's own password


def test_a_person_changes_the_password_and_every_other_browser_is_signed_out(desk: Desk) -> None:
    email = new_person(desk.shop)
    here, there = desk.signed_in(email), desk.signed_in(email)
    form = {"current": PASSWORD, "password": "another good one", "again": "another good one"}
    assert "Change your password" in here.get("/password").text
    assert here.post("/password", data=form | {"current": "wrong"}).status_code == 401
    assert here.post("/password", data=form | {"again": "another"}).status_code == 422
    assert here.post("/password", data=form | {"password": "short", "again": "short"}).status_code == 422
    assert here.post("/password", data=form).status_code == 303
    assert here.get("/stock").status_code == 200
    assert there.get("/stock").status_code == 303
    assert sign_in(desk.visitor(), email).status_code == 401
    assert sign_in(desk.visitor(), email, "another good one").status_code == 303


def test_the_first_admin_comes_in_by_the_link_and_then_says_who_they_are(desk: Desk) -> None:
    assert desk.shop.sql("select count(*) from stockroom.users where role = 'admin'") == 0
    client = desk.visitor()
    assert client.post("/welcome", data={"token": desk.shop.run(people.first_link)}).status_code == 303
    page = client.get("/password").text
    assert "Your name" in page
    assert "admin@localhost" not in page
    email = f"ada.{uuid.uuid4().hex}@shop.example"
    form = {"name": "Ada <b>", "email": email, "password": PASSWORD, "again": PASSWORD}
    assert client.post("/password", data=form | {"email": "nonsense"}).status_code == 422
    assert client.post("/password", data=form).status_code == 303
    assert desk.shop.rows("select name, role from stockroom.users where email = :email", email=email) == [
        ("Ada <b>", Role.ADMIN)
    ]
    assert sign_in(desk.visitor(), email).status_code == 303


def test_a_stranger_sees_no_password_form(desk: Desk) -> None:
    assert desk.visitor().get("/password").headers["location"] == "/sign-in?next=/password"
    assert desk.visitor().post("/password", data={}).status_code == 401
