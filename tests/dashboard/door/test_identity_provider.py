"""Signing in at an identity provider that others made, over HTTP from end to end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.requests_client import OAuth2Session

from core.foundation.addresses import IdentityProvider
from core.foundation.errors import InvalidSetting
from core.foundation.model import Role
from core.foundation.settings import load_settings
from core.people import accounts, audit, identity
from core.people import administration as people
from core.people.audit import What
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.dashboards import free_port, serve
from tests.support.people import actor_of, id_of, new_person, sign_in, token_of, who
from tests.support.servers import Server
from tests.support.shared.second_steps import enrolled

pytestmark = pytest.mark.slow


@dataclass
class Desk:
    url: str
    shop: Shop
    issuer: str
    open: ExitStack

    def browser(self) -> httpx.Client:
        return self.open.enter_context(httpx.Client(headers={"accept": "text/html"}, timeout=20))

    def known(self, **claims: object) -> str:
        """Make an account at the provider and return its number there."""
        subject = uuid.uuid4().hex
        httpx.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()
        return subject

    def to_provider(self, browser: httpx.Client, next_path: str = "/stock") -> str:
        answer = browser.get(f"{self.url}/sign-in/oidc", params={"next": next_path})
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def back(self, browser: httpx.Client, subject: str) -> str:
        """Sign in at the provider, and return the address to which it sends the browser."""
        return self.allow(browser, self.to_provider(browser), subject)

    def allow(self, browser: httpx.Client, address: str, subject: str) -> str:
        answer = browser.post(address, data={"sub": subject})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def enter(self, subject: str) -> tuple[httpx.Client, httpx.Response]:
        browser = self.browser()
        return browser, browser.get(self.back(browser, subject))


@contextmanager
def provider_of_others() -> Iterator[str]:
    """Start the provider as a program of its own, and give its address."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            for _ in range(600):
                with suppress(httpx.TransportError):
                    httpx.get(f"http://localhost:{port}/jwks").raise_for_status()
                    break
                time.sleep(0.05)
            yield f"http://localhost:{port}"
        finally:
            program.terminate()


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    port = free_port()
    with provider_of_others() as issuer:
        settings = {
            "STOCKROOM_PUBLIC_URL": f"http://127.0.0.1:{port}", "STOCKROOM_OIDC_ISSUER": issuer,
            "STOCKROOM_OIDC_CLIENT_ID": "stockroom", "STOCKROOM_OIDC_CLIENT_SECRET": "a secret of the test",
        }  # fmt: skip
        for shop in open_fresh(embedded):
            with serve(shop.app_url, port=port, more=settings) as url, ExitStack() as clients:
                yield Desk(url=url, shop=shop, issuer=issuer, open=clients)


def test_a_verified_address_signs_in_the_person_with_that_account(desk: Desk) -> None:
    email = new_person(desk.shop, password=None)
    assert "Sign in with your work account" in desk.browser().get(f"{desk.url}/sign-in").text
    subject = desk.known(email=email.upper(), email_verified=True)
    browser, answer = desk.enter(subject)
    assert (answer.status_code, answer.headers["location"]) == (303, "/stock")
    assert browser.get(f"{desk.url}/stock").status_code == 200
    actor = actor_of(desk.shop, browser.cookies["stockroom_session"])
    assert (actor.email, actor.role) == (email, Role.WAREHOUSE)
    assert desk.shop.run(audit.recent_changes)[0].what == What.IDENTITY_LINKED
    desk.shop.run(accounts.end_sessions, user_id=actor.user_id)
    assert who(desk.shop, browser.cookies["stockroom_session"]) is None, "the session is one like any other"


@pytest.mark.parametrize("claims", [{"email_verified": False}, {}, {"email_verified": "true"}])
def test_an_address_that_is_not_verified_signs_in_nobody(desk: Desk, claims: dict[str, object]) -> None:
    email = new_person(desk.shop)
    browser, answer = desk.enter(desk.known(email=email, **claims))
    assert answer.status_code == 403
    assert "stockroom_session" not in browser.cookies


def test_unknown_and_deactivated_people_stay_out_and_get_no_account(desk: Desk) -> None:
    email = new_person(desk.shop)
    desk.shop.run(people.set_active, user_id=id_of(desk.shop, email), active=False)
    before = desk.shop.sql("select count(*) from stockroom.users")
    for address in (email, "stranger@shop.example", "admin@localhost"):
        _, answer = desk.enter(desk.known(email=address, email_verified=True))
        assert answer.status_code == 403
        assert "Ask an admin to add you" in answer.text
    assert desk.shop.sql("select count(*) from stockroom.users") == before


def test_an_address_that_passes_to_another_person_at_the_provider_opens_nothing(desk: Desk) -> None:
    email, other = new_person(desk.shop), new_person(desk.shop)
    subject = desk.known(email=email, email_verified=True)
    desk.enter(subject)
    assert desk.enter(desk.known(email=email, email_verified=True))[1].status_code == 403
    httpx.put(f"{desk.issuer}/users/{subject}", json={"email": other, "email_verified": True}).raise_for_status()
    browser, _ = desk.enter(subject)
    assert actor_of(desk.shop, browser.cookies["stockroom_session"]).email == email, (
        "the number counts, not the address"
    )


