"""The second step over HTTP: asked for after the password, in a browser that can do nothing else until then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape

import httpx
import pytest

from core.foundation.model import Role
from core.people import accounts
from core.people.factors import own, rules
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.people import PASSWORD, id_of, new_person, sign_in, token_of
from tests.support.servers import Server
from tests.support.shared.second_steps import code, enrolled

pytestmark = pytest.mark.slow

SECRET = re.compile(r'id="secret">([A-Z2-7 ]+)<')
CODES = re.compile(r"<li>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</li>")


@dataclass
class Desk:
    url: str
    shop: Shop
    open: ExitStack

    def browser(self) -> httpx.Client:
        headers = {"origin": self.url, "accept": "text/html"}
        return self.open.enter_context(httpx.Client(base_url=self.url, headers=headers, timeout=20))


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    for shop in open_fresh(embedded):
        with serve(shop.app_url) as url, ExitStack() as clients:
            yield Desk(url=url, shop=shop, open=clients)


def enter(browser: httpx.Client, email: str, next_path: str = "/stock?q=oak") -> httpx.Response:
    return browser.post("/sign-in", data={"email": email, "password": PASSWORD, "next": next_path})


def person(desk: Desk, role: Role = Role.WAREHOUSE) -> tuple[str, str, tuple[str, ...]]:
    """A person with an app: email, secret and recovery codes."""
    email = new_person(desk.shop, role)
    secret, begun = enrolled(desk.shop, token_of(sign_in(desk.shop, email)))
    return email, secret, begun.codes


def test_the_code_leads_to_the_page_that_was_asked_for(desk: Desk) -> None:
    email, secret, _ = person(desk)
    browser = desk.browser()
    to_code = enter(browser, email)
    assert (to_code.status_code, to_code.headers["location"]) == (303, "/sign-in/code?next=/stock%3Fq%3Doak")
    assert "stockroom_session" not in browser.cookies
    page = browser.get(to_code.headers["location"])
    assert 'autocomplete="one-time-code"' in page.text
    assert browser.get("/stock").headers["location"].startswith("/sign-in?"), "the half session opens nothing"
    assert browser.get("/second-step").headers["location"].startswith("/sign-in?")
    data = {"code": code(secret), "next": "/stock?q=oak", "kind": "app"}
    answer = browser.post("/sign-in/code", data=data)
    assert (answer.status_code, answer.headers["location"]) == (303, "/stock?q=oak")
    assert browser.get("/stock").status_code == 200
    assert "stockroom_half" not in browser.cookies


def test_a_half_session_is_of_one_browser(desk: Desk) -> None:
    email, secret, _ = person(desk)
    enter(desk.browser(), email)
    other = desk.browser()
    answer = other.post("/sign-in/code", data={"code": code(secret), "kind": "app"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_the_cookie_of_a_half_session_opens_no_page_under_the_name_of_a_session(desk: Desk) -> None:
    email, _, _ = person(desk)
    browser, forger = desk.browser(), desk.browser()
    enter(browser, email)
    forger.cookies.set("stockroom_session", browser.cookies["stockroom_half"])
    for path in ("/stock", "/account", "/password", "/second-step"):
        assert forger.get(path).headers["location"].startswith("/sign-in?"), path
    assert forger.get("/_stcore/host-config", headers={"accept": "*/*"}).status_code == 401


def test_wrong_codes_are_answered_in_words_and_limited(desk: Desk) -> None:
    email, secret, _ = person(desk)
    browser = desk.browser()
    enter(browser, email)
    answers = [browser.post("/sign-in/code", data={"code": "000000", "kind": "app"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "This code is wrong or was used before." in answers[0].text
    assert "Retry-After" in answers[5].headers
    assert browser.post("/sign-in/code", data={"code": code(secret), "kind": "app"}).status_code == 429


def test_a_recovery_code_is_asked_for_on_request_and_works_once(desk: Desk) -> None:
    email, _, codes = person(desk)
    browser = desk.browser()
    enter(browser, email)
    assert "Recovery code" in browser.get("/sign-in/code?recovery=1").text
    answer = browser.post("/sign-in/code", data={"code": codes[3], "kind": "recovery"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    again = desk.browser()
    enter(again, email)
    answer = again.post("/sign-in/code", data={"code": codes[3], "kind": "recovery"})
    assert answer.status_code == 401
    assert "This recovery code is wrong or was used before." in answer.text


def test_a_form_of_another_site_gives_no_code(desk: Desk) -> None:
    email, secret, _ = person(desk)
    browser = desk.browser()
    enter(browser, email)
    data = {"code": code(secret), "kind": "app"}
    assert browser.post("/sign-in/code", data=data, headers={"origin": "https://elsewhere.example"}).status_code == 403


def test_a_person_sets_up_an_app_prints_the_codes_and_removes_it(desk: Desk) -> None:
    email = new_person(desk.shop)
    browser = desk.browser()
    enter(browser, email)
    assert "Set up an authenticator app" in browser.get("/second-step").text
    page = browser.post("/second-step", data={"do": "app"})
    assert '<svg class="qr"' in page.text
    secret = SECRET.findall(page.text)[0].replace(" ", "")
    wrong = browser.post("/second-step", data={"do": "confirm", "code": "000000", "next": "/account"})
    assert wrong.status_code == 422
    assert SECRET.findall(wrong.text)[0].replace(" ", "") == secret, "the phone has this one already"
    done = browser.post("/second-step", data={"do": "confirm", "code": code(secret, -1), "next": "/account"})
    codes = CODES.findall(done.text)
    assert len(codes) == 10
    assert browser.get("/second-step").text.count("Your password, or a code") == 2
    assert not CODES.findall(browser.get("/second-step").text)
    answer = browser.post("/second-step", data={"do": "remove", "remove_proof": "not the password"})
    assert answer.status_code == 401
    fresh = browser.post("/second-step", data={"do": "codes", "codes_proof": code(secret)})
    assert len(set(CODES.findall(fresh.text)) - set(codes)) == 10
    assert browser.post("/second-step", data={"do": "remove", "remove_proof": PASSWORD}).status_code == 303
    assert enter(desk.browser(), email).headers["location"] == "/stock?q=oak"


def test_who_must_set_one_up_does_it_right_after_the_password(desk: Desk) -> None:
    email = new_person(desk.shop, Role.SUPPORT)
    desk.shop.run(rules.set_factor_rule, role=Role.SUPPORT, is_needed=True)
    try:
        browser = desk.browser()
        answer = enter(browser, email)
        assert answer.headers["location"] == "/sign-in/set-up?next=/stock%3Fq%3Doak"
        assert browser.get("/stock").headers["location"].startswith("/sign-in?")
        page = browser.get(answer.headers["location"])
        assert "Your role needs a second factor." in unescape(page.text)
        secret = SECRET.findall(page.text)[0].replace(" ", "")
        done = browser.post("/sign-in/set-up", data={"do": "confirm", "code": code(secret), "next": "/stock?q=oak"})
        assert len(CODES.findall(done.text)) == 10
        assert 'href="/stock?q=oak"' in done.text
        assert browser.get("/stock").status_code == 200
    finally:
        desk.shop.run(rules.set_factor_rule, role=Role.SUPPORT, is_needed=False)


def test_a_page_that_waits_for_the_code_ends_when_an_admin_removes_the_factor(desk: Desk) -> None:
    email, secret, _ = person(desk)
    browser = desk.browser()
    enter(browser, email)
    desk.shop.run(rules.remove_factors, user_id=id_of(desk.shop, email))
    answer = browser.post("/sign-in/code", data={"code": code(secret), "kind": "app"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert enter(browser, email).headers["location"] == "/stock?q=oak"


def test_a_page_opened_before_the_app_was_set_up_elsewhere_says_so(desk: Desk) -> None:
    email = new_person(desk.shop)
    browser = desk.browser()
    enter(browser, email)
    token = browser.cookies["stockroom_session"]
    secret = accounts.at_the_door(desk.shop.engine, own.begin_app, token=token)
    browser.post("/second-step", data={"do": "app"})
    enrolled(desk.shop, token)
    late = browser.post("/second-step", data={"do": "confirm", "code": code(secret), "next": "/account"})
    assert late.status_code == 422
    assert "is set up already" in late.text


def test_a_person_reads_their_own_factors_in_their_own_language(desk: Desk) -> None:
    email = new_person(desk.shop)
    desk.shop.sql(f"update stockroom.users set language = 'de' where email = '{email}'")
    browser = desk.browser()
    browser.cookies.set("stockroom_session", token_of(sign_in(desk.shop, email)))
    page = browser.get("/second-step").text
    assert 'lang="de"' in page
    assert "Zweiter Faktor" in page


def test_a_wrong_first_code_leaves_every_way_open(desk: Desk) -> None:
    browser = desk.browser()
    enter(browser, new_person(desk.shop))
    first = browser.post("/second-step", data={"do": "app"}).text
    [secret] = SECRET.findall(first)
    assert f"secret={secret.replace(' ', '')}" in first, "a phone opens its own app"
    again = browser.post("/second-step", data={"do": "confirm", "code": "000000", "next": "/account"})
    assert again.status_code == 422
    assert SECRET.findall(again.text) == [secret]


def test_a_person_who_waits_for_codes_is_not_sent_for_a_link_that_would_not_help(desk: Desk) -> None:
    email, _, _ = person(desk)
    browser = desk.browser()
    enter(browser, email)
    answers = [browser.post("/sign-in/code", data={"code": "000000", "kind": "app"}) for _ in range(6)]
    assert "Wait 15 minutes, then try again." in answers[5].text
