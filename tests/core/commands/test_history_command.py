"""`python -m core import-history FILE`: progress and result."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.__main__ import main
from core.commands import imports as commands_history
from core.ledger import history
from tests.support.builders import Shop

PAST = """occurred_at,sku,movement_type,reason,quantity,reference
2025-10-01,CUP-1,purchase,delivery,10,D-1
2025-10-02,CUP-1,sale,stock_decrease,-4,S-1
2025-10-02,POT-1,sale,stock_decrease,-3,S-1
"""


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """A history file."""
    path = tmp_path / "past.csv"
    path.write_text(PAST, encoding="utf-8")
    return path


@pytest.mark.usefixtures("operated")
def test_a_history_is_imported_with_counts_and_only_once(
    past: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STAGED_AT_ONCE", 2)
    assert main(["import-history", str(past)]) == 0
    said = capsys.readouterr()
    assert said.out == (
        "Imported past.csv: 3 movements, 2 new SKUs.\n"
        "1 SKU got an opening count of 3 units in all: the smallest that keeps every level at zero or above, "
        "dated just before its first row.\n"
    )
    assert said.err == ("Read and checked 3 of 3 rows\nStaged 2 of 3 rows\nStaged 3 of 3 rows\nPosted 3 of 3 rows\n")
    assert main(["import-history", str(past)]) == 0
    said = capsys.readouterr()
    assert said.out == "past.csv was already imported (3 rows); nothing was changed.\n"
    assert said.err == ""


def test_bad_rows_are_reported_by_line_without_a_traceback(
    operated: Shop, past: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past.write_text(PAST.replace(",10,", ",ten,").replace(",-3,", ",3,"), encoding="utf-8")
    assert main(["import-history", str(past)]) == 1
    assert capsys.readouterr().err == (
        "past.csv has 2 bad rows; nothing was imported.\n"
        '  line 2: quantity "ten" is not a whole number\n'
        '  line 4: quantity "3" must take units for this reason\n'
    )
    assert operated.sql("select count(*) from products") == 0


def test_the_sample_shop_is_changed_only_on_request(
    operated: Shop, past: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operated.sql("update stockroom.shop set is_sample = true")
    assert main(["import-history", str(past)]) == 1
    assert "This shop holds the sample data" in capsys.readouterr().err
    assert main(["import-history", str(past), "--into-sample"]) == 0


def test_on_a_terminal_each_step_counts_up_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    commands_history.show_progress("posted", 20_000, 30_000)
    commands_history.show_progress("posted", 30_000, 30_000)
    assert capsys.readouterr().err == "\rPosted 20,000 of 30,000 rows\rPosted 30,000 of 30,000 rows\n"
