"""Every page in a language that marks each text of the catalogue: what a page draws unmarked is data, or forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core.database import pool
from core.foundation.sales import AlertKind
from core.reports.menu import REPORTS
from dashboard.catalog import order_import
from dashboard.door import session
from dashboard.frame import live
from dashboard.language.reader import Reader
from dashboard.language.texts import PSEUDO
from dashboard.proof import headline
from dashboard.starting import removing
from tests.conftest import open_sample
from tests.dashboard.tabs import Tabs
from tests.house.reading import ROOT
from tests.language.drawn import texts, unmarked
from tests.language.finder import NAMES
from tests.support.builders import Shop
from tests.support.servers import Server

SECTIONS = (
    ("People", "Reasons", "Recent changes", "Stripe", "Stripe guard", "Codes", "API keys", "Webhooks"),
    ("Notifications", "Jobs", "Health", "Backups"),
)
PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("overview", {}), ("stock", {}), ("stock", {"stk_view": "Sizes"}), ("stock", {"new": "1"}), ("scan", {}),
    ("counts", {}), ("counts", {"new": "1"}), ("counts", {"cnt_section": "What to count next"}),
    ("counts", {"cnt_section": "Accuracy"}), ("deliveries", {}), ("deliveries", {"new": "expected"}), ("catalog", {}),
    ("catalog", {"imp_section": "Orders"}), ("reconciliation", {}), ("reconciliation", {"rec_view": "Runs"}),
    ("start", {}), ("movements", {}), ("orders", {}), ("orders", {"ord_view": "Refunds to decide"}),
    ("orders", {"ord_view": "Waiting for goods"}), ("alerts", {}), ("alerts", {"alr_list": "Decisions"}),
    ("alerts", {"alr_list": "Levels"}), ("alerts", {"alr_list": "Machinery"}), ("reports", {}),
    ("reports", {"report": "to-order"}), ("reports", {"report": "money"}), ("reports", {"report": "instant"}),
    ("you/views", {}), ("you/search", {"q": "canvas"}), ("you/search", {"q": "SO-1"}),
    *(("reports", {"report": name}) for name in REPORTS),
    *(("settings", {"set_section": name}) for names in SECTIONS for name in names),
)  # fmt: skip
ONE: tuple[tuple[str, str, str], ...] = (
    ("stock", "sku", "select min(sku) from public.product_variants where stock_quantity > 0"),
    ("orders", "order", "select min(order_id) from stockroom.refunds"),
    ("orders", "order", "select order_id from stockroom.alerts where kind = 'dispute' limit 1"),
    ("movements", "movement", "select max(movement_id) from stockroom_api.movements"),
    *(("alerts", "alert", f"select min(id) from stockroom.alerts where kind = '{kind}'") for kind in AlertKind),
)  # fmt: skip
"""Pages of one thing: page, parameter, and a query for its id."""
DATA = (
    "select * from product_variants", "select * from products", "select * from stockroom.users",
    "select name, zone from stockroom.shop", "select name, email from stockroom.orders",
    "select code from stockroom.order_lines", "select brand from public.products",
    "select distinct performed_by, note, reference_id from public.stock_movements",
    "select reason from stockroom.reasons",
    "select distinct note from stockroom_api.alert_history where who <> 'Stockroom'",
)  # fmt: skip
# Months and distances come from Babel; `off` and ids from Streamlit; `web` begins the order numbers of the sample.
ELSEWHERE = (
    {"off", "web", "ago", "minute", "minutes", "hours", "days", "Sandbox", "EUR", "Ada"}
    | {word for name in NAMES for word in re.findall(r"\w{3,}", name)}
    | {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
)


VALUES = {
    "No supplier", "outbox", "public", "play_sample", "**play\\_sample**", "customer_email", "canvas",
    "cart", "channel", "instagram", "order\\_id", "order\\_number", "shipping",
}  # fmt: skip
"""Values of choices, whose labels are translated, and names: of a provider, a table, a column, a payment's metadata."""
RUNBOOK = " ".join((ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").split())
CODE = re.compile(r"[0-9a-f]{32}|\{.*|\\\[.*|payment_intent\.succeeded\n.*|\.venv/.*", re.DOTALL)
"""Texts for programs: ids, JSON, the kinds of Stripe's messages, a command."""


def is_runbook(said: str) -> bool:
    """Whether a text is a paragraph of the runbook, a document, which is in English."""
    return said[:60] in RUNBOOK


@pytest.fixture(scope="module")
def sample(embedded: Server) -> Iterator[Shop]:
    """The sample shop, whole."""
    yield from open_sample(embedded)


def test_every_text_of_a_page_comes_from_the_catalogue(sample: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "engine", lambda *_: sample.engine)
    monkeypatch.setattr(live, "_answer", (0.0, 0))
    for each in (order_import.imports, headline.proofs, removing.works):
        monkeypatch.setattr(each, "latest", None)  # what another test began in this process
    monkeypatch.setattr(session, "reader_of", lambda *_: Reader(language=PSEUDO))
    tabs, known = Tabs(shop=sample, monkeypatch=monkeypatch), set(ELSEWHERE)
    with sample.owner.connect() as connection:
        for query in DATA:
            for row in connection.execute(text(query)):
                known |= {word for value in row for word in re.findall(r"[^\W\d_]{3,}", str(value))}
    ones = [(page, {name: str(found)}) for page, name, sql in ONE if (found := sample.sql(sql)) is not None]
    forgotten = {
        (page, said)
        for page, query_ in (*PAGES, *ones)
        for said in texts(tabs.open("Ada", page, **query_))
        if said not in VALUES and unmarked(said) - known and not CODE.fullmatch(said) and not is_runbook(said)
    }
    assert sorted(forgotten) == []
