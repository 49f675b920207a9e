"""Opens the database and brings it up to date: for the dashboard's start and for every command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from sqlalchemy.engine import make_url

from core.database import embedded, hosts
from core.database.embedded import EmbeddedServer
from core.database.migrate import migrate
from core.foundation.errors import SetupError
from core.foundation.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The URLs of the shop's database: for the running app, and for the owner, who may migrate it."""

    app_url: str
    owner_url: str
    embedded: bool
    server: EmbeddedServer | None = None


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Give the database of these settings. The embedded server is stopped at the end if nobody else uses it."""
    if settings.database_url is not None:
        owner_url = settings.owner_url or settings.database_url
        yield Database(app_url=settings.database_url, owner_url=owner_url, embedded=False)
        return
    with embedded.start(settings.data_dir) as server:
        yield Database(app_url=server.app_url, owner_url=server.owner_url, embedded=True, server=server)


def bring_up_to_date(database: Database) -> None:
    """Migrate as the owner, then connect with the app's URL, which may name another account with its own password.

    Raises SetupError where either fails.
    """
    migrate(database.owner_url)
    if database.app_url == database.owner_url:
        return
    url = make_url(database.app_url)
    try:
        with hosts.connect(database.app_url, seconds=5, autocommit=True) as connection:
            row = connection.execute("select to_regnamespace('stockroom_api') is not null").fetchone()
    except psycopg.OperationalError as error:
        reason = str(error).rpartition("FATAL:")[2].strip().partition("\n")[0]
        raise SetupError(
            f"The account {url.username!r} cannot use the database: {reason}. Check DATABASE_URL; the owner gives the "
            f"account a password with: alter role {url.username} password '...'"
        ) from error
    if row != (True,):
        raise SetupError("DATABASE_URL and STOCKROOM_OWNER_URL name different databases. Set both to the same one.")
