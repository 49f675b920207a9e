"""The value of the shelf at its prices."""

from __future__ import annotations

from decimal import Decimal

from core.ledger import reports
from tests.support.builders import Shop


def test_a_variant_without_a_price_of_its_own_counts_at_the_price_of_its_product(fresh_shop: Shop) -> None:
    own, bare = fresh_shop.variant(2, price=10), fresh_shop.variant(3)
    for variant, price in ((own, 99), (bare, 7)):
        fresh_shop.sql(
            "update products p set price = :price from product_variants v where v.product_id = p.id and v.id = :id",
            id=variant, price=price,
        )  # fmt: skip
    assert fresh_shop.run(reports.summary, "Mia").value_at_price == Decimal(41)
