"""`python -m core adopt`: arguments, output and exit codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import __main__ as core_main
from tests.support.legacy import CATALOGUE, FUNCTIONS, NINE, TABLES, Legacy, legacy_database
from tests.support.servers import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def old(supabase_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Legacy]:
    """A small old shop that the commands find by its settings."""
    with legacy_database(supabase_server, TABLES, FUNCTIONS, CATALOGUE) as legacy:
        monkeypatch.setenv("DATABASE_URL", legacy.url)
        monkeypatch.delenv("STOCKROOM_OWNER_URL", raising=False)
        yield legacy


def words(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_checking_prints_a_table_and_every_row_that_stays(old: Legacy, capsys: pytest.CaptureFixture[str]) -> None:
    old.move(NINE, "purchase", 0, 7, "2025-03-01 09:00+00")
    bad = old.move(NINE, "sale", 7, 6, "2025-03-02 09:00+00", quantity=-4)
    assert core_main.main(["adopt", "--check"]) == 0
    said = capsys.readouterr().out
    lines = [words(line) for line in said.splitlines()]
    assert lines[0] == ["what", "found", "then"]
    assert ["product_variants", "3 rows", "kept as product_variants_legacy; same ids in the new table"] in lines
    assert ["levels unlike their history", "2 variants", "one count each, 10 units in all"] in lines
    assert "1 row of the old history cannot be carried into the ledger:" in said
    assert [str(bad), "sale -4 AC-9", "wrong arithmetic: 7 and -4 do not make 6"] in lines
    assert said.endswith("Adopting is possible and can be undone until the first new movement. Nothing was changed.\n")


def test_adopting_is_reported_verified_repeated_and_undone(old: Legacy, capsys: pytest.CaptureFixture[str]) -> None:
    assert core_main.main(["adopt"]) == 0
    assert "Done; every level, chain and daily figure was verified." in capsys.readouterr().out
    assert core_main.main(["adopt"]) == 0
    assert "This shop already moved in, on" in capsys.readouterr().out
    assert core_main.main(["reconcile"]) == 0
    assert core_main.main(["adopt", "--undo"]) == 0
    assert "Everything is as it was before adopting." in capsys.readouterr().out
    assert core_main.main(["adopt", "--undo"]) == 1
    assert core_main.main(["migrate"]) == 1
    assert "python -m core adopt --check" in capsys.readouterr().err
    assert old.one("select count(*) from product_variants") == 3


def test_an_obstacle_gives_exit_code_one(old: Legacy, capsys: pytest.CaptureFixture[str]) -> None:
    old.run("alter table product_variants rename column stock_quantity to qty")
    assert core_main.main(["adopt", "--check"]) == 1
    said = (
        "- product_variants has no column stock_quantity. Name the column that holds it: --map COLUMN=stock_quantity.\n"
    )
    assert said in capsys.readouterr().out
    assert core_main.main(["adopt"]) == 1
    assert "Nothing was changed." in capsys.readouterr().err
    assert core_main.main(["adopt", "--map", "qty=stock_quantity", "--keep-reading"]) == 0


@pytest.mark.usefixtures("old")
def test_checking_and_undoing_at_once_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        core_main.main(["adopt", "--check", "--undo"])
    assert "not allowed with argument" in capsys.readouterr().err
