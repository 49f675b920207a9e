"""The stock room: importable, testable and runnable without a dashboard.

A tour. Everything that changes stock is an operation: `connection` first, `actor` second, the rest by name; it never
commits, is idempotent by `key`, checks session and role in its own transaction, and changes all of its lines or none.

    engine = create_engine("postgresql://stockroom_app@localhost/shop")
    run(engine, receive, actor, lines=[Line(variant_id=shoe, quantity=12)], key="delivery-4711", reference="LS-4711")

- change stock: `adjust`, `receive`, `set_level` (compare and set), `undo`        core/ledger.py
- look: `levels`, `explain`, `running_level`, `flows`; the ledger by pages         core/reports.py, core/movements.py
- one read for each screen                                                         core/screens.py
- bring in: `import_catalog`, `import_history`, the sample shop                    core/catalog.py, core/history.py
- prove: `run_checks`                                                              core/reconciliation.py
- people: accounts at the door, people for admins                                  core/accounts.py, core/people.py
- start: settings, embedded server, migration                                      core/startup.py

A rule that says no is a `Refused` with the facts in its attributes (core/errors.py). Who may do what is one table
(core/access.py). The rules themselves are SQL functions (core/sql), called with one statement each.
"""

from core.catalog import import_catalog, preview_catalog
from core.database import create_engine, run
from core.errors import Forbidden, Refused, SignInRequired, StockError, Unavailable
from core.history import import_history
from core.ledger import adjust, receive, set_level, undo
from core.model import Actor, LevelLine, Line, MovementType, Posting, Role
from core.reconciliation import run_checks
from core.reports import explain, flows, levels, running_level

__all__ = [
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
