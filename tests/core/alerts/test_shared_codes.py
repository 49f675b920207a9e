"""A code that two variants share is a case as long as they share it, and a storefront that writes it is not stopped."""

from __future__ import annotations

from typing import Any

import pytest

from core.alerts import system
from core.catalog import codes
from core.foundation.errors import InvalidInput
from core.ledger import reports
from tests.support.builders import Shop, key


def judge(shop: Shop) -> list[Any]:
    shop.sql("update stockroom.last_times set at = at - interval '1 day' where name = 'judge_codes'")
    shop.run(system.judge_codes)
    rows = shop.rows(
        "select cause, state, facts ->> 'skus' from stockroom.alerts where kind = 'shared_code' order by id"
    )
    return [tuple(row) for row in rows]


def test_a_shared_code_is_a_case_a_choice_and_no_guess(fresh_shop: Shop) -> None:
    one = fresh_shop.variant(4, sku="ONE", barcode="036000291452")
    two = fresh_shop.variant(sku="TWO")
    fresh_shop.run(codes.attach, "Wanda", variant_id=two, code="SUP-2", kind="supplier", key=key())
    assert judge(fresh_shop) == []
    # The storefront writes the catalogue itself: nothing stops it, and nothing of ours is needed for it.
    fresh_shop.sql(
        """do $do$ begin
             create role storefront_writer; grant usage on schema public to storefront_writer;
             grant select, insert, update on public.product_variants to storefront_writer;
             create policy all_rows on public.product_variants to storefront_writer using (true) with check (true);
           end $do$"""
    )
    with fresh_shop.owner.begin() as connection:
        connection.exec_driver_sql("set local role storefront_writer")
        connection.exec_driver_sql("update public.product_variants set barcode = '0036000291452' where sku = 'TWO'")
        connection.exec_driver_sql(
            """insert into public.product_variants (product_id, sku)
               select product_id, 'SUP-2' from public.product_variants where sku = 'ONE'"""
        )
    fresh_shop.sql("do $do$ begin drop owned by storefront_writer; drop role storefront_writer; end $do$")
    numbers = ("code:00036000291452", "open", "ONE, TWO")
    assert judge(fresh_shop) == judge(fresh_shop) == [numbers, ("code:SUP-2", "open", "SUP-2, TWO")]
    with pytest.raises(InvalidInput, match="belongs to several variants: ONE, TWO") as refusal:
        fresh_shop.run(codes.find, "Sam", text="00036000291452")
    assert [each["sku"] for each in refusal.value.facts["choices"]] == ["ONE", "TWO"]
    assert fresh_shop.run(reports.find, "Sam", code="036000291452") is None
    assert [row.sku for row in fresh_shop.run(reports.sharing, "Sam", code="036000291452")] == ["ONE", "TWO"]
    assert fresh_shop.run(reports.named, "Sam", sku="SUP-2").sku == "SUP-2"
    # A person closes one case, and the storefront corrects the other.
    fresh_shop.sql("select stockroom_api.resolve_cause('code:SUP-2', 'Mia', 'Both boxes bear it.')")
    fresh_shop.sql("update product_variants set barcode = null where id = :id", id=two)
    closed = [(numbers[0], "resolved", numbers[2]), ("code:SUP-2", "resolved", "SUP-2, TWO")]
    assert judge(fresh_shop) == judge(fresh_shop) == closed
    assert fresh_shop.run(reports.find, "Sam", code="0036000291452").variant_id == one
