"""`python -m core sample --days --orders` and `export`: progress, interruption, and what is on disk afterwards."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from core import __main__ as core_main
from core.commands.progress import Bar
from core.sample import large
from core.screens.lists import LISTS
from tests.support.builders import Shop


def test_an_interrupted_large_sample_says_how_far_it_is_continues_and_is_exported(
    operated: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    filled = large._fill
    parts = iter(range(9))

    def fill(connection: Any, actor: Any) -> large.Large:
        if next(parts) == 1:
            raise KeyboardInterrupt
        return filled(connection, actor)

    monkeypatch.setattr(large, "_fill", fill)
    size = ["--days", "10", "--orders", "60"]
    assert core_main.main(["sample", *size]) == 130
    said = capsys.readouterr().err
    assert "of 60 orders are there, of 7 of 10 days, and the books are whole" in said
    assert "`python -m core sample --days 10 --orders 60` continues" in said
    assert core_main.main(["sample", "--days", "10"]) == 1
    assert "This shop holds another large sample" in capsys.readouterr().err
    assert core_main.main(["sample"]) == 1
    assert "A large sample was interrupted" in capsys.readouterr().err
    assert core_main.main(["sample", *size]) == 0
    told = capsys.readouterr()
    assert told.out.endswith("is loaded: 60 orders of 10 days.\n")
    assert "60 of 60 orders" in told.err
    assert "\r" not in told.err
    assert operated.sql("select count(*) from stockroom.orders") == 60
    folder = tmp_path / "files"
    assert core_main.main(["export", str(folder)]) == 0
    assert capsys.readouterr().out.startswith(f"Wrote {len(LISTS)} lists to {folder}.")
    assert pyarrow.parquet.read_metadata(folder / "orders.parquet").num_rows == 60
    csv, parquet = ({path.stem for path in folder.glob(f"*.{ending}")} for ending in ("csv", "parquet"))
    assert csv == parquet == set(LISTS)
    assert {"counts", "count_lines", "goods_deliveries", "goods_lines", "variant_codes", "variant_changes"} <= csv
    assert core_main.main(["export", str(folder)]) == 1
    assert "exists already" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_the_bar_shows_counts_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 1.0, 40.0, 100.0) * 2)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        bar = Bar(1_000, "orders", stream)
        for done in (0, 10, 400, 1_000):
            bar.show(done)
    lines = plain.getvalue().splitlines()
    assert lines == [
        "0 of 1,000 orders",
        "400 of 1,000 orders, 10 a second, 1 min 0 s left",
        "1,000 of 1,000 orders, 10 a second, 1 min 40 s in all",
    ]
    assert terminal.getvalue().count("\n") == 1
    assert "[#########...............] 400 of 1,000 orders" in terminal.getvalue()
