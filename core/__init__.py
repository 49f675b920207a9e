"""The stock room: importable, testable and runnable without a dashboard.

A tour. Everything that changes stock is an operation: `connection` first, `actor` second, the rest by name; it never
commits, is idempotent by `key`, checks session and role in its own transaction, and changes all of its lines or none.

    engine = create_engine("postgresql://stockroom_app@localhost/shop")
    run(engine, receive, actor, lines=[Line(variant_id=shoe, quantity=12)], key="delivery-4711", reference="LS-4711")

- change stock: `adjust`, `receive`, `set_level` (compare and set), `undo`         core/ledger/changes.py
- look: `levels`, `explain`, `running_level`, `flows`                              core/ledger/reports.py
- the ledger by pages                                                              core/ledger/movements.py
- one read for each screen                                                         core/screens
- bring in: `import_catalog`, `import_history`, the sample shop                    core/catalog, ledger, sample
- prove: `run_checks`                                                              core/proof
- people: accounts, sessions, API keys                                             core/people
- start: settings, embedded server, migration                                      core/foundation, core/database

A rule that says no is a `Refused` with the facts in its attributes (core/foundation/errors.py). Who may do what is one
table (core/people/access.py). The rules themselves are SQL functions (core/sql), called with one statement each.
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
"""The packages from top to bottom. A package imports only from packages after it: `tests/house` checks it."""

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
