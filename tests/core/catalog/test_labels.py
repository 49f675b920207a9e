"""Labels say what they should: each is rendered and its barcode is read again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pypdfium2
import pytest
import zxingcpp

from core.catalog import codes, labels
from core.catalog.label_sheets import Sheet, pdf
from core.catalog.label_zpl import zpl
from core.catalog.labels import Label
from core.foundation.errors import InvalidInput, UnknownVariant
from core.foundation.model import Line
from core.ledger import changes
from tests.conftest import open_fresh
from tests.support.builders import Shop, key
from tests.support.servers import Server

LONG = "Wanderstiefel Größe für Überlänge mit Šnürsenkeln und doppelt genähter Sohle, Edition Łódź"
CODES = ("4006381333931", "036000291452", "0036000291452", "96385074", "TR-42", "14006381333938", "Größe 42", "A" * 60)


@pytest.fixture(scope="module")
def counter(server: Server) -> Iterator[Shop]:
    """An empty shop for all tests here."""
    yield from open_fresh(server)


def label(code: str, count: int = 1) -> Label:
    return Label(sku=f"SKU {code[:20]}", name=LONG, size="42 ⅔", color="Grün", code=code, count=count)


def read(content: bytes) -> tuple[list[list[str]], list[str]]:
    """Return the barcodes of each page, from left to right and from top to bottom, and the text of each page."""
    document = pypdfium2.PdfDocument(content)
    found, texts = [], []
    for page in document:
        image = page.render(scale=4).to_pil()
        seen = zxingcpp.read_barcodes(image)
        places = [(round(b.position.top_left.y / 90), b.position.top_left.x, b.text) for b in seen]
        found.append([text for _, _, text in sorted(places)])
        texts.append(page.get_textpage().get_text_bounded())
    return found, texts


@pytest.mark.parametrize("sheet", list(Sheet))
def test_every_barcode_of_a_sheet_is_read_again(sheet: Sheet) -> None:
    pages, texts = read(pdf([label(code) for code in CODES], sheet=sheet))
    seen = sorted(code.lstrip("0") for page in pages for code in page)
    assert seen == sorted(code.lstrip("0") for code in CODES)
    assert len(pages) == (len(CODES) if sheet is Sheet.ROLL else 1)
    for word in ("Wanderstiefel Größe für", "42 ⅔, Grün", "…"):
        assert word in texts[0], word
    assert sheet is not Sheet.A4_21 or "Šnürsenkeln" in texts[0]


def test_used_labels_stay_empty_and_counts_fill_the_next_page() -> None:
    pages, _ = read(pdf([label("TR-1", 20), label("TR-2", 3)], sheet=Sheet.A4_21, used=2))
    assert [len(page) for page in pages] == [19, 4]
    assert pages[1] == ["TR-1", "TR-2", "TR-2", "TR-2"]
    with pytest.raises(InvalidInput, match="from 0 to 20"):
        pdf([label("TR-1")], sheet=Sheet.A4_21, used=21)


def test_the_fields_of_zpl_hold_every_letter_and_no_command() -> None:
    odd = Label(sku="A^B~C_1>2", name="Größe Š ^XZ", size="42", color=None, code="A^B~C_1>2", count=7)
    written = zpl([odd, label("4006381333931"), label("036000291452")])
    fields = [
        re.sub("_([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), each).encode("latin-1").decode()
        for each in re.findall(r"\^FH_\^FD(.*?)\^FS", written)
    ]
    assert fields[:4] == ["Größe Š ^XZ", "42", "A^B~C_1>2", "A^B~C_1>02"]
    assert fields[7] == "400638133393"  # the printer adds the check digit
    assert fields[11] == "03600029145"
    assert written.count("^XA") == written.count("^XZ") == 3
    assert "^PQ7\n" in written


def test_labels_have_the_best_code_and_a_receipt_needs_one_for_each_unit(counter: Shop) -> None:
    shoe = counter.variant(sku="SHOE-42", product="Schuh", barcode="4006381333931", size="42")
    hat = counter.variant(sku="HAT-1")
    cap = counter.variant(sku="CAP-1")
    counter.run(codes.attach, "Wanda", variant_id=hat, code="036000291452", kind="upc", key=key())
    lines = [Line(variant_id=cap, quantity=2), Line(variant_id=shoe, quantity=5)]
    receipt = counter.run(changes.receive, "Wanda", lines=lines, key=key())
    wanted = counter.run(labels.labels_of_operation, "Wanda", operation_id=receipt.operation_id)
    assert {each.sku: each.units for each in wanted} == {"CAP-1": 2, "SHOE-42": 5}
    made = counter.run(labels.labels, "Wanda", counts={shoe: 5, hat: 1, cap: 0})
    assert [(each.sku, each.name, each.about, each.code, each.count) for each in made] == [
        ("SHOE-42", "Schuh", "42", "4006381333931", 5),
        ("HAT-1", "Canvas shoe", "", "036000291452", 1),
    ]
    for counts in ({shoe: 3_001}, {shoe: 0}, {shoe: -1}):
        with pytest.raises(InvalidInput):
            counter.run(labels.labels, "Wanda", counts=counts)
    with pytest.raises(UnknownVariant):
        counter.run(labels.labels, "Wanda", counts={key(): 1})
