"""Views with a name, and the page on which a person begins. Two people use them, one on an older page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.foundation.errors import EditedMeanwhile, Forbidden, InvalidInput
from core.people import accounts, passwords
from core.people.accounts import SignedIn
from core.views import pages, saved
from core.views.saved import View
from tests.conftest import open_fresh
from tests.support.builders import Shop
from tests.support.servers import Server


@pytest.fixture(scope="module")
def desk(server: Server) -> Iterator[Shop]:
    """A shop of these tests; each uses views with names of its own."""
    yield from open_fresh(server)


def view(shop: Shop, name: str, person: str = "Mia") -> View:
    found: tuple[View, ...] = shop.run(saved.views, person)
    return next(each for each in found if each.name == name)


def names(shop: Shop, person: str) -> list[str]:
    return [each.name for each in shop.run(saved.views, person)]


def save(shop: Shop, name: str, person: str = "Mia", page: str = "stock", query: str = "", **more: bool) -> int:
    return int(shop.run(saved.save, person, name=name, page=page, query=query, **more))


def start_of(shop: Shop, person: str) -> str | None:
    token = passwords.new_token()
    session = shop.person(person).session_id
    shop.sql("update stockroom.sessions set token_hash = :t where id = :id", t=passwords.token_hash(token), id=session)
    found = accounts.at_the_door(shop.engine, accounts.find_session, token=token)
    assert isinstance(found, SignedIn)
    return found.start


def test_a_view_is_a_page_with_its_filters_and_without_the_place_in_the_list(desk: Shop) -> None:
    query = "stk_status=Low&stk_brand=Tidewater%20%26%20Co&stk_page=3&view=7&stk_columns=SKU&stk_columns=Cover"
    save(desk, "Low at Tidewater", query=query)
    found = view(desk, "Low at Tidewater")
    assert found.query == "stk_brand=Tidewater%20%26%20Co&stk_columns=SKU&stk_columns=Cover&stk_status=Low"
    assert found.path == f"/stock?view={found.view_id}&{found.query}"
    assert pages.parameters(found.query)["stk_columns"] == ["SKU", "Cover"]


def test_a_private_view_is_its_owners_alone_and_a_shared_one_is_everybodys(desk: Shop) -> None:
    save(desk, "Mine alone")
    save(desk, "For all", is_shared=True)
    assert {"Mine alone", "For all"} <= set(names(desk, "Mia"))
    assert "Mine alone" not in names(desk, "Wanda")
    assert (view(desk, "For all", "Wanda").owner, view(desk, "For all", "Wanda").is_own) == ("Mia", False)


def test_a_second_click_saves_nothing_twice_and_a_name_is_used_once(desk: Shop) -> None:
    first = save(desk, "Sales", page="movements", query="mov_type=Sale")
    assert save(desk, "Sales", page="movements", query="mov_type=Sale") == first
    with pytest.raises(InvalidInput, match="taken by another view of yours"):
        save(desk, "sales", page="movements", query="mov_type=Count")
    assert save(desk, "Sales", "Wanda", page="movements") != first, "another person has names of their own"


@pytest.mark.parametrize(("page", "query"), [
    ("settings", ""), ("../etc", ""), ("stock", "stk_q=" + "x" * 3000),
    ("stock", "&".join(f"a{n}=1" for n in range(90))),
    ("stock", "stk_q=a%00b"),
])  # fmt: skip
def test_what_is_no_page_or_has_too_many_filters_is_not_saved(desk: Shop, page: str, query: str) -> None:
    with pytest.raises(InvalidInput):
        save(desk, "Never", page=page, query=query)


def test_an_older_page_does_not_undo_a_newer_change(desk: Shop) -> None:
    save(desk, "Old name")
    seen = view(desk, "Old name")
    of_it = {"view_id": seen.view_id, "version": seen.version}
    desk.run(saved.rename, "Mia", name="New name", **of_it)
    with pytest.raises(EditedMeanwhile, match="“New name” was changed on another page"):
        desk.run(saved.rename, "Mia", name="Third name", **of_it)
    with pytest.raises(EditedMeanwhile):
        desk.run(saved.replace, "Mia", page="movements", query="", **of_it)
    desk.run(saved.delete, "Mia", view_id=seen.view_id)
    with pytest.raises(InvalidInput, match="was deleted"):
        desk.run(saved.rename, "Mia", view_id=seen.view_id, version=seen.version + 1, name="Third name")
    desk.run(saved.delete, "Mia", view_id=seen.view_id)
    assert not {"Old name", "New name", "Third name"} & set(names(desk, "Mia"))


def test_of_two_pages_at_once_one_renames_the_view(desk: Shop) -> None:
    save(desk, "Contended")
    seen, start = view(desk, "Contended"), threading.Barrier(2)

    def rename(name: str) -> str:
        start.wait()
        try:
            desk.run(saved.rename, "Mia", view_id=seen.view_id, version=seen.version, name=name)
        except EditedMeanwhile:
            return "refused"
        return name

    with ThreadPoolExecutor(2) as pool:
        ended = [each.result() for each in [pool.submit(rename, name) for name in ("Left", "Right")]]
    assert sorted(ended)[-1] == "refused" or "refused" in ended
    (kept,) = set(ended) - {"refused"}
    assert kept in names(desk, "Mia")


def test_nobody_changes_the_view_of_another_person_but_a_manager_makes_it_private(desk: Shop) -> None:
    save(desk, "Wanda's shelf", "Wanda", is_shared=True)
    seen = view(desk, "Wanda's shelf", "Sam")
    for person in ("Sam", "Mia"):
        with pytest.raises(InvalidInput, match="not among yours"):
            desk.run(saved.rename, person, view_id=seen.view_id, version=seen.version, name="Ours")
        desk.run(saved.delete, person, view_id=seen.view_id)
    with pytest.raises(Forbidden):
        desk.run(saved.withdraw, "Sam", view_id=seen.view_id)
    desk.run(saved.withdraw, "Mia", view_id=seen.view_id)
    desk.run(saved.withdraw, "Mia", view_id=seen.view_id)
    assert "Wanda's shelf" not in names(desk, "Sam")
    assert not view(desk, "Wanda's shelf", "Wanda").is_shared
    assert desk.sql("select count(*) from stockroom.audit where change = 'view_withdrawn'") == 1
    with pytest.raises(EditedMeanwhile):
        desk.run(saved.share, "Wanda", view_id=seen.view_id, version=seen.version, is_shared=True)


def test_a_person_begins_on_a_page_or_a_view_of_their_choice_as_long_as_they_see_it(desk: Shop) -> None:
    number = save(desk, "Begin here", "Wanda", query="stk_status=Low", is_shared=True)
    assert start_of(desk, "Sam") is None
    desk.run(saved.begin_on, "Sam", page="orders")
    assert start_of(desk, "Sam") == "orders"
    desk.run(saved.begin_on, "Sam", view_id=number)
    assert start_of(desk, "Sam") == f"stock?view={number}&stk_status=Low"
    assert view(desk, "Begin here", "Sam").is_start
    assert not view(desk, "Begin here", "Wanda").is_start
    seen = view(desk, "Begin here", "Wanda")
    desk.run(saved.share, "Wanda", view_id=number, version=seen.version, is_shared=False)
    assert start_of(desk, "Sam") is None, "it is shared no more"
    with pytest.raises(InvalidInput, match="no longer shared"):
        desk.run(saved.begin_on, "Sam", view_id=number)
    desk.run(saved.begin_on, "Wanda", view_id=number)
    desk.run(saved.delete, "Wanda", view_id=number)
    assert start_of(desk, "Wanda") is None
    desk.run(saved.begin_on, "Sam", page="overview")
    assert desk.sql("select count(*) from stockroom.start_pages") == 0


def test_a_person_whose_account_is_not_active_saves_and_sees_nothing(desk: Shop) -> None:
    for operation, values in ((saved.views, {}), (saved.begin_on, {"page": "stock"})):
        with pytest.raises(Exception, match="session has ended"):
            desk.run(operation, "Carl", **values)
    with pytest.raises(InvalidInput, match="belongs to a person"):
        desk.run(saved.save, name="Nobody's", page="stock", query="")
