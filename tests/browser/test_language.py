"""Streamlit's own words in the reader's language, and no word of the shop changed with them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from core.foundation.model import Role
from tests.browser.browsing import Desk, settle
from tests.support.people import new_person


def test_a_german_reader_reads_streamlits_own_words_in_german_and_the_shops_as_they_are(desk: Desk) -> None:
    desk.shop.variant(3, sku="CLOSE-1", product="Close")
    reader = new_person(desk.shop, Role.MANAGER, password=None)
    desk.shop.sql("update stockroom.users set language = 'de', format = 'de-DE' where email = :email", email=reader)
    tab = desk.tab()
    desk.enter(tab, reader)
    tab.goto(f"{desk.url}/stock?sku=CLOSE-1")
    settle(tab)
    expect(tab.get_by_text("Close", exact=True).first).to_be_visible()
    expect(tab.get_by_role("button", name=re.compile("^Als CSV herunterladen: "))).not_to_have_count(0)
    expect(tab.get_by_label(re.compile("^(Download as CSV|Show/hide columns|Choose an option)"))).to_have_count(0)
    tab.goto(f"{desk.url}/catalog")
    settle(tab)
    expect(tab.get_by_test_id("stFileUploader").get_by_text("Hochladen")).to_be_visible()
    expect(tab.get_by_test_id("stFileUploader")).to_contain_text("50MB je Datei")
    tab.goto(f"{desk.url}/account")
    settle(tab)
    expect(tab.get_by_label(re.compile("^(Navigate to home page|Link to heading|Skip to main content)"))).to_have_count(
        0
    )
