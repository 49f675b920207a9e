"""A code that could mean two variants is never mapped, by nobody and no way; support chooses for one order alone."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from core.foundation.errors import Forbidden, InvalidInput, KeyReused
from core.orders import cases as finishing
from core.orders import reads
from core.people import audit
from tests.support.builders import Shop, key
from tests.support.selling import Sale, name_of, order_id, sell, states

TAKEN = ("taken", None)


def model(shop: Shop, *sizes: str, first: str | None = None) -> tuple[str, str, dict[str, UUID]]:
    """A model in sizes, five pairs each, whose variants' ids begin alike. Returns its code, product and variants."""
    code, start = f"M{uuid.uuid4().hex[:10].upper()}", first or uuid.uuid4().hex[:8]
    product = str(shop.sql("insert into public.products (name) values (:name) returning id", name=f"Model {code}"))
    made = {}
    for size in sizes:
        made[size] = add(shop, product, f"{code}-{size}", size, f"{start}{uuid.uuid4().hex[8:]}")
        shop.adjust(made[size], 5)
    return code, product, made


def add(shop: Shop, product: str, sku: str, size: str, id: str | None = None) -> UUID:  # noqa: A002
    found = shop.sql(
        """insert into public.product_variants (id, product_id, sku, size)
           values (coalesce(cast(:id as uuid), gen_random_uuid()), cast(:product as uuid), :sku, :size) returning id""",
        id=id, product=product, sku=sku, size=size,
    )  # fmt: skip
    return UUID(str(found))


def sentence(shop: Shop, sale: Sale) -> str:
    return str(shop.sql("select sentence from stockroom.alerts where order_id = :id", id=order_id(shop, sale)))


def aliases(shop: Shop, code: str) -> int:
    return int(shop.sql("select count(*) from stockroom_api.meanings_in_force where code = :code", code=code))


@pytest.mark.parametrize("kind", ["sku", "cut sku", "lower", "id", "short id", "product", "short product"])
def test_a_code_that_several_variants_share_is_refused_with_their_list(shop: Shop, kind: str) -> None:
    code, product, made = model(shop, "42", "43")
    ids = str(made["42"])
    shared = {
        "sku": code, "cut sku": f"{code}-4", "lower": code.lower(), "id": ids[:8], "short id": ids[:6],
        "product": product, "short product": product[:8],
    }[kind]  # fmt: skip
    sale = Sale(lines=[(shared, 1)])
    sell(shop, sale)
    assert states(shop, sale) == [("failed", "unknown_variant", 0, 0)]
    assert f"{code}-42 (size 42), {code}-43 (size 43)" in sentence(shop, sale)
    assert ("several variants begin with this" in sentence(shop, sale)) is (kind != "product")
    with pytest.raises(InvalidInput, match="several variants") as refused:
        shop.run(finishing.map_code, "Sam", code=shared, variant_id=made["42"])
    assert [each["sku"] for each in refused.value.facts["variants"]] == [f"{code}-42", f"{code}-43"]
    assert [each["size"] for each in refused.value.facts["variants"]] == ["42", "43"]
    assert "Nothing was mapped" in str(refused.value)
    assert aliases(shop, shared) == 0


@pytest.mark.parametrize("column", ["barcode", "stripe_price_id"])
def test_a_code_on_two_variants_means_neither_and_is_not_mapped(shop: Shop, column: str) -> None:
    code = f"EAN{uuid.uuid4().hex[:10]}"
    one, _ = shop.variant(5, **{column: code}), shop.variant(5, **{column: code})
    sale = Sale(lines=[(code, 1)])
    sell(shop, sale)
    assert states(shop, sale)[0][:2] == ("failed", "unknown_variant")
    with pytest.raises(InvalidInput, match="could mean several variants"):
        shop.run(finishing.map_code, "Sam", code=code, variant_id=one)


def test_the_sku_of_one_variant_and_the_barcode_of_another_is_not_guessed(shop: Shop) -> None:
    code = f"X{uuid.uuid4().hex[:10]}"
    shop.variant(5, sku=code), shop.variant(5, barcode=code)
    sale = Sale(lines=[(code, 1)])
    sell(shop, sale)
    assert states(shop, sale)[0][:2] == ("failed", "unknown_variant")


def test_a_line_whose_codes_name_two_variants_is_not_guessed(shop: Shop) -> None:
    _, _, made = model(shop, "42", "43")
    sale = Sale(lines=[("?", 1)])
    sale.more["lines"] = [{"code": str(made["42"]), "codes": [str(made["43"])], "quantity": 1}]
    sell(shop, sale)
    assert states(shop, sale)[0][:2] == ("failed", "unknown_variant")
    assert "several variants can be meant by this" in sentence(shop, sale)


