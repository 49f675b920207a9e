"""Every command of the documents, run as it is written, from a first start to a restored backup."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from core.database import embedded
from core.foundation.addresses import libpq_url
from core.proof import checks
from tests.house.documents import BACKUPS, GUIDES, MONEY, MOVING_IN, README, RUNNING, STOREFRONT
from tests.house.walkthrough import PASSWORD, Output, Reader
from tests.support.legacy import CATALOGUE as OLD_CATALOGUE
from tests.support.legacy import FUNCTIONS, SUPABASE, TABLES, Legacy, clean_history, legacy_database
from tests.support.servers import Server, new_folder, start_embedded
from tests.support.shared.ready import ready_commands

COMMANDS, PEOPLE = (README, "Two commands"), (README, "Admin")
CATALOGUE, SHOP, HISTORY = (
    (MOVING_IN, heading) for heading in ("Import a catalogue", "Describe the shop", "Import a past")
)
ADOPT, DOORS, PRICES, MOMENTS, BACK, OLD_HISTORY = (
    (MOVING_IN, heading)
    for heading in (
        "Adopt an existing database", "Doors", "Prices", "Moments without a time zone", "Going back", "The old history"
    )
)  # fmt: skip
OWN_DATABASE, PROOF, FILES, FLOW = (
    (RUNNING, heading)
    for heading in ("Your own database", "The daily proof", "Every list as a file", "Check an installation")
)
RULE = (STOREFRONT, "Prices and tax")
BACKUP, RESTORE = (BACKUPS, "Back up from the command line"), (BACKUPS, "Restore")
MONTH = (MONEY, "A month for the accountant")
PAST = """occurred_at,sku,movement_type,reason,quantity,reference,name
2026-03-02 09:30,TR-44,purchase,delivery,20,PO-118,Trail Runner
2026-03-05 14:12,TR-44,sale,stock_decrease,-1,ORDER-7731,
2026-03-05 14:13,TR-41,sale,stock_decrease,-2,ORDER-7732,Trail Runner Kids
"""
DOOR = """
alter table public.product_variants add column price_adjustment numeric not null default 0;
alter table public.products add column sale_price numeric, add column status text not null default 'draft',
    add column launched_at timestamp;
create function public.checkout(_variant uuid) returns void language plpgsql security definer as
    $$ begin perform public.update_variant_stock(_variant, -1); end $$"""
LOG = """
drop table public.stock_movements;
create table public.shelf_log (
    id uuid primary key, variant_id uuid references public.product_variants, moved int, stock_after int,
    created_at timestamptz
)"""
LEVELS = "select sku, stock_quantity from public.product_variants order by sku"
LEDGER = "select id, encode(chain_hash, 'hex') from public.stock_movements order by id"
PASSES = [[code, "not" if code == "R3" else "passes"] for code in checks.CODES]
"""Without a Stripe key, R3 is not compared."""

pytestmark = pytest.mark.slow


@dataclass
class Visit:
    """One walk through the documents: the reader, and the output of each step by name."""

    reader: Reader
    done: dict[str, Output]


@pytest.fixture(scope="module")
def ready() -> Iterator[Path]:
    """The socket of a process that has imported the commands."""
    folder = new_folder()
    with ready_commands(folder / "ready"):
        yield folder / "ready"
    shutil.rmtree(folder)


@contextmanager
def reader_in_a_new_folder(ready: Path, **settings: str) -> Iterator[Reader]:
    """A reader in an empty folder that the database's user can enter, with the files that the documents name."""
    folder = new_folder()
    (folder / "catalogue.csv").write_text(MOVING_IN.block("csv"))
    (folder / "history.csv").write_text(PAST)
    try:
        yield Reader(folder=folder, ready=ready, settings={"STOCKROOM_DATA": str(folder / "data"), **settings})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def at_home(ready: Path) -> Iterator[Visit]:
    """A shop in the embedded database: people, catalogue, past, proof."""
    with (
        reader_in_a_new_folder(ready, STOCKROOM_SAMPLE="0") as reader,
        embedded.start(Path(reader.settings["STOCKROOM_DATA"])),  # so that no command has to start it
    ):
        done = {
            "run": reader.follow(*COMMANDS, 0),
            "test": reader.follow(*COMMANDS, 1),
            "people": reader.follow(*PEOPLE),
            "catalogue": reader.follow(*CATALOGUE),
            "shop": reader.follow(*SHOP),
            "history": reader.follow(*HISTORY),
            "proof": reader.follow(*PROOF),
            "flow": reader.follow(*FLOW),
            "files": reader.follow(*FILES),
        }
        yield Visit(reader=reader, done=done)


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """Your own PostgreSQL, in which `stockroom_app` needs its password."""
    server = start_embedded()
    try:
        (server.folder / "data/pg_hba.conf").write_text("local all stockroom_app scram-sha-256\nlocal all all trust\n")
        ask(server, "select pg_reload_conf()")
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Server]:
    """A PostgreSQL that has never seen Stockroom."""
    server = start_embedded()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def abroad(ready: Path, own: Server, elsewhere: Server) -> Iterator[Visit]:
    """A shop in your own database, sold from by a storefront, backed up, and restored elsewhere."""
    with reader_in_a_new_folder(ready) as reader:
        done = {"setup": reader.follow(*OWN_DATABASE, server=own)}
        done["imports"] = reader.type(imports())
        done["backup"] = reader.follow(*BACKUP)
        done["month"] = reader.follow(*MONTH)
        reader.settings |= dict.fromkeys(("DATABASE_URL", "STOCKROOM_OWNER_URL"), libpq_url(elsewhere.owner_url))
        done["restore"] = reader.follow(*RESTORE)
        yield Visit(reader=reader, done=done)


