"""The processes that run jobs: the dashboard itself, or a separate `python -m core worker`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from core.database import embedded
from core.database.host import first_number
from core.foundation.addresses import libpq_url
from core.stripe.gateway import sign
from tests.stripe.shop import Stripe
from tests.support.builders import Shop
from tests.support.dashboards import serve
from tests.support.servers import new_folder
from tests.support.working import PATIENCE, queue, until, workers

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SECRET = "whsec_TheSecretOfTheShop"


ELSEWHERE = """
import signal, threading, time
from core.__main__ import main

def tell() -> None:
    while not any(each.name == "stockroom-health" for each in threading.enumerate()):
        time.sleep(0.05)
    time.sleep(1)  # by now the main thread waits
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=tell, daemon=True).start()
raise SystemExit(main(["worker"]))
"""
"""A worker whose signal reaches another thread than the one that waits for it."""


def deliver(url: str, stripe: Stripe) -> None:
    for body, _ in stripe.account.deliveries():
        answer = httpx.post(f"{url}/webhook/stripe", content=body, headers={"stripe-signature": sign(body, SECRET)})
        assert answer.status_code == 200


def test_a_paid_order_at_the_webhook_of_the_dashboard_leaves_the_shelf_within_seconds(
    embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", f"whsec_OldOne,{SECRET}")
    stripe = Stripe(embedded_shop)
    shoe = embedded_shop.variant(5, sku="TEE-M")
    with serve(embedded_shop.app_url) as url:
        stripe.pay("TEE-M", 2)
        deliver(url, stripe)
        until(lambda: embedded_shop.on_hand(shoe) == 3)
        assert httpx.get(f"{url}/webhook/stripe").status_code == 405
        assert httpx.post(f"{url}/webhook/stripe", content=b"{}").status_code == 400
    assert workers(embedded_shop) == 0


def test_the_dashboard_can_leave_the_jobs_to_a_worker_of_its_own_which_ends_on_ctrl_c(
    embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("STOCKROOM_WORKER", "0")
    stripe = Stripe(embedded_shop)
    shoe = embedded_shop.variant(5, sku="TEE-M")
    with serve(embedded_shop.app_url) as url:
        stripe.pay("TEE-M", 2)
        deliver(url, stripe)
        until(lambda: queue(embedded_shop) == [("apply_inbox", "todo")])
        assert workers(embedded_shop) == 0
        settings = os.environ | {"DATABASE_URL": embedded_shop.app_url, "STOCKROOM_OWNER_URL": embedded_shop.owner_url}
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "worker"], cwd=ROOT, env=settings, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until(lambda: embedded_shop.on_hand(shoe) == 3 and queue(embedded_shop) == [])
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 0
    first, *rounds, last = said.splitlines()
    assert first.startswith("The worker is ready; Ctrl-C stops it. STRIPE_SECRET_KEY is not set")
    assert last == "The worker has stopped."
    assert [line for line in rounds if not line.startswith("Applied ")] == []
    assert "1 new order, 1 line taken off the shelf, 0 to retry later." in said


def test_a_worker_stops_also_if_its_signal_does_not_end_the_wait(embedded_shop: Shop) -> None:
    settings = os.environ | {"DATABASE_URL": embedded_shop.app_url, "STOCKROOM_OWNER_URL": embedded_shop.owner_url}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], cwd=ROOT, env=settings, text=True, capture_output=True, timeout=PATIENCE,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "The worker has stopped."


def test_a_worker_starts_the_embedded_database_again_that_died_under_it_and_opens_a_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = new_folder()
    monkeypatch.delenv("DATABASE_URL", raising=False)
    pid_file = folder / "postgresql" / "data" / "postmaster.pid"
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "worker"], cwd=ROOT, env=os.environ | {"STOCKROOM_DATA": str(folder)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("The worker is ready")
        killed = first_number(pid_file)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        said = iter(process.stdout.readline, "")
        assert any("The embedded PostgreSQL runs again" in line for line in said)
        with embedded.start(folder) as server, psycopg.connect(libpq_url(server.owner_url), autocommit=True) as owner:
            until(lambda: owner.execute("select count(*) from stockroom.alerts").fetchone() == (1,))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert first_number(pid_file) is None  # as its last user, it has stopped the server
    shutil.rmtree(folder)