def test_support_chooses_a_variant_for_one_order_alone(shop: Shop) -> None:
    code, _, made = model(shop, "42", "43")
    first, second = Sale(lines=[(code, 2)]), Sale(lines=[(code, 1)])
    sell(shop, first, second)
    order, again = order_id(shop, first), key()
    line = shop.run(reads.lines_of, order_ids=[order])[0]
    assert [(each.sku, each.size) for each in line.variants] == [(f"{code}-42", "42"), (f"{code}-43", "43")]
    chosen = {"order_id": order, "line_id": line.line_id, "variant_id": made["43"], "key": again}
    with pytest.raises(Forbidden):
        shop.run(finishing.choose_variant, "Wanda", **chosen)
    done = shop.run(finishing.choose_variant, "Sam", **chosen)
    assert [(each.state, each.taken) for each in done] == [("taken", 2)]
    assert shop.run(finishing.choose_variant, "Sam", **chosen) == done, "the same key chooses once"
    assert (shop.on_hand(made["42"]), shop.on_hand(made["43"])) == (5, 3)
    assert aliases(shop, code) == 0
    assert states(shop, second) == [("failed", "unknown_variant", 0, 0)], "the other order waits"
    third = Sale(lines=[(code, 1)])
    sell(shop, third)
    assert states(shop, third) == [("failed", "unknown_variant", 0, 0)], "nothing was mapped"
    change = next(each for each in shop.run(audit.recent_changes, "Ada") if each.subject == name_of(shop, first))
    assert (change.what, change.performed_by, change.after) == (
        "variant_chosen", "Sam", {"code": code, "means": f"{code}-43"},
    )  # fmt: skip


def test_a_line_is_chosen_once_and_only_in_its_own_order(shop: Shop) -> None:
    code, _, made = model(shop, "42", "43")
    one, other = Sale(lines=[(code, 1)]), Sale(lines=[(code, 1)])
    sell(shop, one, other)
    line = shop.run(reads.lines_of, order_ids=[order_id(shop, one)])[0].line_id
    with pytest.raises(InvalidInput, match="Line is not waiting"):
        shop.run(finishing.choose_variant, "Sam", order_id=order_id(shop, other), line_id=line,
                 variant_id=made["42"], key=key())  # fmt: skip
    used = key()
    shop.run(finishing.choose_variant, "Sam", order_id=order_id(shop, one), line_id=line,
             variant_id=made["42"], key=used)  # fmt: skip
    with pytest.raises(InvalidInput, match="Line is not waiting"):
        shop.run(finishing.choose_variant, "Sam", order_id=order_id(shop, one), line_id=line,
                 variant_id=made["43"], key=key())  # fmt: skip
    with pytest.raises(KeyReused):
        shop.run(finishing.choose_variant, "Sam", order_id=order_id(shop, one), line_id=line,
                 variant_id=made["43"], key=used)  # fmt: skip
    assert shop.on_hand(made["42"]) == 4


def test_a_code_that_became_unclear_since_the_case_was_opened_is_refused_with_the_reason(shop: Shop) -> None:
    code, product, made = model(shop, "42")
    sale = Sale(lines=[(code, 1)])
    sell(shop, sale)
    assert "no variant has this code" in sentence(shop, sale)
    add(shop, product, f"{code}-43", "43")
    with pytest.raises(InvalidInput, match=f"beginning of several variants: {code}-42 .size 42., {code}-43"):
        shop.run(finishing.map_code, "Sam", code=code, variant_id=made["42"])
    shop.run(finishing.retry_order, "Sam", order_id=order_id(shop, sale), key=key())
    assert "several variants begin with this" in sentence(shop, sale), "a retry says why now"


def test_a_mapping_waits_for_an_import_that_adds_a_variant(shop: Shop) -> None:
    code, product, made = model(shop, "42")
    begun, go = threading.Event(), threading.Event()

    def import_slowly() -> None:
        with shop.owner.begin() as connection:
            connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('stockroom.catalog'))")
            connection.exec_driver_sql(
                "insert into public.product_variants (product_id, sku, size) values (%s, %s, '43')",
                (product, f"{code}-43"),
            )
            begun.set()
            assert go.wait(10)

    with ThreadPoolExecutor() as pool:
        importing = pool.submit(import_slowly)
        assert begun.wait(10)
        mapping = pool.submit(shop.run, finishing.map_code, "Sam", code=code, variant_id=made["42"])
        go.set()
        importing.result()
        with pytest.raises(InvalidInput, match="several variants"):
            mapping.result()


def test_a_mapped_product_stops_counting_when_it_gets_a_second_size(shop: Shop) -> None:
    code, product, made = model(shop, "42")
    shop.run(finishing.map_code, "Sam", code=product, variant_id=made["42"])
    add(shop, product, f"{code}-43", "43")
    vague, sized = Sale(lines=[(product, 1)]), Sale(lines=[(product, 1)])
    sized.more["lines"] = [{"code": product, "size": "42", "quantity": 1}]
    sell(shop, vague, sized)
    assert states(shop, vague)[0][:2] == ("failed", "unknown_variant")
    assert states(shop, sized) == [(*TAKEN, 1, 0)]


def test_a_code_that_only_one_variant_begins_with_is_mapped(shop: Shop) -> None:
    code, product, made = model(shop, "42")
    with pytest.raises(InvalidInput, match="another variant"):
        shop.run(finishing.map_code, "Sam", code=product, variant_id=shop.variant(5))
    shop.run(finishing.map_code, "Sam", code=code, variant_id=made["42"])
    sale = Sale(lines=[(code, 1)])
    sell(shop, sale)
    assert states(shop, sale) == [(*TAKEN, 1, 0)]
