"""Bring a database up to this release: roles, tables (Alembic), then the views and functions of core/sql.

Everything is one transaction under one advisory lock: two processes may try at once, and a failure changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from core.database import hosts
from core.database.engine import OWNER_ROLE, met_a_lock, normalise, sqlstate
from core.foundation.addresses import libpq_url, render, seconds_to_connect
from core.foundation.errors import SetupError

OLDEST_SERVER = 15
_READ_ONLY = "25006"
_LOCK = 7_305_021_115
_CORE = Path(__file__).parents[1]
_MIGRATIONS = _CORE / "migrations"
_SQL_FILES = sorted((_CORE / "sql").glob("*/*.sql"))
OUR_TABLES = ("products", "product_variants", "stock_movements")
"""The tables that the first migration creates in `public`: the storefront's contract."""


class _Newer(Exception):
    """The database has a revision that this release does not know."""


# Whether the storefront's role was created later than the functions, so that it may not call them. Owners change that.
_LACKS_GRANTS = """
    select exists (select from pg_roles r
                    where r.rolname = 'service_role' and pg_has_role('stockroom_owner', 'member')
                      and not has_function_privilege(r.oid, to_regprocedure(
                          'public.update_variant_stock(uuid, int, text, text, text, text)')::oid, 'execute'))"""


_DEADLOCKS = 5
"""After how many deadlocks a migration gives up."""


def migrate(owner_url: str) -> bool:
    """Bring the database at `owner_url` up to date and return whether anything changed. Safe to repeat and to race.

    Raises SetupError where the server is too old or cannot be reached, or the account has too few rights.
    """
    for _ in range(_DEADLOCKS):  # people who read meanwhile lock in another order; then nothing was done
        try:
            return _migrate(owner_url)
        except DBAPIError as error:
            if not met_a_lock(error):
                raise
    return _migrate(owner_url)


def _migrate(owner_url: str) -> bool:
    with owner_transaction(owner_url) as connection:
        if _is_current(connection):
            return False
        _refuse_foreign(connection)
        return build(connection)


@contextmanager
def owner_transaction(owner_url: str) -> Iterator[Connection]:
    """Give a transaction of the owner's account. No other process migrates or adopts at the same time.

    Raises SetupError as `migrate` does.
    """
    url = normalise(owner_url)
    hosts.refuse_unreadable(url)
    engine = sqlalchemy.create_engine(
        url,
        poolclass=sqlalchemy.NullPool,
        connect_args={"prepare_threshold": None, "connect_timeout": seconds_to_connect(owner_url, 5)},
    )
    hosts.settle_engine(engine)
    try:
        with engine.begin() as connection:
            check_server_version(connection)
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
            yield connection
    except _Newer as error:
        raise SetupError(
            f"The database at {_address(engine.url)} was set up by a newer Stockroom than this one: {error}. "
            "Start the newer one. Nothing was changed."
        ) from error
    except OperationalError as error:
        if sqlstate(error) is None or (sqlstate(error) or "").startswith(("08", "28", "3D", "57P", "53")):
            raise SetupError(_unreachable(engine.url, error)) from error
        raise
    except (DBAPIError, psycopg.Error) as error:
        if sqlstate(error) == "42501":
            raise SetupError(_forbidden(engine.url, error)) from error
        if sqlstate(error) == _READ_ONLY:
            raise SetupError(_read_only(engine.url)) from error
        raise


def check_server_version(connection: Connection) -> None:
    """Raise SetupError unless the server is PostgreSQL 15 or newer."""
    number = int(connection.exec_driver_sql("show server_version_num").scalar_one())
    refuse_old_server(number)


def refuse_old_server(server_version_num: int) -> None:
    """Raise SetupError if `server_version_num` (as PostgreSQL writes it: 150004) is older than 15."""
    if server_version_num < OLDEST_SERVER * 10_000:
        raise SetupError(
            f"This database is PostgreSQL {server_version_num // 10_000}; Stockroom needs {OLDEST_SERVER} or newer. "
            "Upgrade the server, or unset DATABASE_URL to use the embedded one."
        )


def _is_current(connection: Connection) -> bool:
    """Whether there is nothing to do. Needs none of the owner's rights, so the app's own account may start."""
    may_look = "select coalesce(has_schema_privilege(to_regnamespace('stockroom_api')::oid, 'usage'), false)"
    if not connection.exec_driver_sql(may_look).scalar_one():
        return False
    if connection.exec_driver_sql("select to_regclass('stockroom_api.release')").scalar_one() is None:
        return False
    release = connection.exec_driver_sql("select revision, checksum from stockroom_api.release").one()
    is_this = (release.revision, release.checksum) == current_release()
    return is_this and not connection.exec_driver_sql(_LACKS_GRANTS).scalar_one()


