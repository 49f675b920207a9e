"""The proof finds exactly the planted fault, names it, records it, opens a case for it, and repairs nothing."""

# ruff: noqa: E501 - the planted statements are tables
from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.alerts import handling
from core.database.engine import run
from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.model import COMMAND_LINE
from core.proof import checks
from core.proof import reads as proof_reads
from core.proof import runs as proof
from tests.conftest import open_prepared
from tests.stripe.account import StripeAccount
from tests.stripe.fake import fake_gateway
from tests.support.builders import Shop
from tests.support.selling import Sale, case_of, line_of, sell
from tests.support.servers import Server

BOOKS = """select md5(string_agg(t::text, '|' order by t::text)) from (
    select to_jsonb(v) as t from product_variants v union all select to_jsonb(m) from stock_movements m
    union all select to_jsonb(o) from stockroom.orders o union all select to_jsonb(l) from stockroom.order_lines l
    union all select to_jsonb(e) from stockroom.stripe_events e union all select to_jsonb(r) from stockroom.refunds r
    union all select to_jsonb(r) from stockroom.reservations r union all select to_jsonb(d) from stockroom.variant_days d) t"""
UNLOCKED = "alter table stock_movements disable trigger stock_movements_append_only; {} ; \
            alter table stock_movements enable trigger stock_movements_append_only"
ALERT = """insert into stockroom.alerts (kind, severity, cause, sentence, first_at)
           values ('import_error', 'urgent', 'old', 'Something stuck', now() - interval '3 days')"""
EVENT = """insert into stockroom.stripe_events (event_id, kind, payment_id, created_at, received_at, source, livemode, body, state)
           values ('evt_lost', 'payment_intent.succeeded', 'pi_lost', now() - interval '1 day', now() - interval '1 day',
                   'webhook', false, '{}', 'done')"""
REFUND = """insert into stockroom.refunds (refund_id, amount, currency, status, refunded_at, received_at, told_at)
            values ('re_old', 1, 'usd', 'succeeded', now() - interval '20 days', now() - interval '20 days', now())"""
FORGE = UNLOCKED.format("""update stock_movements set performed_by = 'Nobody' where variant_sequence = 2;
    with chained as (
        select id, stockroom.chain(stockroom.movement_text(variant_id, variant_sequence, sku, movement_type, reason, quantity,
                   quantity_before, quantity_after, operation_id, reference_type, reference_id, reverses_id, performed_by,
                   note, occurred_at, created_at), null) over (partition by variant_id order by variant_sequence) as link
          from stock_movements)
    update stock_movements m set chain_hash = c.link from chained c where c.id = m.id;
    update product_variants v set chain_head = (select m.chain_hash from stock_movements m
        where m.variant_id = v.id order by m.variant_sequence desc limit 1)""")
MARKED = """; update stockroom.proof_marks k set chain_hash = v.chain_head from product_variants v where v.id = k.variant_id"""
OTHER_HEAD = """alter table stockroom.proof_runs disable trigger proof_runs_append_only;
    update stockroom.proof_runs set head_hash = sha256(head_hash);
    alter table stockroom.proof_runs enable trigger proof_runs_append_only"""
DEARER = "update stockroom.orders set amount = amount + 1000; update stockroom.order_lines set quantity = 3"
RELEASE = "alter table stockroom.order_lines drop constraint order_lines_restored_check;"
PLANTED = {
    "a level changed": ("update product_variants set stock_quantity = 99", {"R1": "has 99 on hand"}),
    "an edited row": (
        UNLOCKED.format("update stock_movements set note = 'x' where variant_sequence = 2"),
        {"R2": "movement no. 2"},
    ),
    "a consistent forgery": (FORGE, {"R2": "has changed since an earlier run verified it"}),
    "a consistent forgery that knows the marks": (FORGE + MARKED, {"R2": "verified no longer match its head hash"}),
    "a head hash written over": (OTHER_HEAD, {"R2": "verified no longer match its head hash"}),
    "a lost event": (EVENT, {"R3": "pi_lost has no order"}),
    "a line whose sale is gone": ("update stockroom.order_lines set movement_id = null", {"R4": "the ledger sold 0"}),
    "a unit that nobody took": (DEARER, {"R4": "2 taken and 0 oversold do not add up to 3"}),
    "a unit that waits without a case": (DEARER + ", state = 'failed'", {"R4": "1 wait without an open case"}),
    "a line that is gone": (
        "update stockroom.order_lines set movement_id = null; delete from stockroom.order_lines",
        {"R5": "which is 20.00 USD more than its cart; when it was imported, it was the amount of its cart"},
    ),
    "an edited difference": (
        "update stockroom.orders set difference = 250",
        {"R5": "which is the amount of its cart; when it was imported, it was 2.50 USD more than its cart"},
    ),
    "an edited price of a line": (
        "update stockroom.order_lines set unit_price = unit_price - 5",
        {"R5": "which is 0.10 USD more than its cart; when it was imported, it was the amount of its cart"},
    ),
    "an edited amount": ("update stockroom.orders set amount = 1", {"R5": "0.01 USD received, which is 19.99 USD less than its cart; when"}),
    "a price that was taken away": (
        "update stockroom.order_lines set unit_price = null",
        {"R5": "which is 20.00 USD more than its cart; when it was imported, it was the amount of its cart"},
    ),
    "an over-restored line": (RELEASE + "update stockroom.order_lines set restored = 9", {"R6": "9 restored"}),
    "a forgotten refund": (REFUND, {"R6": "Refund re_old has waited 20 days for a decision"}),
    "a doubled order": (
        """insert into stockroom.orders (payment_id, amount, currency, paid_at, livemode, policy, cart_state, charge_id)
           select 'ch_twin', amount, currency, paid_at, livemode, 'skip', 'absent', payment_id from stockroom.orders""",
        {"R7": "belongs to the orders"},
    ),
    "an old case": (ALERT, {"R8": "open for 72 hours: Something stuck"}),
    "a leaked hold": ("update product_variants set reserved_quantity = 1", {"R10": "has 1 reserved"}),
    "a stale rollup": ("update stockroom.variant_days set sale_out = 77", {"R11": "the daily units are wrong"}),
}  # fmt: skip


