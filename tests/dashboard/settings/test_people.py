"""Settings and Your account by role, and pages whose session has ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.database import pool
from core.foundation.model import Role
from core.people import accounts
from core.people import administration as people
from dashboard.door import session
from tests.support.builders import PEOPLE, Shop
from tests.support.people import id_of, new_person, sign_in, token_of, use_link, who
from tests.support.shared.second_steps import enrolled, half_of

ROOT = Path(__file__).resolve().parents[3]
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page as one of the test people, with a session of their own."""
    monkeypatch.setattr(pool, "engine", lambda *_: embedded_shop.engine)

    def open_as(name: str, page: str = "overview") -> AppTest:
        email = f"{name.lower()}@shop.example"
        if not embedded_shop.sql("select count(*) from stockroom.users where email = :email", email=email):
            embedded_shop.run(people.add_person, email=email, name=name, role=PEOPLE[name])
        entered = use_link(embedded_shop, embedded_shop.run(people.make_link, user_id=id_of(embedded_shop, email)))
        assert entered is not None
        monkeypatch.setattr(session, "presented_token", lambda: entered.token)
        tab = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=30).run()
        if page != "overview":
            tab.switch_page(f"../pages/{page}.py").run()
        assert not tab.exception
        return tab

    return open_as


def texts(tab: AppTest) -> str:
    elements = [*tab.markdown, *tab.caption, *tab.subheader, *tab.title, *tab.error, *tab.text, *tab.code, *tab.info]
    return "\n".join(str(element.value) for element in elements) + "\n".join(tab_html(tab))


def tab_html(tab: AppTest) -> list[str]:
    return [str(element.proto.body) for element in tab.get("html")]


def click(tab: AppTest, label: str) -> AppTest:
    (button,) = [button for button in tab.button if button.label == label]
    tab = button.click().run()
    assert not tab.exception
    return tab


def names(tab: AppTest) -> list[Any]:
    return list(tab.dataframe[0].value["Name"])


# ---------------------------------------------------------------- settings


def test_ada_adds_a_person_and_gets_a_link_that_lets_them_in(open_page: Open, embedded_shop: Shop) -> None:
    tab = open_page("Ada", "settings")
    tab.text_input(key="set_new_name").input("Noor *Haddad*")
    tab.text_input(key="set_new_email").input("Noor@Shop.example")
    tab.selectbox(key="set_new_role").select(Role.MANAGER)
    click(tab, "Add person")
    assert "Noor *Haddad*" in names(tab)
    assert tab.text_input(key="set_new_email").value == ""
    link = tab.code[0].value.partition("/welcome?token=")[2]
    entered = use_link(embedded_shop, link)
    assert entered is not None
    found = who(embedded_shop, entered.token)
    assert found is not None
    assert (found.actor.email, found.actor.role) == ("noor@shop.example", Role.MANAGER)
    assert not tab.run().code, "the link is shown once"


def test_a_refused_person_keeps_what_was_typed_and_adds_nobody(open_page: Open) -> None:
    tab = open_page("Ada", "settings")
    before = names(tab)
    tab.text_input(key="set_new_name").input("Ada again")
    tab.text_input(key="set_new_email").input("ada@shop.example")
    click(tab, "Add person")
    assert "already belongs to another account" in tab.error[0].value
    assert tab.text_input(key="set_new_name").value == "Ada again"
    assert names(tab) == before


def test_ada_requires_a_second_factor_of_a_role_and_removes_a_lost_one(open_page: Open, embedded_shop: Shop) -> None:
    email = new_person(embedded_shop, Role.MANAGER)
    enrolled(embedded_shop, token_of(sign_in(embedded_shop, email)))
    tab = open_page("Ada", "settings")
    tab.toggle(key="set_factor_manager_False").set_value(True).run()
    assert tab.toggle(key="set_factor_manager_True").value is True
    tab.selectbox(key="set_person").select("ada@shop.example").run()
    (own,) = [button for button in tab.button if button.label == "Remove second factor"]
    assert own.disabled
    tab.selectbox(key="set_person").select(email).run()
    click(tab, "Remove second factor")
    assert half_of(embedded_shop, email).must_enrol
    tab.toggle(key="set_factor_admin_False").set_value(True).run()
    assert "Own second factor is missing; set it up first under Your account" in tab.error[0].value
    assert tab.toggle(key="set_factor_admin_False").value is False


