"""A file that leaves something open is asked about on its page, once, and the answer is remembered."""

from __future__ import annotations

import threading
from typing import Any

from streamlit.testing.v1 import AppTest

from core.database import pool
from dashboard.sheets.work import FileWork
from tests.core.sheets.files import DE_THOUSANDS
from tests.dashboard.tabs import Tabs, field, labels, press, run, tabs, words_of
from tests.support.builders import Shop
from tests.support.people import reads_german

__all__ = ["tabs"]

ODD = "Nr;Menge;Ort\nA-1;3;x\nB-1;1.000;y\nSumme;1.003;\n".encode("cp1252")


def upload(tab: AppTest, key: str, content: bytes, name: str = "shelf.csv") -> AppTest:
    tab.file_uploader(key=key).set_value((name, content, "text/csv"))
    return run(tab)


def answer(tab: AppTest, question: str, choice: str) -> AppTest:
    (asked,) = [radio for radio in tab.radio if f"_{question}" in str(radio.key)]
    asked.set_value(choice)
    return run(tab)


def test_a_column_called_menge_is_asked_about_and_the_answers_are_remembered_for_the_next_file(
    tabs: Tabs, embedded_shop: Shop
) -> None:
    first, second = embedded_shop.variant(on_hand=12, sku="A-1"), embedded_shop.variant(on_hand=5, sku="B-1")
    tab = upload(tabs.open("Wanda", "stock", bulk="1"), "bulk_file", ODD)
    said = words_of(tab)
    assert "Which column is “SKU”?" in said or "Guessed from the values" in said
    field(tab, "selectbox", "SKU").set_value("Nr")
    said = words_of(run(tab))
    assert "What does the column “Menge” say?" in said
    assert "A-1, x: 3" in said
    assert not [label for label in labels(tab) if label.startswith("Post")]
    answer(tab, "meaning", "set_to")
    said = words_of(tab)
    assert "What does 1.000 mean in this file?" in said
    answer(tab, "decimal", "comma")
    answer(tab, "total", "leave-out")
    assert "2 variants will change, +986 units in total." in words_of(tab)
    (post,) = [button for button in tab.button if button.label.startswith("Post")]
    post.click()
    run(tab)
    assert (embedded_shop.on_hand(first), embedded_shop.on_hand(second)) == (3, 1000)

    tab = upload(tabs.open("Mia", "stock", bulk="1"), "bulk_file", b"NR;MENGE;Ort\nA-1;2.000;z\n")
    said = words_of(tab)
    assert "Read as Wanda chose for files with these columns." in said
    assert "1 variant will change, +1,997 units in total." in said


def test_a_thousand_is_asked_about_on_import_with_the_row_as_the_example(tabs: Tabs, embedded_shop: Shop) -> None:
    tab = upload(tabs.open("Mia", "catalog"), "cat_file", DE_THOUSANDS)
    said = words_of(tab)
    assert "What does 1.000 mean in this file?" in said
    assert "A-1, Schraube M4: 1.000" in said
    assert "new product" not in said
    assert "1,000 units will be counted" in words_of(answer(tab, "decimal", "comma"))
    (done,) = [button for button in press(tab, "Import 1\N{NO-BREAK SPACE}row").button if "import" in button.label]
    assert (done.label, done.disabled, "1 unchanged." in words_of(tab)) == ("Nothing to import", True, True)
    assert {getattr(button, "label", "") for button in tab.get("download_button")} >= {
        "Template (CSV)",
        "Template (Excel)",
    }


def test_a_reader_of_german_is_asked_in_german_and_reads_what_was_left_out(tabs: Tabs, embedded_shop: Shop) -> None:
    embedded_shop.variant(on_hand=12, sku="A-1")
    reads_german(embedded_shop, "Wanda")
    tab = upload(tabs.open("Wanda", "stock", bulk="1"), "bulk_file", b"SKU;Menge\nA-1;1.000\nSumme;1.000\n")
    asked = " ".join(option for radio in tab.radio for option in radio.options)
    assert "the file has" not in asked
    assert "Weglassen" in asked
    (columns,) = [each.value for each in tab.dataframe if "Zeile 1" in each.value.columns]
    assert next(iter(columns["Zeile 1"])) == "A-1"


def test_cancel_stops_a_statement_that_is_running(tabs: Tabs, embedded_shop: Shop) -> None:
    person = embedded_shop.person("Mia")
    work = FileWork(who="Mia", person=person)
    began = threading.Event()

    def slow(connection: Any, _actor: Any) -> None:
        began.set()
        connection.exec_driver_sql("select pg_sleep(60)")

    thread = threading.Thread(target=work.work, args=(lambda: work.run(slow),))
    thread.start()
    assert began.wait(10)
    work.stop()
    thread.join(20)
    assert (work.is_over, pool.engine().pool.checkedout()) == (True, 0)  # type: ignore[attr-defined]