def test_of_two_accounts_of_one_address_at_once_one_is_the_persons(desk: Desk) -> None:
    email = new_person(desk.shop)
    provider = IdentityProvider(issuer="https://two.example", client_id="x", client_secret="x", back="x")
    start = threading.Barrier(6)

    def enter(number: int) -> object:
        somebody = identity.Somebody(subject=str(number % 2), email=email)
        start.wait()
        values = {"provider": provider, "who": somebody, "user_agent": None, "previous": None}
        return accounts.at_the_door(desk.shop.engine, identity.enter_as, **values) is None  # type: ignore[arg-type]

    with ThreadPoolExecutor(6) as threads:
        refused = list(threads.map(enter, range(6)))
    assert refused.count(True) >= 3
    kept = "select count(*) from stockroom.identities where user_id = :id"
    assert desk.shop.sql(kept, id=id_of(desk.shop, email)) == 1


def test_the_second_factor_is_asked_for_here_as_after_a_password(desk: Desk) -> None:
    email = new_person(desk.shop)
    enrolled(desk.shop, token_of(sign_in(desk.shop, email)))
    browser, answer = desk.enter(desk.known(email=email, email_verified=True))
    assert answer.headers["location"] == "/sign-in/code?next=/stock"
    assert "stockroom_session" not in browser.cookies


def test_an_answer_is_taken_once_and_only_by_the_browser_that_asked(desk: Desk) -> None:
    email = new_person(desk.shop)
    subject = desk.known(email=email, email_verified=True)
    victim, thief = desk.browser(), desk.browser()
    address = desk.back(victim, subject)
    assert thief.get(address).status_code == 400
    desk.to_provider(thief)
    assert thief.get(address).status_code == 400, "nor by one with a state of its own"
    assert victim.get(address).status_code == 303
    assert victim.get(address).status_code == 400


def test_pkce_and_nonce_travel_and_a_wrong_code_is_refused(desk: Desk) -> None:
    browser = desk.browser()
    query = parse_qs(urlsplit(desk.to_provider(browser)).query)
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(query)
    assert query["redirect_uri"] == [f"{desk.url}/sign-in/oidc/back"]
    answer = browser.get(f"{desk.url}/sign-in/oidc/back", params={"state": query["state"][0], "code": "forged"})
    assert answer.status_code == 400


def at(desk: Desk, **changed: str) -> IdentityProvider:
    values = {"issuer": desk.issuer, "client_id": "stockroom", "back": f"{desk.url}/sign-in/oidc/back"} | changed
    return IdentityProvider(client_secret="a secret of the test", **values)


def visit(desk: Desk, provider: IdentityProvider, subject: str) -> tuple[identity.Trip, str]:
    """Sign in at the provider and return the code."""
    trip = identity.depart(provider)
    return trip, parse_qs(urlsplit(desk.allow(desk.browser(), trip.url, subject)).query)["code"][0]


def test_a_token_with_another_nonce_is_not_believed(desk: Desk) -> None:
    subject = desk.known(email="x@shop.example", email_verified=True)
    trip, code = visit(desk, at(desk), subject)
    found = identity.arrive(at(desk), code=code, nonce=trip.nonce, verifier=trip.verifier)
    assert found == identity.Somebody(subject=subject, email="x@shop.example")
    trip, code = visit(desk, at(desk), subject)
    with pytest.raises(identity.NotSignedIn):
        identity.arrive(at(desk), code=code, nonce="another", verifier=trip.verifier)


@pytest.mark.parametrize("other", ["client_id", "issuer"])
def test_a_token_for_another_client_or_of_another_issuer_is_not_believed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    changed = (
        {"client_id": "another"} if other == "client_id" else {"issuer": desk.issuer.replace("localhost", "127.0.0.1")}
    )
    trip, code = visit(desk, at(desk, **changed), desk.known(email="x@shop.example", email_verified=True))
    tokens: list[dict[str, object]] = []
    fetch = OAuth2Session.fetch_token

    def keep(session: object, *given: object, **values: object) -> object:
        tokens.append(fetch(session, *given, **values))
        return tokens[-1]

    monkeypatch.setattr(OAuth2Session, "fetch_token", keep)
    assert identity.arrive(at(desk, **changed), code=code, nonce=trip.nonce, verifier=trip.verifier).email
    monkeypatch.setattr(OAuth2Session, "fetch_token", lambda *_, **__: tokens[0])
    with pytest.raises(identity.NotSignedIn):
        identity.arrive(at(desk), code="x", nonce=trip.nonce, verifier="x")


def test_a_provider_that_is_away_is_said_in_words_and_the_password_still_works(desk: Desk) -> None:
    away = IdentityProvider(issuer="http://127.0.0.1:9", client_id="x", client_secret="x", back="x")
    with pytest.raises(Exception, match="does not answer"):
        identity.depart(away)


ALL = {f"STOCKROOM_OIDC_{name}": "https://id.example" for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")} | {
    "STOCKROOM_PUBLIC_URL": "https://stock.example"
}


@pytest.mark.parametrize(
    "wrong",
    [{"STOCKROOM_OIDC_CLIENT_ID": ""}, {"STOCKROOM_OIDC_ISSUER": "http://id.example"}, {"STOCKROOM_PUBLIC_URL": ""}],
)
def test_settings_that_do_not_fit_are_refused_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting):
        load_settings(ALL | wrong)
    found = load_settings(ALL)
    assert found.identity is not None
    assert found.identity.back == "https://stock.example/sign-in/oidc/back"
    assert "client_secret" not in repr(found)
    assert load_settings({}).identity is None
