"""`python -m core ...`: arguments, output and exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from core import __main__ as core_main
from core.commands import shop as shop_commands
from core.database.startup import Database
from core.proof.checks import CODES
from core.sample.load import load_sample
from tests.conftest import open_sample
from tests.support.builders import Shop
from tests.support.servers import Server

pytestmark = pytest.mark.slow

BOOTS = "sku,product,opening\nHB-40,Halde Boot,12\nHB-41,Halde Boot,3\n"


@pytest.fixture
def sample(embedded: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop with the sample data that the commands find by its settings."""
    for shop in open_sample(embedded):
        monkeypatch.setenv("DATABASE_URL", shop.app_url)
        monkeypatch.setenv("STOCKROOM_OWNER_URL", shop.owner_url)
        yield shop


@pytest.fixture
def embedded_sample(sample: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop with the sample data, on an embedded database."""
    database = Database(app_url=sample.app_url, owner_url=sample.owner_url, embedded=True)
    monkeypatch.setattr(core_main, "open_database", lambda _: _Opened(database))
    return sample


@pytest.fixture
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which backups are stored."""
    monkeypatch.setenv("STOCKROOM_BACKUPS", str(tmp_path / "backups"))
    return tmp_path / "backups"


class _Opened:
    def __init__(self, database: Database) -> None:
        self.database = database

    def __enter__(self) -> Database:
        return self.database

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def boots(tmp_path: Path) -> str:
    """A catalogue file."""
    path = tmp_path / "boots.csv"
    path.write_text(BOOTS)
    return str(path)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def products(shop: Shop) -> int:
    return int(shop.sql("select count(*) from products"))


def test_a_catalogue_is_previewed_imported_and_found_unchanged(
    operated: Shop, boots: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert core_main.main(["import-catalog", boots, "--preview"]) == 0
    assert capsys.readouterr().out == (
        "line 2: HB-40 new product\nline 3: HB-41 new variant\n"
        "boots.csv: 1 new product, 2 new variants; 15 units would be counted. Nothing was changed.\n"
    )
    assert products(operated) == 0
    assert core_main.main(["import-catalog", boots]) == 0
    told = "Imported boots.csv: 1 new product, 2 new variants, 0 known before; 15 units counted.\n"
    assert capsys.readouterr().out == told
    assert core_main.main(["import-catalog", boots, "--preview"]) == 0
    assert capsys.readouterr().out == "boots.csv: 2 unchanged; 0 units would be counted. Nothing was changed.\n"


def test_bad_rows_are_reported_without_a_traceback(
    operated: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "boots.csv"
    path.write_text(BOOTS + "HB-42,Halde Boot,some\n")
    assert core_main.main(["import-catalog", str(path)]) == 1
    assert capsys.readouterr().err == (
        'boots.csv has 1 bad row; nothing was imported.\n  line 4: opening "some" is not a whole number, zero or more\n'
    )
    assert core_main.main(["import-catalog", str(path), "--preview"]) == 1
    assert core_main.main(["import-catalog", str(tmp_path / "none.csv")]) == 1
    assert "none.csv cannot be read: No such file or directory." in capsys.readouterr().err
    assert products(operated) == 0


def test_reconcile_prints_every_check_and_its_result(operated: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    operated.variant(7, sku="HB-40")
    assert core_main.main(["reconcile"]) == 0
    told = capsys.readouterr().out.splitlines()
    states = [line.split()[:2] for line in told if line.startswith("R") and ":" not in line]
    assert states == [[code, "not" if code == "R3" else "passes"] for code in CODES]
    assert told[0] == "Check  State         Failures  Looked at  What must be true"
    assert told[1] == "R1     passes               0          1  Every level is the sum of its movements"
    assert told[3] == "R3     not compared         0          0  Every payment since going live became an order"
    head = operated.sql("select encode(head_hash, 'hex') from stockroom.proof_runs")
    movers = operated.sql("select string_agg(name, ', ' order by name) from stockroom_api.stock_movers()")
    assert told[len(CODES) + 1 :] == [
        "",
        "R3: Not compared with Stripe: no key is set.",
        "No check fails.",
        f"Named roles, which may move stock: {movers}.",
        f"Head hash of the ledger: {head}",
    ]
    assert core_main.main(["reconcile", "--json", "--only", "R1,r2"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [check["code"] for check in said["checks"]] == ["R1", "R2"]
    assert said["head_hash"] == head
    assert core_main.main(["reconcile", "--recent", "--only", "R4"]) == 0
    ended_at = operated.sql(
        "select to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') from stockroom.proof_runs"
    )
    covered = "Only the order lines written after that proof, and all open ones, were checked."
    assert f"R4 after the proof of {ended_at} UTC: {covered}" in capsys.readouterr().out.splitlines()
    assert core_main.main(["reconcile", "--json", "--recent", "--only", "R4"]) == 0
    assert json.loads(capsys.readouterr().out)["checks"][0]["since"].startswith(ended_at[:10])


def test_reconcile_lists_failures_below_its_table(operated: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    operated.variant(7, sku="HB-40")
    operated.sql("update product_variants set stock_quantity = 9")
    assert core_main.main(["reconcile"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[1] == "R1     FAILS                1          1  Every level is the sum of its movements"
    assert told[len(CODES) + 1 :][:3] == [
        "",
        "R1: Every level is the sum of its movements",
        "  HB-40 has 9 on hand, but its movements add up to 7, and the last one ends at 7",
    ]
    assert f"1 of {len(CODES)} checks fails." in told


def test_there_are_commands_for_history_and_people(
    operated: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "past.csv"
    path.write_text(
        "occurred_at,sku,movement_type,reason,quantity,reference\n2025-05-01T09:30,HB-40,purchase,delivery,9,LS-1\n"
    )
    assert core_main.main(["import-history", str(path)]) == 0
    assert operated.sql("select sum(stock_quantity) from product_variants") == 9
    assert core_main.main(["user", "add", "mia@shop.example", "--name", "Mia", "--role", "manager"]) == 0
    assert core_main.main(["user", "list"]) == 0
    assert "mia@shop.example" in capsys.readouterr().out


@pytest.mark.usefixtures("operated")
def test_migrate_can_be_repeated_safely(capsys: pytest.CaptureFixture[str]) -> None:
    assert core_main.main(["migrate"]) == 0
    assert capsys.readouterr().out == "The database was up to date already.\n"


@pytest.mark.slow
def test_the_sample_is_loaded_once(
    operated: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_commands, "load_sample", partial(load_sample, seconds=0))  # its past takes longer
    assert core_main.main(["sample"]) == 0
    assert capsys.readouterr().out == "The sample shop Canyon Sneakers is loaded.\n"
    assert core_main.main(["sample"]) == 1
    assert "needs an empty database" in capsys.readouterr().err
    assert products(operated) == 40


def test_the_sample_in_a_database_that_others_use_is_not_replaced(
    sample: Shop, boots: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sample.sql("create view public.shelf as select sku, stock_quantity from public.product_variants")
    for command in (["sample", "--remove"], ["import-catalog", boots]):
        assert core_main.main(command) == 1
        assert "Drop what uses them, or use an empty database." in capsys.readouterr().err
    assert products(sample) == 40
    assert core_main.main(["import-catalog", boots, "--into-sample"]) == 0
    assert products(sample) == 41


def test_an_own_catalogue_replaces_the_sample_once_its_name_is_typed(
    embedded_sample: Shop,
    boots: str,
    backups: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for wrong in ("", "yes\n", "canyon\n"):
        typed(monkeypatch, wrong)
        assert core_main.main(["import-catalog", boots]) == 1
        assert "That is not the name of the shop; nothing was changed." in capsys.readouterr().err
    assert products(embedded_sample) == 40
    typed(monkeypatch, "Canyon Sneakers\n")
    assert core_main.main(["import-catalog", boots]) == 0
    assert embedded_sample.sql("select sum(stock_quantity) from product_variants") == 15
    assert embedded_sample.sql("select is_sample from stockroom.shop") is False


def test_a_catalogue_with_bad_rows_does_not_replace_the_sample(
    embedded_sample: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "boots.csv"
    path.write_text(BOOTS + "HB-40,Halde Boot,12\n")
    assert core_main.main(["import-catalog", str(path)]) == 1
    assert 'sku "HB-40" repeats line 2' in capsys.readouterr().err
    assert products(embedded_sample) == 40


def test_the_sample_is_removed_once_its_name_is_typed_and_a_backup_is_made(
    embedded_sample: Shop, backups: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "Canyon Sneakers\n")
    assert core_main.main(["sample", "--remove"]) == 0
    said = capsys.readouterr().out
    assert "The shop is empty." in said
    (archive,) = backups.glob("*.dump")
    assert f"The backup is {archive}" in said
    assert products(embedded_sample) == 0
    assert core_main.main(["sample", "--remove"]) == 1
    assert "nothing was removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "mysql://nobody@localhost/shop", "Stockroom needs PostgreSQL"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/shop", "cannot be reached"),
    ],
)
def test_an_unusable_database_gives_a_sentence(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STOCKROOM_OWNER_URL", raising=False)
    monkeypatch.setenv(name, value)
    assert core_main.main(["reconcile"]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error


def test_an_unknown_command_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        core_main.main(["dance"])
    assert left.value.code == 2
    assert "import-catalog" in capsys.readouterr().err