def test_ada_changes_a_role_deactivates_and_reactivates(open_page: Open, embedded_shop: Shop) -> None:
    embedded_shop.run(people.add_person, email="sam@shop.example", name="Sam", role=Role.SUPPORT)
    sam = id_of(embedded_shop, "sam@shop.example")
    tab = open_page("Ada", "settings")
    tab.selectbox(key="set_person").select("sam@shop.example").run()
    tab.selectbox(key=f"set_role_{sam}_support").select(Role.MANAGER).run()
    click(tab, "Change role")
    assert embedded_shop.sql("select role from stockroom.users where id = :id", id=sam) == "manager"
    click(tab, "Deactivate")
    assert embedded_shop.sql("select is_active from stockroom.users where id = :id", id=sam) is False
    click(tab, "Reactivate")
    assert embedded_shop.sql("select is_active from stockroom.users where id = :id", id=sam) is True


def test_the_last_admin_cannot_lock_everybody_out(open_page: Open) -> None:
    tab = click(open_page("Ada", "settings"), "Deactivate")
    assert "last active admin" in tab.error[0].value
    assert names(tab) == ["Ada"]


@pytest.mark.parametrize("name", ["Wanda", "Sam", "Mia"])
def test_settings_are_for_admins_and_say_so(open_page: Open, name: str) -> None:
    tab = open_page(name, "settings")
    assert "Your role cannot view this page" in texts(tab)
    assert not tab.dataframe
    assert [button.label for button in tab.button] == ["Find"]


def test_a_role_taken_away_while_the_page_is_open_refuses_the_next_click(open_page: Open, embedded_shop: Shop) -> None:
    embedded_shop.run(people.add_person, email="bea@shop.example", name="Bea", role=Role.ADMIN)
    tab = open_page("Ada", "settings")
    embedded_shop.run(people.set_role, user_id=id_of(embedded_shop, "ada@shop.example"), role=Role.SUPPORT)
    tab.selectbox(key="set_person").select("bea@shop.example").run()
    assert "Your role cannot view this page" in texts(tab)
    assert embedded_shop.sql("select count(*) from stockroom.users where role = 'admin'") == 1


# ---------------------------------------------------------------- your account


def test_a_person_sees_who_they_are_and_where_they_are_signed_in(open_page: Open) -> None:
    tab = open_page("Wanda", "you/account")
    assert "wanda@shop.example" in texts(tab)
    assert "Set a password" in texts(tab)
    assert "(this one)" in str(tab.dataframe[0].value)


def test_signing_out_everywhere_ends_this_page_too(open_page: Open, embedded_shop: Shop) -> None:
    tab = click(open_page("Wanda", "you/account"), "Sign out everywhere")
    assert "Your session has ended" in texts(tab)
    assert not tab.dataframe
    assert embedded_shop.sql("select count(*) from stockroom.sessions where revoked_at is null") == 0


# ---------------------------------------------------------------- the session of an open page


@pytest.mark.parametrize("page", ["overview", "stock", "movements", "settings", "you/account"])
def test_a_page_whose_session_was_revoked_says_so_and_shows_nothing_else(
    open_page: Open, embedded_shop: Shop, page: str
) -> None:
    embedded_shop.variant(3, sku="SECRET-1")
    tab = open_page("Ada", page)
    embedded_shop.sql("update stockroom.sessions set revoked_at = now()")
    tab.run()
    assert not tab.exception
    said = texts(tab)
    assert "Your session has ended" in said
    assert "/sign-in" in said
    assert "SECRET-1" not in said
    assert not tab.dataframe
    assert not tab.button
    assert not tab.sidebar.caption


def test_without_a_cookie_there_is_no_page(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page("Ada")
    monkeypatch.setattr(session, "presented_token", lambda: "")
    tab = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=30)
    tab.query_params["user"] = tab.query_params["token"] = "ada"
    tab.session_state["user"] = tab.session_state["_session_id"] = 1
    tab.user = {"is_logged_in": True, "email": "ada@shop.example"}
    assert "Your session has ended" in texts(tab.run())


def test_what_a_tab_remembered_of_one_person_is_forgotten_when_another_signs_in(open_page: Open) -> None:
    tab = open_page("Ada")
    tab.session_state["draft"] = "Ada's"
    tab.run()
    assert tab.session_state["draft"] == "Ada's"
    open_page("Wanda")
    tab.run()
    assert "draft" not in tab.session_state


def test_the_side_bar_names_the_person_and_their_role(open_page: Open) -> None:
    tab = open_page("Mia")
    assert "Manager" in [caption.value for caption in tab.sidebar.caption]
    assert 'action="/sign-out"' in "".join(tab_html(tab))


def test_a_person_who_came_by_link_is_asked_to_set_a_password_until_they_have_one(
    open_page: Open, embedded_shop: Shop
) -> None:
    tab = open_page("Wanda")
    assert 'action="/password"' in "".join(tab_html(tab))
    actor = session.actor()
    embedded_shop.run(accounts.set_own_password, actor, password="correct horse battery", proof=None)
    assert 'action="/password"' not in "".join(tab_html(tab.run()))
    assert sign_in(embedded_shop, "wanda@shop.example") is not None
