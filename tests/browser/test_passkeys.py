"""Passkeys in a real browser, with the browser's own virtual security key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page

from core.foundation.model import Role
from core.people.factors import rules
from tests.browser.browsing import Desk, open_desk, settle
from tests.conftest import open_fresh
from tests.support.dashboards import free_port
from tests.support.people import PASSWORD, id_of, new_person
from tests.support.servers import Server


@pytest.fixture(scope="module")
def desk(embedded: Server) -> Iterator[Desk]:
    """A dashboard with a public address, which passkeys need: browsers allow `localhost` without https."""
    port = free_port()
    for shop in open_fresh(embedded):
        with open_desk(shop, port=port, more={"STOCKROOM_PUBLIC_URL": f"http://localhost:{port}"}) as desk:
            yield desk


@pytest.fixture(autouse=True)
def _nobody_must_have_a_factor_after_a_test(desk: Desk) -> Iterator[None]:
    yield
    desk.shop.run(rules.set_factor_rule, role=Role.SUPPORT, is_needed=False)


class Key:
    """A security key in a tab, which says yes by itself."""

    def __init__(self, tab: Page, *, verifies: bool = True) -> None:
        self.session: CDPSession = tab.context.new_cdp_session(tab)
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": verifies, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.name: str = made["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.name})
        return list(found["credentials"])

    def put(self, credential: dict[str, Any]) -> None:
        values = {"authenticatorId": self.name, "credential": credential}
        self.session.send("WebAuthn.addCredential", values)

    def verify(self, verifies: bool) -> None:
        values = {"authenticatorId": self.name, "isUserVerified": verifies}
        self.session.send("WebAuthn.setUserVerified", values)


def with_key(desk: Desk) -> tuple[Page, str, Key]:
    """A tab in which a person is signed in and has just set up a passkey."""
    email, tab = new_person(desk.shop, Role.SUPPORT), desk.tab()
    key = Key(tab)
    desk.sign_in(tab, email)
    tab.goto(f"{desk.url}/second-step")
    tab.get_by_role("button", name="Add a passkey").click()
    tab.get_by_label("Name of this device").fill("Sam's phone")
    tab.get_by_role("button", name="Add a passkey").click()
    tab.get_by_role("heading", name="Your recovery codes").wait_for()
    return tab, email, key


def leave(desk: Desk, tab: Page) -> None:
    tab.context.clear_cookies()


def password(desk: Desk, tab: Page, email: str) -> None:
    tab.goto(f"{desk.url}/sign-in?next=/stock")
    tab.get_by_label("Email").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.get_by_role("button", name="Use a passkey").wait_for()


def test_a_passkey_is_the_second_step_after_the_password(desk: Desk) -> None:
    tab, email, _ = with_key(desk)
    leave(desk, tab)
    password(desk, tab, email)
    tab.get_by_role("button", name="Use a passkey").click()
    settle(tab)
    assert tab.url.endswith("/stock")
    tab.goto(f"{desk.url}/second-step")
    assert tab.get_by_label("Passkey", exact=True).inner_text() == "Sam's phone"


def test_a_passkey_of_a_device_that_knows_its_owner_signs_in_alone(desk: Desk) -> None:
    tab, email, key = with_key(desk)
    leave(desk, tab)
    tab.goto(f"{desk.url}/sign-in?next=/stock")
    tab.get_by_role("link", name="Sign in with a passkey").click()
    key.verify(False)
    tab.get_by_role("button", name="Use a passkey").click()
    tab.get_by_text("The browser gave no passkey.").wait_for()
    key.verify(True)
    tab.get_by_role("button", name="Use a passkey").click()
    settle(tab)
    assert tab.url.endswith("/stock")
    signed_in = (
        "select email from stockroom.users u join stockroom.sessions s on s.user_id = u.id order by s.id desc limit 1"
    )
    assert desk.shop.sql(signed_in) == email


def test_a_copy_of_a_security_key_is_noticed_by_its_count(desk: Desk) -> None:
    tab, email, key = with_key(desk)
    [copy] = key.credentials()
    leave(desk, tab)
    password(desk, tab, email)
    tab.get_by_role("button", name="Use a passkey").click()
    settle(tab)
    leave(desk, tab)
    other = desk.tab()
    Key(other).put(copy)  # it counts from where it was copied
    password(desk, other, email)
    other.get_by_role("button", name="Use a passkey").click()
    other.get_by_text("This passkey is not known here, or its answer was used before.").wait_for()


def test_an_answer_that_was_sent_is_not_accepted_again(desk: Desk) -> None:
    tab, email, _ = with_key(desk)
    leave(desk, tab)
    password(desk, tab, email)
    bodies: list[str] = []
    tab.on("request", lambda request: bodies.append(request.post_data or "") if request.method == "POST" else None)
    tab.get_by_role("button", name="Use a passkey").click()
    settle(tab)
    [sent] = [body for body in bodies if "answer=" in body]
    leave(desk, tab)
    password(desk, tab, email)
    headers = {"origin": desk.url, "content-type": "application/x-www-form-urlencoded"}
    again = tab.context.request.post(f"{desk.url}/sign-in/passkey", data=sent, headers=headers, max_redirects=0)
    assert again.status == 401
    alone = sent.replace("what=second", "what=alone")
    assert tab.context.request.post(f"{desk.url}/sign-in/passkey", data=alone, headers=headers).status == 401


def test_who_must_have_a_second_factor_may_take_a_passkey(desk: Desk) -> None:
    desk.shop.run(rules.set_factor_rule, role=Role.SUPPORT, is_needed=True)
    email, tab = new_person(desk.shop, Role.SUPPORT), desk.tab()
    Key(tab)
    tab.goto(f"{desk.url}/sign-in?next=/stock")
    tab.get_by_label("Email").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.get_by_role("button", name="Set up a passkey instead").click()
    tab.get_by_role("button", name="Add a passkey").click()
    tab.get_by_role("link", name="I have kept them").click()
    settle(tab)
    assert tab.url.endswith("/stock")


def test_a_removed_passkey_opens_nothing_in_a_page_that_was_open(desk: Desk) -> None:
    tab, email, _ = with_key(desk)
    leave(desk, tab)
    password(desk, tab, email)
    desk.shop.run(rules.remove_factors, user_id=id_of(desk.shop, email))
    tab.get_by_role("button", name="Use a passkey").click()
    tab.get_by_label("Password").wait_for()
    assert tab.url.endswith("/sign-in")
