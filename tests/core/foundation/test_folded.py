"""Texts that look alike are compared alike, in Python and in SQL."""

from __future__ import annotations

import random
import unicodedata

import pytest

from core.foundation.barcodes import LENGTHS, check_digit, code_key
from core.foundation.text import folded
from tests.support.builders import Shop

# Letters with and without marks, and everything that is folded: what two servers and Python must agree on.
ODD = (
    "\u00a0\u00ad\u1680\u2009\u200b\u200d\u200e\u2028\u202f\u2060\u3000\ufeff"
    "\u2010\u2014\u2212\ufe63\uff0d\x1d\t\n\x85 -"
)
LETTERS = [chr(code) for code in range(1, 0x3100) if unicodedata.category(chr(code)) != "Cn"]
MARKS = [letter for letter in LETTERS if unicodedata.combining(letter)]


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("plain TR-42", "plain TR-42"),
        ("\u00a0TR\u201142\u3000 \u2009rot\u200b ", "TR-42 rot"),
        ("Cafe\u0301\u00adhaus", "Café" + "haus"),
        ("a\u200d\u0308", "ä"),
        ("  \t two\r\n lines ", "two lines"),
    ],
)
def test_look_alikes_are_alike(written: str, compared: str) -> None:
    assert folded(written) == compared


def test_python_and_the_database_compare_alike(shop: Shop) -> None:
    chance = random.Random(16)
    texts = [
        "".join(chance.choice(chance.choice((ODD, "aEou", MARKS, LETTERS))) for _ in range(8)) for _ in range(3_000)
    ]
    for length in range(7, 16):
        numbers = ["".join(chance.choices("0123456789", k=length)) for _ in range(60)]
        texts += [n[:-1] + check_digit(n) if length in LENGTHS else n for n in numbers] + numbers
    rows = shop.rows(
        """select stockroom.folded(t), stockroom.code_key(t), stockroom.folded(stockroom.folded(t))
             from unnest(cast(:texts as text[])) with ordinality u (t, n) order by n""",
        texts=texts,
    )
    assert [tuple(row) for row in rows] == [(folded(text), code_key(text), folded(text)) for text in texts]
