"""The ledger as a file: written with its hashes, verified without a database, its first bad row named."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core import __main__ as core_main
from core.backups import ledger_file
from core.foundation.errors import Unreadable
from tests.support.builders import Shop

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
MOMENTS = st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC))
NUMBERS = st.integers(-(2**31), 2**31 - 1)
ROWS = st.fixed_dictionaries(
    {
        "variant_id": st.uuids().map(str),
        "variant_sequence": NUMBERS,
        "quantity": NUMBERS,
        "quantity_before": NUMBERS,
        "quantity_after": NUMBERS,
        "operation_id": st.integers(-(2**63), 2**63 - 1),
        "reverses_id": st.none() | st.integers(1, 2**63 - 1),
        "occurred_at": MOMENTS,
        "created_at": MOMENTS,
        **dict.fromkeys(("sku", "movement_type", "reason", "performed_by"), WORDS),
        **dict.fromkeys(("reference_type", "reference_id", "note"), st.none() | WORDS),
    }
)
IN_SQL = text(
    """with m as (select stockroom.movement_text(cast(:variant_id as uuid), cast(:variant_sequence as int), :sku,
           :movement_type, :reason, cast(:quantity as int), cast(:quantity_before as int), cast(:quantity_after as int),
           cast(:operation_id as bigint), cast(:reference_type as text), cast(:reference_id as text),
           cast(:reverses_id as bigint), :performed_by, cast(:note as text), :occurred_at, :created_at) as said)
       select said, stockroom.chain_link(cast(:before as bytea), said, null) from m"""
)


@pytest.fixture
def exported(embedded_shop: Shop, tmp_path: Path) -> Path:
    """The ledger of a shop with two variants of three movements each."""
    for sku in ("TR-42", "TR-43"):
        variant = embedded_shop.variant(20, sku=sku)
        embedded_shop.adjust(variant, -3)
        embedded_shop.adjust(variant, 2)
    ledger_file.export(embedded_shop.engine, tmp_path / "ledger.parquet")
    return tmp_path / "ledger.parquet"


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=ROWS, before=st.binary(min_size=32, max_size=32))
def test_python_writes_the_canonical_text_and_its_hash_as_the_database_does(
    shop: Shop, row: dict[str, Any], before: bytes
) -> None:
    with shop.owner.connect() as connection:
        said, hashed = connection.execute(IN_SQL, {**row, "before": before}).one()
    assert ledger_file.canonical_text(row) == said
    assert ledger_file.link(before, said) == bytes(hashed)


def test_an_exported_ledger_is_verified_and_has_the_head_hash_of_the_database(
    embedded_shop: Shop, exported: Path
) -> None:
    found = ledger_file.verify(exported)
    head = "select encode(sha256(string_agg(chain_head, ''::bytea order by id)), 'hex') from product_variants"
    assert (found.movements, found.variants, found.fault) == (6, 2, "")
    assert found.head_hash == embedded_shop.sql(head)


def test_a_ledger_larger_than_a_row_group_is_streamed(
    exported: Path, embedded_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_file, "ROWS_AT_ONCE", 2)
    ledger_file.export(embedded_shop.engine, exported)
    assert pa.parquet.ParquetFile(exported).num_row_groups == 3
    assert ledger_file.verify(exported).fault == ""


def spoil(path: Path, change: Any) -> None:
    """Write the file again with changed rows and its original metadata."""
    file = pa.parquet.ParquetFile(path)
    told = {name: value for name, value in file.metadata.metadata.items() if name.startswith(b"stockroom.")}
    rows = file.read().to_pylist()
    change(rows)
    with pa.parquet.ParquetWriter(path, ledger_file.SCHEMA) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=ledger_file.SCHEMA))
        writer.add_key_value_metadata(told)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda rows: rows[1].update(performed_by="Nobody"), "movement no. 2 (row 2): its hash does not follow"),
        (lambda rows: rows[4].update(quantity=-2), "movement no. 2 (row 5): its level is wrong"),
        (lambda rows: rows[2].update(quantity_before=99), "(row 3): it does not begin where the one before it ended"),
        (lambda rows: rows.pop(1), "movement no. 3 (row 2): the one before it is missing"),
        (lambda rows: rows.pop(), "it has 5 movements, but 6 were written"),
        (lambda rows: rows.reverse(), "(row 1): the one before it is missing"),
    ],
)
def test_the_first_broken_row_is_named(exported: Path, change: Any, fault: str) -> None:
    spoil(exported, change)
    assert fault in ledger_file.verify(exported).fault


def test_what_is_no_ledger_is_refused_in_words(exported: Path, tmp_path: Path) -> None:
    exported.write_bytes(exported.read_bytes()[:-100])
    with pytest.raises(Unreadable, match="is damaged or not a Parquet file"):
        ledger_file.verify(exported)
    pa.parquet.write_table(pa.table({"a": [1]}), exported)
    with pytest.raises(Unreadable, match="is not a ledger file"):
        ledger_file.verify(exported)
    with pytest.raises(Unreadable, match="cannot be read"):
        ledger_file.verify(tmp_path / "nothing.parquet")


def test_the_commands_need_no_database_to_verify(
    embedded_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded_shop.variant(4)
    path = str(tmp_path / "ledger.parquet")
    monkeypatch.setenv("DATABASE_URL", embedded_shop.app_url)
    monkeypatch.setenv("STOCKROOM_OWNER_URL", embedded_shop.owner_url)
    assert core_main.main(["export-ledger", path]) == 0
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert core_main.main(["verify-ledger", path]) == 0
    assert "1 movements of 1 variants pass." in capsys.readouterr().out
    spoil(Path(path), lambda rows: rows[0].update(note="x"))
    assert core_main.main(["verify-ledger", path]) == 1
    assert "movement no. 1 (row 1): its hash does not follow" in capsys.readouterr().err
