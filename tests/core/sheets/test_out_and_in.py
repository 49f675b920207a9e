"""What is written to a file comes back as it was, and no spreadsheet runs anything of it."""

from __future__ import annotations

import io
import re
import zipfile

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.foundation.csv_file import as_csv
from core.sheets import Format, open_sheet, template
from core.sheets.words import cell
from core.sheets.writing import as_xlsx

_ODD = st.sampled_from(
    ["-5", "=1+1", "00123", "@HOME", "+49", "'=x", "''", "'5", "'", "-", "\uff1d1", "=cmd|' /C calc'!A0", "1e5"]
)
# What core stores has no control characters and no spaces around it; `cell` brings a text there.
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Cn", "Co")), max_size=20
)
TEXTS = st.lists(st.tuples(_ODD | _TEXT, _TEXT | _ODD), min_size=1, max_size=5)


def _stored(text: str) -> str:
    """Return a text as core would store it: composed, with plain spaces, trimmed."""
    return cell(f"x{text}x")[1:-1].strip()


@settings(max_examples=60, deadline=None)
@given(TEXTS)
@example([("-5", "=1+1"), ("'=1+1", "''5"), ("'", "00123")])
def test_what_is_exported_comes_back_as_it_was(pairs: list[tuple[str, str]]) -> None:
    rows = [("row", _stored(first), _stored(second)) for first, second in pairs]
    header = ("sku", "product", "brand")
    for content in (as_csv(header, rows), as_xlsx(header, rows)):
        assert [tuple(record) for record in open_sheet(content, "out").records] == rows


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_no_cell_of_an_export_begins_like_a_formula(pairs: list[tuple[str, str]]) -> None:
    text = as_csv(("a", "b"), pairs).decode("utf-8-sig")
    for value in re.findall(r'(?:^|,)"?([^,"\r\n]*)', text.partition("\r\n")[2], re.MULTILINE):
        assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", value)
    with zipfile.ZipFile(io.BytesIO(as_xlsx(("a", "b"), pairs))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_numbers_of_an_export_stay_numbers() -> None:
    assert b"-5,2.50" in as_csv(("change", "price"), [(-5, "2.50")])
    assert open_sheet(as_xlsx(("change",), [(-5,)]), "out").records == [("-5",)]


def test_a_template_is_a_file_that_comes_in() -> None:
    from core.catalog.file import EXAMPLES, FIELDS, catalog_of
    from core.ledger import bulk
    from core.sheets import match

    for kind in Format:
        file = catalog_of(match(open_sheet(template(FIELDS, EXAMPLES, kind), "t"), FIELDS))
        assert ([line.sku for line in file.lines], file.problems) == (["RUN-01-42", "RUN-01-43"], ())
        found = match(open_sheet(template(bulk.FIELDS, bulk.EXAMPLES, kind), "t"), bulk.FIELDS)
        assert (found.missing, found.questions) == ((), ())
