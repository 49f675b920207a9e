"""A shop that moved in counts its own variants, in the order of its own shelf places."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adoption import adopt as adoption
from core.counts import entering, printing, sessions
from core.counts.sessions import Scope
from core.foundation.model import COMMAND_LINE
from core.ledger import holds
from core.ledger.holds import Wanted
from core.proof.checks import run_checks
from core.screens import files
from core.screens.files import Format
from tests.core.counts.counting import apply, finish, seen, typed
from tests.support.builders import key
from tests.support.servers import Server
from tests.support.sneakers import sneaker_shop

pytestmark = pytest.mark.slow


def test_a_moved_shop_counts_its_variants_while_its_storefront_sells(supabase_server: Server, tmp_path: Path) -> None:
    with sneaker_shop(supabase_server) as old:
        old.run("alter table public.product_variants add column shelf_place text")
        old.run("update public.product_variants set shelf_place = 'A1' where sku = 'DUN-42'")
        adoption.adopt(old.url, mapping=["sneakers=none"])
        with old.shop() as shop:
            values = {"name": "First count", "scope": Scope.EVERYTHING, "key": key()}
            count = shop.run(sessions.start, "Wanda", **values)
            first = shop.run(entering.uncounted, "Wanda", count_id=count, limit=1)[0]
            assert (first.sku, first.shelf_place) == ("DUN-42", "A1")
            before, shoe = shop.on_hand(first.variant_id), first.variant_id
            shop.run(holds.hold, COMMAND_LINE, items=[Wanted(variant_id=shoe, quantity=2)], key=key())
            typed(shop, count, shoe, before - 1)
            shop.sql("select public.update_variant_stock(:id, -1)", id=shoe)
            assert b"DUN-42" in shop.run(printing.sheet, "Wanda", count_id=count, format="csv")
            finish(shop, count)
            line = seen(shop, count)[shoe]
            assert (line.expected, line.variance, line.since) == (before, -1, -1)
            apply(shop, count)
            path = tmp_path / "lines.csv"
            assert shop.run(files.write_list, "Sam", name="count_lines", format=Format.CSV, path=path) > 1
            assert f"First count,{first.sku}," in path.read_text(encoding="utf-8-sig")
            assert shop.on_hand(shoe) == before - 2
            assert [row.quantity for row in shop.history(shoe)][-2:] == [-1, -1]
            failing = {check.code for check in shop.run(run_checks, COMMAND_LINE, full=True) if not check.holds}
            assert failing.isdisjoint({"R1", "R2", "R10", "R11"})
