"""Numbers, money and days as readers of several countries write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.foundation.errors import InvalidInput
from dashboard.frame import forms, words
from dashboard.language import formats
from dashboard.language.reader import Reader, reader, reader_of, reading
from dashboard.language.said import translated
from dashboard.language.texts import lazy, marked, source, tr

_PLAIN = str.maketrans({words.MINUS: "-", "\N{RIGHT SINGLE QUOTATION MARK}": "'", words.SPACE: " ",
                        "\N{NARROW NO-BREAK SPACE}": " "})  # fmt: skip
AT = datetime(2026, 11, 3, 13, 5, tzinfo=UTC)


def write(locale: str, language: str = "en") -> dict[str, str]:
    with reading(Reader(language=language, locale=locale, has_chosen=True)):
        texts = {
            "number": words.number(-1234567),
            "money": words.money(Decimal("1284.3"), "EUR"),
            "yen": words.money(Decimal(500), "JPY"),
            "share": words.percent(0.125, 1),
            "moment": words.moment(AT, "Europe/Berlin"),
            "ago": words.ago(AT, AT + timedelta(days=3)),
            "weekday": formats.weekday(date(2026, 11, 30)),
        }
    return {name: text.translate(_PLAIN) for name, text in texts.items()}


@pytest.mark.parametrize(
    ("locale", "language", "expected"),
    [
        ("en-GB", "en", ["-1,234,567", "€1,284.30", "¥500", "12.5%", "3 Nov 2026, 14:05", "3 days ago", "Monday"]),
        ("en-US", "en", ["-1,234,567", "€1,284.30", "¥500", "12.5%", "Nov 3, 2026, 2:05 PM", "3 days ago", "Monday"]),
        ("de-DE", "de", ["-1.234.567", "1.284,30 €", "500 ¥", "12,5 %", "03.11.2026, 14:05", "vor 3 Tagen", "Montag"]),
        ("de-CH", "de", ["-1'234'567", "€1'284.30", "¥500", "12.5%", "03.11.2026, 14:05", "vor 3 Tagen", "Montag"]),
        ("fr-FR", "en", ["-1 234 567", "1 284,30 €", "500 ¥", "12,5 %", "3 nov. 2026, 14:05", "3 days ago", "Monday"]),
        ("ja-JP", "en", ["-1,234,567", "€1,284.30", "¥500", "12.5%", "2026/11/03, 14:05", "3 days ago", "Monday"]),
        ("en-IN", "en", ["-12,34,567", "€1,284.30", "¥500", "12.5%", "3 Nov 2026, 2:05 pm", "3 days ago", "Monday"]),
    ],
)
def test_a_reader_sees_their_own_format(locale: str, language: str, expected: list[str]) -> None:
    found = list(write(locale, language).values())
    assert [text.lower() for text in found] == [text.lower() for text in expected]


def test_a_typed_number_is_read_in_the_readers_format() -> None:
    with reading(Reader(language="de", locale="de-DE", has_chosen=True)):
        assert forms.read_units("1.234") == 1234
        assert words.units(1234) == "1.234\N{NO-BREAK SPACE}Stück"
        assert (formats.currency("CHF", "Swiss franc"), formats.currency("ZZZ", "None")) == (
            "Schweizer Franken",
            "None",
        )
    with reading(Reader(locale="en-GB", has_chosen=True)):
        assert forms.read_units("1,234") == 1234
        with pytest.raises(InvalidInput, match=r'not be "1\.234"'):
            forms.read_units("1.234")


def test_a_text_that_was_defined_at_import_is_translated_when_it_is_read() -> None:
    labels, states = lazy({1: "Open", 2: ("Resolved", 3)}), marked({"Open": "red"})
    assert (labels[1], states["Open"]) == ("Open", "red")
    with reading(Reader(language="de", locale="de-DE")):
        assert (labels[1], labels.get(2), next(iter(labels.values()))) == ("Offen", ("Erledigt", 3), "Offen")
        assert source(labels)[1] == "Open"
        assert states["Offen"] == "red"
        assert (tr("Order {number}", number="SO-1"), words.plural(2, "order")) == (
            "Bestellung SO-1",
            "2\N{NO-BREAK SPACE}Bestellungen",
        )


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Units must be at least 1.", "Stück muss mindestens 1 sein."),
        ("Paid order", "Bezahlte Bestellung"),
        ("1 x GIFT-BOX, no variant has this code", "1 x GIFT-BOX, keine Variante hat diesen Code"),
        ("Order SO-1: 1 of 2 lines not taken off the shelf: 1 x A-46, 0 available",
         "Bestellung SO-1: 1 von 2 Positionen nicht aus dem Lager genommen: 1 x A-46, 0 verfügbar"),
        ("Code is not the one that the app shows now.", "Code ist nicht der, den die App jetzt zeigt."),
        ("Address must begin with https://.", "Adresse muss mit https:// beginnen."),
        ("Order web-7: its cart only names order web-7, whose lines were not found in the storefront's tables",
         "Bestellung web-7: sein Warenkorb nennt nur die Bestellung web-7, deren Positionen in den Tabellen des Shops "
         "nicht gefunden wurden"),
        ("A-46, Okto Vector size 46: out of stock, reorder at 1",
         "A-46, Okto Vector Größe 46: ausverkauft, Meldebestand 1"),
        ("The buyer disputes 144.90 EUR of order SO-1 at the bank: the buyer says that the goods did not arrive. "
         "Answer in Stripe's dashboard by 6 December 2026.",
         "Der Käufer ficht 144,90\N{NO-BREAK SPACE}€ der Bestellung SO-1 bei der Bank an: der Käufer sagt, dass die "
         "Ware nicht angekommen ist. Antworten Sie im Dashboard von Stripe bis 06.12.2026."),
        ("Created the backup a.dump with 2,711 movements, restored it and verified it.",
         "Sicherung a.dump mit 2.711 Bewegungen erstellt, wiederhergestellt und geprüft."),
        ("The database answers.", "Die Datenbank antwortet."),
        ("Halde Court Low Chalk", "Halde Court Low Chalk"),
    ],
)  # fmt: skip
def test_a_sentence_of_core_is_translated_with_its_values(sentence: str, expected: str) -> None:
    assert translated(sentence) == sentence
    with reading(Reader(language="de", locale="de-DE")):
        assert translated(sentence) == expected


def test_nobody_who_has_not_chosen_reads_english_as_before() -> None:
    assert reader() == reader_of(None, None) == Reader()


@pytest.mark.parametrize(
    ("language", "locale", "expected"),
    [("en", "en-GB", "distance"), ("en", "fr-FR", "distance"), ("de", "de-DE", "DD.MM.YYYY")],
)
def test_a_table_says_how_long_ago_only_where_it_knows_the_readers_language(
    language: str, locale: str, expected: str
) -> None:
    with reading(Reader(language=language, locale=locale, has_chosen=True)):
        assert formats.column_distance() == expected
