"""The domain: importable, testable and runnable without the dashboard.

Everything that changes stock is an operation: it takes `connection` first, `actor` second and the rest by name. It
never commits, is idempotent by `key`, checks session and role in its own transaction, and posts all lines or none.

    engine = create_engine("postgresql://stockroom_app@localhost/shop")
    run(engine, receive, actor, lines=[Line(variant_id=shoe, quantity=12)], key="delivery-4711", reference="LS-4711")

- change stock: `adjust`, `receive`, `set_level` (compare and set), `undo`         core/ledger/changes.py
- read levels: `levels`, `explain`, `running_level`, `flows`                       core/ledger/reports.py
- read the ledger page by page                                                     core/ledger/movements.py
- one read a screen                                                                core/screens
- import: `import_catalog`, `import_history`, the sample shop                      core/catalog, ledger, sample
- verify: `run_checks`                                                             core/proof
- people: accounts, sessions, API keys                                             core/people
- start: settings, embedded server, migrations                                     core/foundation, core/database

A rule that refuses an operation raises a `Refused` with the facts in its attributes (core/foundation/errors.py). One
table lists which role may do what (core/people/access.py). The rules are SQL functions (core/sql); an operation calls
its function with one statement.
"""

from core.catalog.imports import import_catalog, preview_catalog
from core.database.engine import create_engine, run
from core.foundation.errors import Forbidden, Refused, SignInRequired, StockError, Unavailable
from core.foundation.model import Actor, LevelLine, Line, MovementType, Posting, Role
from core.ledger.changes import adjust, receive, set_level, undo
from core.ledger.history import import_history
from core.ledger.reports import explain, flows, levels, running_level
from core.proof.checks import run_checks

ORDER = (
    "commands", "jobs", "storefront", "screens", "backups", "health", "proof", "alerts", "orders", "inbox", "adoption",
    "sample", "catalog", "shop", "ledger", "people", "database", "carts", "payloads", "stripe", "foundation",
)  # fmt: skip
"""The packages from top to bottom. A package imports only from packages after it; `tests/house` checks this."""

__all__ = [
    "ORDER",
    "Actor",
    "Forbidden",
    "LevelLine",
    "Line",
    "MovementType",
    "Posting",
    "Refused",
    "Role",
    "SignInRequired",
    "StockError",
    "Unavailable",
    "adjust",
    "create_engine",
    "explain",
    "flows",
    "import_catalog",
    "import_history",
    "levels",
    "preview_catalog",
    "receive",
    "run",
    "run_checks",
    "running_level",
    "set_level",
    "undo",
]
