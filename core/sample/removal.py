"""Replaces the sample shop's database with an empty one, to start with your own shop.

A ledger is append-only, so the sample data is not deleted from it: the whole database is replaced. People keep their
accounts.
"""

from __future__ import annotations

import psycopg
from psycopg import Connection, sql
from sqlalchemy import URL, make_url

from core.database.engine import normalise
from core.database.migrate import migrate
from core.foundation.errors import SetupError

_ACCOUNTS = ("users", "sessions", "sign_in_links", "audit")
_MARK = "select stockroom_api.claim_operation('sample:removed', 'remove_sample', '', null, 'Command line')"
_GO_ON = "select setval(pg_get_serial_sequence({table}, 'id'), coalesce(max(id), 0) + 1, false) from stockroom.{name}"


def sample_name(owner_url: str) -> str | None:
    """Return the name of the sample shop in this database; None if it does not hold the sample data."""
    with _connect(make_url(normalise(owner_url))) as connection:
        row = connection.execute("select name from stockroom.shop where is_sample").fetchone()
    return row[0] if row else None


def remove_sample(owner_url: str) -> None:
    """Replace a database that holds the sample shop with an empty one of the same name. Accounts and sessions stay.

    Open connections are closed and can be opened again at once. Raises SetupError if it does not hold sample data.
    """
    old = make_url(normalise(owner_url))
    new = old.set(database=f"{old.database}_new")
    migrate(owner_url)
    if sample_name(owner_url) is None:
        raise SetupError("This shop does not hold the sample data, so nothing was removed.")
    _administer(old, _drop(new), sql.SQL("create database {}").format(_name(new)))
    migrate(new.render_as_string(hide_password=False))
    _keep_accounts(old, new)
    _administer(old, _drop(old), sql.SQL("alter database {} rename to {}").format(_name(new), _name(old)))


def _administer(url: URL, *statements: sql.Composed) -> None:
    with _connect(url.set(database="postgres")) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.execute(statement)


def _drop(url: URL) -> sql.Composed:
    return sql.SQL("drop database if exists {} with (force)").format(_name(url))


def _name(url: URL) -> sql.Identifier:
    return sql.Identifier(url.database or "")


def _connect(url: URL) -> Connection[tuple[str]]:
    return psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))


def _keep_accounts(old: URL, new: URL) -> None:
    """Copy accounts, sessions and the record of changes, and note that the new shop is empty on purpose."""
    with _connect(old) as source, _connect(new) as target:
        for name in _ACCOUNTS:
            table = sql.Identifier("stockroom", name)
            with (
                source.cursor().copy(sql.SQL("copy {} to stdout").format(table)) as rows,
                target.cursor().copy(sql.SQL("copy {} from stdin").format(table)) as places,
            ):
                for row in rows:
                    places.write(row)
        for name in ("users", "sessions", "audit"):
            query = sql.SQL(_GO_ON).format(table=f"stockroom.{name}", name=sql.Identifier(name))
            target.execute(query)
        target.execute(_MARK)
