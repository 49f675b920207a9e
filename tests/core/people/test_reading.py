"""The language and the format of pages: everybody chooses their own, an admin the shop's, and both are on record."""

from __future__ import annotations

import pytest

from core.database import engine as database
from core.foundation.errors import Forbidden, InvalidInput, SignInRequired
from core.people import accounts, audit, reading
from core.people.audit import What
from core.people.reading import Reading
from tests.support import people
from tests.support.builders import Shop


def test_a_persons_choice_comes_before_the_shops(shop: Shop) -> None:
    email = people.new_person(shop)
    token = people.token_of(people.sign_in(shop, email))
    shop.run(reading.set_shop_reading, "Ada", language="de", format=None)
    actor = people.actor_of(shop, token)
    found = people.who(shop, token)
    assert found is not None
    assert (found.language, found.format) == ("de", None)
    database.run(shop.engine, reading.set_own_reading, actor, language="en", format="de-CH")
    found = people.who(shop, token)
    assert found is not None
    assert (found.language, found.format) == ("en", "de-CH")
    assert accounts.at_the_door(shop.engine, reading.shop_reading) == Reading(language="de")
    own, theirs = shop.run(audit.recent_changes, "Ada")[:2]
    assert (own.what, own.after) == (What.READING_SET, {"language": "en", "format": "de-CH"})
    assert (theirs.what, theirs.before, theirs.after) == (What.READING_SET, {"language": None}, {"language": "de"})
    shop.run(reading.set_shop_reading, "Ada", language=None, format=None)


@pytest.mark.parametrize("name", ["Wanda", "Sam", "Mia"])
def test_only_an_admin_chooses_for_the_shop_and_everybody_for_themselves(shop: Shop, name: str) -> None:
    with pytest.raises(Forbidden):
        shop.run(reading.set_shop_reading, name, language="de", format="de-DE")
    shop.run(reading.set_own_reading, name, language=None, format="en-US")
    assert shop.run(reading.own_reading, name) == Reading(format="en-US")
    shop.run(reading.set_own_reading, name, language=None, format=None)


def test_who_is_deactivated_chooses_nothing(shop: Shop) -> None:
    with pytest.raises(SignInRequired):
        shop.run(reading.set_own_reading, "Carl", language="de", format=None)


def test_a_language_or_format_that_pages_do_not_have_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="Language"):
        shop.run(reading.set_own_reading, "Mia", language="tlh", format=None)
    with pytest.raises(InvalidInput, match="Format"):
        shop.run(reading.set_own_reading, "Mia", language=None, format="de_CH")
