"""Texts that look alike are compared alike, in Python and in SQL."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.foundation.barcodes import check_digit, code_key
from core.foundation.text import folded
from tests.support.builders import Shop

# Letters with and without marks, and everything that is folded: what two servers and Python must agree on.
ODD = "\u00a0\u00ad\u1680\u2009\u200b\u200d\u200e\u2028\u202f\u2060\u3000\ufeff\u2010\u2014\u2212\ufe63\uff0d\x1d\t\n\x85 -"
TEXTS = st.text(
    st.one_of(st.sampled_from(ODD), st.characters(max_codepoint=0x3100, exclude_categories=("Cs", "Cn"), exclude_characters="\0")),
    max_size=12,
)  # fmt: skip
NUMBERS = st.from_regex(r"[0-9]{7,15}", fullmatch=True).map(
    lambda digits: digits[:-1] + check_digit(digits) if len(digits) in (8, 12, 13, 14) else digits
)


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
    seen: list[str] = []

    @settings(max_examples=400, database=None)
    @given(st.one_of(TEXTS, NUMBERS))
    def collect(text: str) -> None:
        assert folded(folded(text)) == folded(text)
        seen.append(text)

    collect()
    rows = shop.rows(
        "select stockroom.folded(t), stockroom.code_key(t) from unnest(cast(:texts as text[])) with ordinality u (t, n) order by n",
        texts=seen,
    )
    assert [tuple(row) for row in rows] == [(folded(text), code_key(text)) for text in seen]