@pytest.fixture(scope="module")
def moved(ready: Path, own: Server) -> Iterator[tuple[Visit, Legacy]]:
    """A shop that adopts its database on the same server, and goes back."""
    with (
        reader_in_a_new_folder(ready) as reader,
        legacy_database(own, TABLES, FUNCTIONS, SUPABASE, OLD_CATALOGUE, DOOR) as old,
        legacy_database(own, TABLES, FUNCTIONS, OLD_CATALOGUE, LOG) as logged,
    ):
        clean_history(old)
        reader.settings |= dict.fromkeys(("DATABASE_URL", "STOCKROOM_OWNER_URL"), libpq_url(old.url))
        done = {"price": reader.follow(*PRICES), "moments": reader.follow(*MOMENTS)}
        done |= {"adopt": reader.follow(*ADOPT), "proof": reader.follow(*PROOF)}
        done |= {"rule": reader.follow(*RULE, 0), "tax": reader.follow(*RULE, 1), "set": reader.follow(*CATALOGUE, 1)}
        done |= {"undo": reader.follow(*BACK), "door": reader.follow(*DOORS)}
        reader.settings |= dict.fromkeys(("DATABASE_URL", "STOCKROOM_OWNER_URL"), libpq_url(logged.url))
        done["log"] = reader.follow(*OLD_HISTORY)
        yield Visit(reader=reader, done=done), old


def imports() -> str:
    """The commands that import catalogue and past, without the preview."""
    texts = (block.text for block in MOVING_IN.blocks if block.language == "sh")
    return "\n".join(line for text in texts for line in text.splitlines() if re.search(r"import-\w+ \S+$", line))


def ask(server: Server, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq_url(server.owner_url)) as connection:
        return connection.execute(question.encode()).fetchall()


def example_variant() -> str:
    found = re.search(r"'([0-9a-f-]{36})'", STOREFRONT.block("sql"))
    assert found, "the example names a variant"
    return found[1]


def proof_of(output: Output) -> list[list[str]]:
    return [line.split()[:2] for line in output.out.splitlines() if re.match(r"R\d+ ", line)]


def assert_done(visit: Visit) -> None:
    assert {step: output for step, output in visit.done.items() if output.code != 0} == {}


def test_every_block_of_commands_is_followed_by_one_of_the_walks(
    at_home: Visit, abroad: Visit, moved: tuple[Visit, Legacy]
) -> None:
    followed = [step for visit in (at_home, abroad, moved[0]) for step in visit.reader.followed]
    assert {block.text for document in GUIDES for block in document.blocks if block.language == "sh"} - set(
        followed
    ) == set()


def test_every_command_does_its_work_without_an_error(at_home: Visit, abroad: Visit) -> None:
    assert_done(at_home)
    assert_done(abroad)
    assert "Traceback" not in "".join(output.err for output in (*at_home.done.values(), *abroad.done.values()))


def test_make_run_serves_the_dashboard_and_make_test_runs_linters_types_and_tests(at_home: Visit) -> None:
    assert "python -m dashboard" in at_home.done["run"].out
    assert re.findall(r"(ruff check|-m mypy|-m pytest)", at_home.done["test"].out) == [
        "ruff check",
        "-m mypy",
        "-m pytest",
    ]


def test_a_person_is_added_gets_a_link_and_is_listed(at_home: Visit) -> None:
    out = at_home.done["people"].out
    assert "Wanda Weber has an account as warehouse." in out
    assert re.search(r"http://127\.0\.0\.1:8501/welcome\?token=[\w-]{43}\n", out)
    assert re.search(r"^wanda@shop\.example +warehouse +Wanda Weber$", out, re.MULTILINE)


def test_the_catalogue_shown_is_previewed_and_imported_with_its_openings(at_home: Visit) -> None:
    assert at_home.done["catalogue"].out.splitlines() == [
        "line 2: TR-42 new product",
        "line 3: TR-43 new variant",
        "line 4: TR-44 new variant",
        "catalogue.csv: 1 new product, 3 new variants; 21 units would be counted. Nothing was changed.",
        "Imported catalogue.csv: 1 new product, 3 new variants, 0 known before; 21 units counted.",
    ]