def current_release() -> tuple[str, str]:
    """Return the revision and checksum of a database of this release. The view `release` has those of a database."""
    newest = max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    return newest.partition("_")[0], _checksum(_texts())


def is_set_up(connection: Connection) -> bool:
    """Return whether a Stockroom of any release has been set up in this database."""
    return bool(connection.exec_driver_sql("select to_regclass('stockroom.alembic_version') is not null").scalar_one())


def our_functions() -> list[str]:
    """Return the names of the functions in `public` that a storefront calls."""
    return sorted({name for text in _texts() for name in re.findall(r"create function public\.(\w+)", text)})


def _refuse_foreign(connection: Connection) -> None:
    """Refuse a database in which other tables or functions have the names of ours."""
    if is_set_up(connection):
        return
    found = connection.exec_driver_sql(_FOREIGN, (list(OUR_TABLES), our_functions())).scalars().all()
    if found:
        raise SetupError(
            f"This database already has {', '.join(found)}, names that Stockroom needs too. To see what moving in "
            "with them would do, run .venv/bin/python -m core adopt --check. Nothing was changed."
        )


_FOREIGN = """
    select relname::text from pg_class where relnamespace = 'public'::regnamespace and relname = any (%s)
    union all
    select distinct proname || '()' from pg_proc where pronamespace = 'public'::regnamespace and proname = any (%s)
    order by 1"""


def build(connection: Connection) -> bool:
    """Create everything of this release that is missing, and return whether anything was. Continues as the owner."""
    _create_roles(connection)
    connection.exec_driver_sql(f"set local role {OWNER_ROLE}")
    connection.exec_driver_sql("create schema if not exists stockroom")
    before = _revision(connection)
    _upgrade_tables(connection)
    return _rebuild_functions(connection) or before != _revision(connection)


def _create_roles(connection: Connection) -> None:
    _run_script(connection, (_MIGRATIONS / "roles.sql").read_text(encoding="utf-8"))


def _revision(connection: Connection) -> str | None:
    table = connection.exec_driver_sql("select to_regclass('stockroom.alembic_version')").scalar_one()
    if table is None:
        return None
    return connection.exec_driver_sql("select version_num from stockroom.alembic_version").scalar_one_or_none()


def _upgrade_tables(connection: Connection) -> None:
    # Imported here: it takes a sixth of a second, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise _Newer(error) from error


def _texts() -> list[str]:
    """Return the scripts of the schema stockroom_api: the files of core/sql in order, and then the grants."""
    return [path.read_text(encoding="utf-8") for path in (*_SQL_FILES, _MIGRATIONS / "grants.sql")]


def _checksum(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _rebuild_functions(connection: Connection) -> bool:
    """Drop and rebuild the schema stockroom_api if a file of core/sql differs or the storefront's role lacks rights."""
    texts = _texts()
    checksum = _checksum(texts)
    known = connection.exec_driver_sql("select checksum from stockroom.sql_text").scalar_one_or_none()
    if known == checksum and not connection.exec_driver_sql(_LACKS_GRANTS).scalar_one():
        return False
    _run_script(connection, "drop schema if exists stockroom_api cascade; create schema stockroom_api;")
    for script in texts:
        _run_script(connection, script)
    connection.exec_driver_sql(
        "insert into stockroom.sql_text (checksum) values (%s) on conflict (only_row) do update set checksum = %s",
        (checksum, checksum),
    )
    return True


def _run_script(connection: Connection, script: str) -> None:
    # Several statements in one call need the simple protocol, which psycopg uses only without parameters.
    connection.execution_options(no_parameters=True).exec_driver_sql(script)


def _address(url: sqlalchemy.URL) -> str:
    return libpq_url(render(url._replace(password=None).difference_update_query(["password", "sslpassword"])))


def _unreachable(url: sqlalchemy.URL, error: Exception) -> str:
    return (
        f"The database at {_address(url)} cannot be reached: {_first_line(error)}. "
        "Check DATABASE_URL and that the server is running, then start again."
    )


def _read_only(url: sqlalchemy.URL) -> str:
    return (
        f"The database at {_address(url)} takes no changes: it is a replica, or default_transaction_read_only is on, "
        "as hosts set it when a disk is full. Make room or name the primary, then start again. Nothing was changed."
    )


def _forbidden(url: sqlalchemy.URL, error: Exception) -> str:
    return (
        f"The account {url.username!r} may not set up this database: {_first_line(error)}. Set STOCKROOM_OWNER_URL to "
        f"an account that may create roles and schemas (needed once), or make it a member of {OWNER_ROLE}. Nothing was "
        "changed."
    )


def _first_line(error: Exception) -> str:
    original = getattr(error, "orig", error)
    if isinstance(original, psycopg.Error) and original.diag.message_primary:
        return original.diag.message_primary
    return str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__
