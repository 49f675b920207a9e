"""Every page in a language that marks each text of the catalogue: what a page draws unmarked is data, or forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from core.database import pool
from dashboard.catalog import order_import
from dashboard.door import session
from dashboard.frame import live
from dashboard.language.reader import Reader
from dashboard.language.texts import PSEUDO
from dashboard.proof import headline
from dashboard.starting import removing
from tests.conftest import open_sample
from tests.dashboard.tabs import Tabs
from tests.language.drawn import texts, unmarked
from tests.language.finder import NAMES
from tests.support.builders import Shop
from tests.support.servers import Server

PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("overview", {}), ("stock", {}), ("stock", {"stk_view": "Sizes"}), ("stock", {"new": "1"}), ("counts", {}),
    ("deliveries", {}), ("catalog", {}), ("catalog", {"imp_section": "Orders"}), ("reconciliation", {}),
    ("reconciliation", {"rec_view": "Runs"}), ("start", {}), ("settings", {"set_section": "Notifications"}),
    ("movements", {}), ("orders", {}), ("orders", {"ord_view": "Refunds to decide"}),
    ("orders", {"ord_view": "Waiting for goods"}), ("alerts", {}), ("reports", {}), ("reports", {"report": "to-order"}),
    ("reports", {"report": "money"}), ("reports", {"report": "instant"}), ("you/views", {}),
)  # fmt: skip
DATA = (
    "select * from product_variants", "select * from products", "select * from stockroom.users",
    "select name, zone from stockroom.shop", "select name, email from stockroom.orders",
    "select code from stockroom.order_lines", "select brand from public.products",
    "select distinct performed_by, note, reference_id from public.stock_movements",
)  # fmt: skip
# Months and distances come from Babel; `off` and ids from Streamlit; `web` begins the order numbers of the sample.
ELSEWHERE = (
    {"off", "web", "ago", "minute", "minutes", "hours", "days", "Sandbox", "EUR", "Ada"}
    | {word for name in NAMES for word in re.findall(r"\w{3,}", name)}
    | {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
)


VALUES = {"No supplier", "outbox"}
"""Values of choices, whose labels are translated, and names."""


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
    forgotten = {
        (page, said)
        for page, query_ in PAGES
        for said in texts(tabs.open("Ada", page, **query_))
        if said not in VALUES and unmarked(said) - known and not re.fullmatch(r"[0-9a-f]{32}", said)
    }
    assert sorted(forgotten) == []
