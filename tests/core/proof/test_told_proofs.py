"""The head hash is sent once a day over real HTTP and SMTP, and can be compared with the ledger later."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import time

import pytest

from core.alerts import deliveries
from core.alerts.deliveries import Wishes
from core.commands.proof import check_head
from core.database.engine import run
from core.foundation.errors import Forbidden, InvalidInput
from core.foundation.model import COMMAND_LINE
from core.proof import notice
from core.proof import runs as proof
from tests.core.proof.test_runs import FORGE, UNLOCKED
from tests.support.builders import Shop
from tests.support.receivers import hook, mailbox
from tests.support.selling import Sale, sell

GO = threading.Event()


@pytest.fixture
def sold(fresh_shop: Shop) -> Shop:
    """A shop that sold two of ten pairs and has another variant that never moves again."""
    fresh_shop.variant(4, sku="HB-41")
    fresh_shop.variant(10, sku="HB-40")
    sell(fresh_shop, Sale(lines=[("HB-40", 2)]))
    return fresh_shop


def prove_daily(shop: Shop, monkeypatch: pytest.MonkeyPatch, **addresses: str) -> list[str]:
    for name, address in addresses.items():
        monkeypatch.setenv(f"STOCKROOM_NOTIFY_{name.upper()}", address)
    said: list[str] = []
    proof.reconcile_daily(shop.engine, None, said.append, GO)
    return said


def head_of(text: str) -> str:
    (found,) = set(re.findall(r"\b[0-9a-f]{64}\b", text))
    return str(found)


def check(shop: Shop, head: str) -> notice.HeadCheck:
    found = run(shop.engine, notice.check_head, COMMAND_LINE, head=head)
    assert found is not None
    return found


def head_now(shop: Shop) -> str:
    proof.prove(shop.engine, None, COMMAND_LINE)
    return str(shop.sql("select encode(head_hash, 'hex') from stockroom.proof_runs order by id desc limit 1"))


def test_the_daily_proof_reaches_a_hook_and_a_mailbox_once_with_the_whole_head_hash(
    sold: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook() as team, mailbox() as duty:
        prove_daily(sold, monkeypatch, team=team.url, duty=duty.url)
        addresses = {"team": team.url, "duty": duty.url}
        assert deliveries.send_due(sold.engine, addresses, GO) == (2, 0)
        assert deliveries.send_due(sold.engine, addresses, GO) == (0, 0)
    (got,) = team.got
    assert "the daily proof, every check passes" in got["title"]
    assert got["message"].startswith("Run 1 of ")
    assert "3 movements. The head hash of the ledger:" in got["message"]
    kept = sold.sql("select encode(head_hash, 'hex') from stockroom.proof_runs")
    assert head_of(got["message"]) == kept == head_of(duty.got[0][1].as_string())
    assert check(sold, kept).holds


def test_the_message_names_the_checks_that_fail(sold: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sold.sql("update product_variants set reserved_quantity = 1 where sku = 'HB-40'")
    with hook() as team:
        prove_daily(sold, monkeypatch, team=team.url)
        deliveries.send_due(sold.engine, {"team": team.url}, GO)
    assert "R10 fail" in team.got[0]["title"]
    assert "R10 fails: Every reserved unit belongs to an active hold. 1 found." in team.got[0]["message"]


def test_a_run_is_sent_once_however_often_it_is_queued(sold: Shop) -> None:
    done = proof.prove(sold.engine, None, COMMAND_LINE)
    for told in (1, 0):
        put = sold.run(notice.tell, run_id=done.id, results=done.results, destinations=["team"])
        assert put == told


@pytest.mark.parametrize("wishes", [Wishes(daily_proof=False), Wishes(is_on=False)])
def test_a_destination_without_daily_proofs_gets_none(
    sold: Shop, monkeypatch: pytest.MonkeyPatch, wishes: Wishes
) -> None:
    sold.run(deliveries.save, "Ada", name="team", wishes=wishes)
    with hook() as team:
        prove_daily(sold, monkeypatch, team=team.url)
        assert deliveries.send_due(sold.engine, {"team": team.url}, GO) == (0, 0)


def test_the_daily_proof_waits_for_the_end_of_quiet_hours(sold: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = Wishes(quiet_from=time(0), quiet_until=time(23, 59, 59))
    sold.run(deliveries.save, "Ada", name="team", wishes=quiet)
    with hook() as team:
        prove_daily(sold, monkeypatch, team=team.url)
        assert deliveries.send_due(sold.engine, {"team": team.url}, GO) == (0, 0)
    assert sold.sql("select due_at > now() from stockroom.deliveries where kind = 'proof'")


def test_an_old_head_hash_is_recomputed_from_the_movements_after_later_sales(sold: Shop) -> None:
    heads = [head_now(sold)]
    for sku in ("HB-40", "HB-40", "NEW-1", "HB-41"):
        if sku == "NEW-1":
            sold.variant(5, sku=sku)
        sell(sold, Sale(lines=[(sku, 1)]))
        heads.append(head_now(sold))
    assert [check(sold, head).run_id for head in heads] == [1, 2, 3, 4, 5]
    assert [check(sold, head).movements for head in heads] == [3, 4, 5, 7, 8]
    assert all(check(sold, head.upper()).holds for head in heads)


def test_a_consistently_rewritten_history_no_longer_has_the_received_hash(sold: Shop) -> None:
    head = head_now(sold)
    with sold.owner.begin() as connection:
        connection.exec_driver_sql(FORGE)
        connection.exec_driver_sql("delete from stockroom.proof_marks")
    found = check(sold, head)
    assert not found.is_same
    assert found.broken == 0
    assert check_head(sold.engine, head) == 1


def test_a_movement_edited_before_the_run_is_named_although_the_ends_are_the_same(
    sold: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    head = head_now(sold)
    first = "select id from stock_movements m where m.sku = 'HB-40' and m.variant_sequence = 1"
    with sold.owner.begin() as connection:
        connection.exec_driver_sql(UNLOCKED.format(f"update stock_movements set note = 'x' where id = ({first})"))
    assert check(sold, head).is_same
    assert check_head(sold.engine, head) == 1
    assert f"1 of them break their chain; the first is movement {sold.sql(first)}." in capsys.readouterr().out


def test_a_hash_of_no_run_is_unknown_and_a_text_that_is_not_a_hash_is_refused(
    sold: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_head(sold.engine, "0" * 64) == 1
    assert "No recorded run has this head hash" in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="64"):
        check(sold, "abc")
    with pytest.raises(Forbidden):
        sold.run(notice.check_head, "Wanda", head="0" * 64)


def test_two_runs_at_once_each_store_the_ends_of_their_own_hash(sold: Shop) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(proof.prove, sold.engine, None, COMMAND_LINE, codes=["R10"]) for _ in range(4)]
        sell(sold, Sale(lines=[("HB-40", 1)]), Sale(lines=[("HB-41", 1)]))
        assert len({done.result().id for done in runs}) == 4
    heads = [row.head for row in sold.rows("select encode(head_hash, 'hex') as head from stockroom.proof_runs")]
    assert all(check(sold, head).holds for head in heads)


def test_the_stored_ends_of_a_run_are_never_changed(sold: Shop) -> None:
    head_now(sold)
    with pytest.raises(Exception, match="stays on record"):
        sold.sql("update stockroom.proof_ends set sequence = 1")
