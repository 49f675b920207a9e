"""What one person chose about the columns of a file is how the next person's file of that shape is read."""

from __future__ import annotations

import pytest

from core.foundation.errors import Forbidden, InvalidInput, SignInRequired
from core.shop import file_shapes
from tests.support.builders import Shop

SHAPE = "ab" * 32


def test_a_shape_is_remembered_for_everybody_and_one_purpose(fresh_shop: Shop) -> None:
    chosen = {"sku": "Art-Nr", "brand": None}
    fresh_shop.run(file_shapes.remember_shape, "Wanda", purpose="bulk", shape=SHAPE, columns=chosen, answers={})
    fresh_shop.run(
        file_shapes.remember_shape, "Mia", purpose="bulk", shape=SHAPE, columns=chosen, answers={"decimal": "comma"}
    )
    found = fresh_shop.run(file_shapes.recall_shape, "Sam", purpose="bulk", shape=SHAPE)
    assert (found.columns, found.answers, found.remembered_by) == (chosen, {"decimal": "comma"}, "Mia")
    assert fresh_shop.run(file_shapes.recall_shape, "Sam", purpose="catalogue", shape=SHAPE) is None
    for who, refusal in (("Sam", Forbidden), ("Carl", SignInRequired)):
        with pytest.raises(refusal):
            fresh_shop.run(file_shapes.remember_shape, who, purpose="bulk", shape=SHAPE, columns={}, answers={})
    for bad in ({"purpose": "Bulk; drop"}, {"shape": "x"}, {"columns": {"sku": "x" * 301}}, {"answers": {"a": "\0"}}):
        values = {"purpose": "bulk", "shape": SHAPE, "columns": {}, "answers": {}} | bad
        with pytest.raises(InvalidInput):
            fresh_shop.run(file_shapes.remember_shape, "Mia", **values)


def test_only_the_latest_shapes_are_kept(fresh_shop: Shop) -> None:
    fresh_shop.sql(
        """insert into stockroom.file_shapes (purpose, shape, columns, answers, remembered_by, remembered_at)
           select 'bulk', md5(n::text) || md5(n::text), '{}', '{}', 'Mia', now() - n * interval '1 day'
             from generate_series(1, 500) n"""
    )
    fresh_shop.run(file_shapes.remember_shape, "Mia", purpose="bulk", shape=SHAPE, columns={}, answers={})
    assert fresh_shop.sql("select count(*) from stockroom.file_shapes") == 500
    assert fresh_shop.sql("select count(*) from stockroom.file_shapes where shape = :shape", shape=SHAPE) == 1
