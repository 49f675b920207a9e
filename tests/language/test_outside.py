"""No text of a page is outside of the catalogue."""

from __future__ import annotations

from tests.house.reading import ROOT
from tests.language.finder import MARKS, page_files, texts_of


def test_no_text_of_a_page_is_outside_of_the_catalogue() -> None:
    """A text goes through `tr`, is `marked`, or is a value of `lazy`."""
    outside = {
        f"{path.relative_to(ROOT)}:{found.node.lineno}: {found.text}"
        for path in page_files()
        for found in texts_of(path).found
        if found.inside not in MARKS and found.place != "default"
    }
    assert outside == set()
