"""An export shows the shop at one moment, and importing it again changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.catalog import imports as catalog
from core.catalog.imports import RowStatus
from core.foundation import paging
from core.ledger import bulk, movements, reports
from core.ledger.level_filter import LevelFilter, LevelSort
from core.ledger.movements import MovementFilter
from core.screens import exports, files
from core.screens.files import Format
from core.sheets import match, open_sheet
from core.sheets.model import Sheet
from tests.support.builders import Shop, key

SKUS = ("-5", "=1+1", "00123", "@HOME", "+49", "'A", "4006381333931")


def header_and_rows(content: bytes) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    sheet: Sheet = open_sheet(content, "out")
    return sheet.header, [dict(zip(sheet.header, record, strict=True)) for record in sheet.records]


def test_exporting_and_importing_changes_nothing_whatever_the_skus_look_like(fresh_shop: Shop, tmp_path: Path) -> None:
    for number, sku in enumerate(SKUS):
        fresh_shop.variant(on_hand=number, sku=sku, product=f"={sku}")
    before = fresh_shop.rows("select * from product_variants v join products p on p.id = v.product_id order by v.sku")
    for kind in (Format.CSV, Format.XLSX):
        path = tmp_path / f"variants.{kind}"
        fresh_shop.run(files.write_list, "Mia", name="variants", format=kind, path=path)
        values: dict[str, Any] = {"content": path.read_bytes(), "file_name": path.name}
        assert fresh_shop.run(catalog.preview_catalog, "Mia", **values).counts == {RowStatus.UNCHANGED: len(SKUS)}
        done = fresh_shop.run(catalog.import_catalog, "Mia", key=key(), **values)
        assert (done.variants_added, done.variants_known, done.units_counted) == (0, len(SKUS), 0)
    assert fresh_shop.rows(
        "select * from product_variants v join products p on p.id = v.product_id order by v.sku"
    ) == before  # fmt: skip
    for export in (exports.levels_csv, exports.levels_xlsx):
        levels = fresh_shop.run(export, "Wanda", filter=LevelFilter(), sort=LevelSort.SKU)
        header, rows = header_and_rows(levels)
        content = "\n".join(["\t".join((*header, "set_to")), *("\t".join((*r.values(), r["on_hand"])) for r in rows)])
        found = match(open_sheet(content.encode(), "levels"), bulk.FIELDS)
        shown = fresh_shop.run(bulk.preview_matched, "Wanda", found=found)
        assert shown.problems == ()
        assert {(row.sku, row.change) for row in shown.rows} == {(sku, 0) for sku in SKUS}


def _selling(shop: Shop, pages: Iterator[Any], sell: Callable[[], Any]) -> Iterator[Any]:
    """Yield pages, and sell something in another transaction after the first."""
    yield next(pages)
    other = threading.Thread(target=sell)
    other.start()
    other.join()
    yield from pages


def test_a_sale_between_the_pages_of_an_export_is_not_half_in_it(
    fresh_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoes = [fresh_shop.variant(on_hand=units, sku=f"S-{units}") for units in (40, 30, 20, 10)]
    monkeypatch.setattr(exports, "LEVELS_AT_ONCE", 2)
    monkeypatch.setattr(paging, "LONGEST_PAGE", 2)
    read = reports.levels
    sold: list[int] = []

    def levels(*args: Any, **values: Any) -> Any:
        page = read(*args, **values)
        if not sold:
            sold.append(1)
            other = threading.Thread(target=lambda: fresh_shop.adjust(shoes[0], -35))
            other.start()
            other.join()
        return page

    monkeypatch.setattr(reports, "levels", levels)
    content = fresh_shop.run(exports.levels_csv, "Wanda", filter=LevelFilter(), sort=LevelSort.MOST)
    assert sorted(row["sku"] for row in header_and_rows(content)[1]) == ["S-10", "S-20", "S-30", "S-40"]
    assert sorted(int(row["on_hand"]) for row in header_and_rows(content)[1]) == [10, 20, 30, 40]
    assert fresh_shop.on_hand(shoes[0]) == 5
    export = movements.export

    def walk(*args: Any, **values: Any) -> Iterator[Any]:
        return _selling(fresh_shop, export(*args, **values), lambda: fresh_shop.adjust(shoes[1], -1))

    monkeypatch.setattr(movements, "export", walk)
    content = fresh_shop.run(exports.movements_csv, "Wanda", filter=MovementFilter())
    assert [row["quantity"] for row in header_and_rows(content)[1]] == ["-35", "10", "20", "30", "40"]