def test_the_shop_gets_its_name_and_its_clock(at_home: Visit) -> None:
    assert "Trail and Turf" in at_home.done["shop"].out
    assert "Europe/Berlin" in at_home.done["shop"].out


def test_the_past_is_imported_and_the_smallest_opening_is_reported(at_home: Visit) -> None:
    out = at_home.done["history"].out
    assert "Imported history.csv: 3 movements, 1 new SKU." in out
    assert "1 SKU got an opening count of 2 units in all" in out


def test_repeating_an_import_changes_nothing(at_home: Visit) -> None:
    out = at_home.reader.type(imports()).out
    assert "already imported" in out
    assert "0 units counted" in out


def test_reconcile_proves_all_of_it(at_home: Visit) -> None:
    assert proof_of(at_home.done["proof"]) == PASSES


def test_the_shop_is_tried_end_to_end_and_nothing_remains(at_home: Visit) -> None:
    lines = at_home.done["flow"].out.splitlines()
    assert [line.partition("  ")[0].strip() for line in lines] == ["ok"] * 9


def test_every_list_is_written_as_a_file(at_home: Visit) -> None:
    folder = at_home.reader.folder / "files"
    assert (folder / "movements.csv").read_text().count("\n") > 3
    assert "\nmovements" in (folder / "README.txt").read_text()


def test_the_dashboards_account_signs_in_with_its_password_and_may_not_write(abroad: Visit, own: Server) -> None:
    assert "The database is now up to date." in abroad.done["setup"].out
    assert "ALTER ROLE" in abroad.done["setup"].out
    assert "python -m dashboard" in abroad.done["setup"].out
    address = f"host={own.folder} port={own.port} dbname=stockroom user=stockroom_app"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(address)
    with (
        psycopg.connect(f"{address} password='{PASSWORD}'") as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("update public.product_variants set stock_quantity = 7")


def test_a_storefront_gets_the_answer_that_is_shown(abroad: Visit, own: Server) -> None:
    shown = next(span for span in STOREFRONT.code if span.startswith('{"success": true'))
    expected = json.loads(shown.replace(", ...", ""))
    ask_for = STOREFRONT.block("sql")
    variant = "(select product_id from public.product_variants where sku = 'TR-44')"
    ask(
        own,
        f"""insert into public.product_variants (id, product_id, sku)
            values ('{example_variant()}', {variant}, 'TR-45') returning id""",
    )
    ask(own, f"select public.update_variant_stock('{example_variant()}', {expected['previous_stock']})")
    (answer,) = ask(own, ask_for)[0]
    assert isinstance(answer, dict)
    assert {name: answer[name] for name in expected} == expected
    (refusal,) = ask(own, ask_for.replace("=> -1", "=> -5"))[0]
    assert isinstance(refusal, dict)
    assert (refusal["success"], refusal["new_stock"], refusal["available_stock"]) == (False, 4, 4)


def test_a_restored_shop_is_verified_and_equals_the_original(abroad: Visit, own: Server, elsewhere: Server) -> None:
    assert proof_of(abroad.done["restore"]) == PASSES
    assert abroad.done["restore"].err == ""
    assert ask(elsewhere, LEVELS) == ask(own, f"select * from ({LEVELS}) l where sku <> 'TR-45'")
    restored = ask(elsewhere, LEDGER)
    assert len(restored) == 6
    assert restored == ask(own, LEDGER)[: len(restored)]


def test_a_backup_is_proven_and_the_ledger_alone_holds_without_a_database(abroad: Visit) -> None:
    out = abroad.done["backup"].out
    assert re.search(r"stockroom-\w+\.dump is verified: .* were restored, R1 and R2 pass\.", out)
    assert re.search(r"6 movements of \d variants pass\. The head hash is [0-9a-f]{64}\.", out)


def test_a_shop_moves_in_with_its_database_is_proven_and_goes_back(moved: tuple[Visit, Legacy]) -> None:
    visit, old = moved
    assert_done(visit)
    out = visit.done["adopt"].out
    assert "Adopting is possible and can be undone until the first new movement. Nothing was changed." in out
    assert "Done; every level, chain and daily figure was verified." in out
    assert proof_of(visit.done["proof"]) == PASSES
    assert "Everything is as it was before adopting." in visit.done["undo"].out
    assert old.one("select count(*) from stock_movements_legacy where quantity_after is not null") == 9


def test_prices_doors_and_an_old_history_are_shown_as_the_guide_says(moved: tuple[Visit, Legacy]) -> None:
    visit, old = moved
    assert "costs, by --price 'price + price_adjustment'" in visit.done["price"].out
    assert "read as times of UTC" in visit.done["moments"].out
    assert "public.checkout" in visit.done["door"].out
    assert old.one("select has_function_privilege('anon', 'public.checkout(uuid)', 'execute')")
    assert "shelf_log" in visit.done["log"].out
    assert "tax" in visit.done["tax"].out
    assert 'status "active"' in visit.done["set"].out
