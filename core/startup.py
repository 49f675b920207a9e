"""From nothing to a database that is ready: for the dashboard's start and for every command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core import embedded
from core.database import create_engine, run
from core.migrate import migrate
from core.model import COMMAND_LINE
from core.sample import is_untouched, load_sample
from core.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where the shop's database answers: to the running app, and to who may migrate it."""

    app_url: str
    owner_url: str
    embedded: bool


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Give the database of these settings; the embedded one runs meanwhile and stops when nobody else uses it."""
    if settings.database_url is not None:
        owner_url = settings.owner_url or settings.database_url
        yield Database(app_url=settings.database_url, owner_url=owner_url, embedded=False)
        return
    with embedded.start(settings.data_dir) as server:
        yield Database(app_url=server.app_url, owner_url=server.owner_url, embedded=True)


def prepare(database: Database, settings: Settings, say: Say = print) -> None:
    """Migrate the database, and fill one of our own that nobody touched yet with the sample shop, unless told not."""
    migrate(database.owner_url)
    if not (database.embedded and settings.sample):
        return
    engine = create_engine(database.app_url, pool_size=1)
    try:
        if run(engine, is_untouched, COMMAND_LINE):
            say("Loading the sample shop ...")
            load_sample(engine)
    finally:
        engine.dispose()


def libpq_url(url: str) -> str:
    """Return the address as PostgreSQL's own programs and its driver read it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
