"""What our SQL calls is there on every server.

The syntax of a function is checked when a migration creates it. The functions that its body calls are looked up only
when it runs.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import EVERY_SERVER
from tests.house.reading import MIGRATIONS, SQL_FILES, sql
from tests.support.builders import Shop

ALIASES = {"change", "elsif", "problem"}
"""Names of a subquery with a list of its columns, and a word of PL/pgSQL, which look like calls."""
KNOWN = """
    select proname::text from pg_proc
    union select relname from pg_class
    union select typname from pg_type
    union select amname from pg_am
    union select word from pg_get_keywords()"""


def called() -> set[str]:
    """Every name before a parenthesis; one or two letters are aliases of subqueries."""
    texts = [sql(path) for path in (*SQL_FILES, *MIGRATIONS)]
    return {name for text in texts for name in re.findall(r"\b(?:[a-z_]+\.)?([a-z_][a-z0-9_]{2,})\s*\(", text)}


def test_every_function_that_sql_calls_exists(shop: Shop) -> None:
    known = {row[0] for row in shop.rows(KNOWN)}
    assert {"date_bin", "jsonb_agg", "post_lines", "stock_movements"} <= called()
    assert called() - known - ALIASES == set()


def test_what_runs_on_every_server_exists(request: pytest.FixtureRequest) -> None:
    for each in EVERY_SERVER:
        path, _, name = each.partition("::")
        found = Path(request.config.rootpath, path)
        assert found.exists(), each
        assert not name or f"\ndef {name}" in found.read_text(), each