def found(done: proof.Run) -> dict[str, tuple[str, ...]]:
    return {result.code: result.examples for result in done.results if not result.holds}


def sell_two(shop: Shop) -> None:
    shop.sql("update stockroom.stripe_link set live_since = now() - interval '30 days'")
    shop.variant(10, sku="HB-40")
    sell(shop, Sale(lines=[("HB-40", 2)]))
    assert proof.prove(shop.engine, None, COMMAND_LINE).holds


@pytest.fixture
def sold(server: Server) -> Iterator[Shop]:
    """A live shop that sold two of ten pairs and was verified since."""
    for shop, _ in open_prepared(server, sell_two):
        yield shop


@pytest.mark.parametrize(("statement", "faults"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_fault_is_found_and_nothing_else_and_nothing_is_repaired(
    sold: Shop, statement: str, faults: dict[str, str]
) -> None:
    with sold.owner.begin() as connection:
        connection.exec_driver_sql(statement)
    before = sold.sql(BOOKS)
    told = found(proof.prove(sold.engine, None, COMMAND_LINE))
    assert told.keys() == faults.keys()
    assert all(said in told[code][0] and len(told[code]) == 1 for code, said in faults.items())
    assert sold.sql(BOOKS) == before
    causes = sold.rows("select cause from stockroom.alerts where kind = 'proof_failed' and state = 'open'")
    assert [row.cause for row in causes] == [f"proof:{code}" for code in faults]


def test_a_sale_that_was_deleted_is_found_wherever_it_is_missing_and_nowhere_else(sold: Shop) -> None:
    with sold.owner.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql("delete from stock_movements where movement_type = 'sale'")
    before = sold.sql(BOOKS)
    told = found(proof.prove(sold.engine, None, COMMAND_LINE))
    assert list(told) == ["R1", "R2", "R4", "R11"]
    assert told["R1"] == ("HB-40 has 8 on hand, but its movements add up to 10, and the last one ends at 10",)
    assert told["R2"][0] == "HB-40: its last movement is not no. 2 as it was written"
    assert "since an earlier run verified it" in told["R2"][1]
    assert "the ledger sold 0, the order says 2" in told["R4"][0]
    assert sold.sql(BOOKS) == before


def test_what_a_person_has_settled_is_no_fault_until_it_is_edited(sold: Shop) -> None:
    odd = Sale(lines=[("HB-40", 1)], more={"difference": 300, "amount": 1300, "why": "it does not add up"})
    sell(sold, odd)
    assert list(found(proof.prove(sold.engine, None, COMMAND_LINE))) == ["R5"]
    sold.run(handling.resolve, "Mia", alert_ids=[case_of(sold, odd)], reason="A gift card nobody wrote down")
    assert proof.prove(sold.engine, None, COMMAND_LINE).holds
    sold.sql("update stockroom.order_lines set unit_price = 700 where id = :line", line=line_of(sold, odd))
    told = found(proof.prove(sold.engine, None, COMMAND_LINE))
    assert (
        "which is 6.00 USD more than its cart; when it was imported, it was 3.00 USD more than its cart"
        in told["R5"][0]
    )


def test_a_check_that_passes_again_resolves_its_case(sold: Shop) -> None:
    for reserved, state in ((1, "open"), (0, "resolved")):
        sold.sql("update product_variants set reserved_quantity = :reserved", reserved=reserved)
        proof.prove(sold.engine, None, COMMAND_LINE)
        assert sold.sql("select state from stockroom.alerts where cause = 'proof:R10'") == state


def test_a_shop_older_than_a_week_needs_a_verified_backup_but_the_sample_does_not(sold: Shop) -> None:
    sold.sql("alter table stockroom.operations disable trigger operations_append_only")
    sold.sql("update stockroom.operations set created_at = now() - interval '8 days'")
    told = found(proof.prove(sold.engine, None, COMMAND_LINE))
    assert list(told) == ["R9"]
    assert told["R9"][0].startswith("No backup has been verified")
    sold.sql("update stockroom.shop set is_sample = true")
    assert proof.prove(sold.engine, None, COMMAND_LINE).holds


def test_a_recent_check_leaves_an_edited_old_row_to_the_full_one(sold: Shop) -> None:
    with sold.owner.begin() as connection:
        connection.exec_driver_sql(UNLOCKED.format("update stock_movements set note = 'x' where variant_sequence = 1"))
    assert proof.prove(sold.engine, None, COMMAND_LINE, full=False).holds
    assert list(found(proof.prove(sold.engine, None, COMMAND_LINE))) == ["R2"]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update product_variants set stock_quantity = 99 where sku = 'HB-40'", {"R1": "HB-40 has 99 on hand"}),
        (PLANTED["a stale rollup"][0], {"R11": "the daily units are wrong"}),
        ("update stockroom.variant_days set closing = 3", {"R11": "the daily closing level is wrong"}),
        ("delete from stockroom.variant_days", {"R11": "the day is missing from the daily figures"}),
        (
            "insert into stockroom.variant_days (variant_id, day, movements, closing) select v.id, s.today, 1, 0 from product_variants v, stockroom_api.shop s where v.sku = 'IDLE'",
            {"R11": "the daily figures have a day without movements"},
        ),
        (UNLOCKED.format("update stock_movements set note = 'x' where variant_sequence = 3"), {"R2": "movement no. 3"}),
    ],
)
def test_a_recent_check_finds_what_is_wrong_with_what_is_new(sold: Shop, statement: str, said: dict[str, str]) -> None:
    sold.variant(sku="IDLE")
    sell(sold, Sale(lines=[("HB-40", 1)]))
    assert found(proof.prove(sold.engine, None, COMMAND_LINE, full=False, codes=["R1", "R11"])) == {}
    with sold.owner.begin() as connection:
        connection.exec_driver_sql(statement)
    told = found(proof.prove(sold.engine, None, COMMAND_LINE, full=False))
    assert told.keys() == said.keys()
    assert all(words in told[code][0] and len(told[code]) == 1 for code, words in said.items())


