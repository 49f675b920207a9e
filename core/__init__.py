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

from importlib import import_module
from typing import Any

ORDER = (
    "commands", "jobs", "sample", "storefront", "screens",
    "reports",
    "scanning", "deliveries", "counts", "backups", "health",
    "proof", "alerts", "orders", "inbox", "adoption", "catalog", "shop",
    "valuation",
    "ledger", "sandbox", "people", "database",
    "carts", "payloads", "sheets", "stripe", "foundation",
)  # fmt: skip
"""The packages from top to bottom. A package imports only from packages after it; `tests/house` checks this."""

_TOUR = {
    "core.foundation.errors": ("Forbidden", "Refused", "SignInRequired", "StockError", "Unavailable"),
    "core.foundation.model": ("Actor", "LevelLine", "Line", "MovementType", "Posting", "Role"),
    "core.database.engine": ("create_engine", "run"),
    "core.ledger.changes": ("adjust", "receive", "set_level", "undo"),
    "core.ledger.history": ("import_history",),
    "core.ledger.reports": ("explain", "flows", "levels", "running_level"),
    "core.catalog.imports": ("import_catalog", "preview_catalog"),
    "core.proof.checks": ("run_checks",),
}
"""What the tour shows, by module. A module is imported when one of its names is used: all of them take a second."""

__all__ = ["ORDER", *(name for names in _TOUR.values() for name in names)]


def __getattr__(name: str) -> Any:
    for module, names in _TOUR.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'core' has no attribute {name!r}")