def test_a_fault_of_a_full_proof_stays_open_until_a_full_proof_passes(sold: Shop) -> None:
    with sold.owner.begin() as connection:
        connection.exec_driver_sql(UNLOCKED.format("update stock_movements set note = 'x' where variant_sequence = 1"))
    proof.prove(sold.engine, None, COMMAND_LINE)
    assert proof.prove(sold.engine, None, COMMAND_LINE, full=False).holds
    assert sold.sql("select state from stockroom.alerts where cause = 'proof:R2'") == "open"
    seen = sold.run(proof_reads.state, "Wanda")
    assert [each.result.code for each in seen.failing] == ["R2"]
    assert seen.last is not None
    assert not seen.last.is_full


def test_a_payment_that_stripe_has_and_we_do_not_is_found(sold: Shop) -> None:
    account = StripeAccount()
    paid = account.pay()
    account.kept["payment_intent"][paid["id"]]["created"] -= 7200
    gateway, _ = fake_gateway(account)
    done = proof.prove(sold.engine, gateway, COMMAND_LINE, codes=["R3"])
    assert found(done) == {"R3": (f"Stripe has {paid['id']}, but the shop does not",)}


def test_a_refund_that_stripe_has_and_we_do_not_is_found(sold: Shop) -> None:
    account = StripeAccount()
    paid = account.pay()
    made = account.refund(payment_intent=paid["id"])
    for kind, name in (("payment_intent", paid["id"]), ("refund", made["id"])):
        account.kept[kind][name]["created"] -= 7200
    gateway, _ = fake_gateway(account)
    (result,) = proof.prove(sold.engine, gateway, COMMAND_LINE, codes=["R3"]).results
    assert result.faults == ({"payment_id": paid["id"]}, {"refund_id": made["id"]})
    assert (
        sold.sql("select faults -> 1 ->> 'refund_id' from stockroom.proof_results where faults <> '[]'") == made["id"]
    )


def test_without_a_key_the_comparison_is_said_to_be_missing(sold: Shop) -> None:
    (result,) = proof.prove(sold.engine, None, COMMAND_LINE, codes=["R3"]).results
    assert result.not_compared == proof.NO_KEY


def test_a_run_keeps_the_head_hash(sold: Shop) -> None:
    assert sold.sql("select head_hash = stockroom_api.ledger_head() from stockroom.proof_runs")


def test_only_managers_run_proofs_and_unknown_checks_are_refused(sold: Shop) -> None:
    with pytest.raises(Forbidden):
        proof.prove(sold.engine, None, sold.person("Wanda"))
    with pytest.raises(InvalidInput):
        run(sold.engine, checks.run_checks, COMMAND_LINE, codes=["R99"])
