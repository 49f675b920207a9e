"""The storefront's calls and changes by hand in SQL, beside bare functions that lock, check, update and write a row.

The bare row has a sha256. For changes by hand, its table has the indexes, checks and foreign key of the ledger's.
Both by pgbench in turns, with as many clients, on the same variants. WAL is counted around each run. Where PgBouncer is
installed, the most clients also share as many connections as the pages of a dashboard do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from core.database.pool import LIMITS, Share
from tests.bench.browsing import sign_in
from tests.bench.place import Database
from tests.bench.rates import Pace, medians, pgbench
from tests.bench.selling import SPREAD, stocked
from tests.support.servers import Server, has_pgbouncer, start_pgbouncer

CLIENTS = (1, 8, 32)
CONNECTIONS, _ = LIMITS[Share.PAGES]
WARM_UP = 1
_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")

# Lines of different variants, in no order of their ids.
_ONE = f"\\set a random(1, {SPREAD})\n"
_THREE = "".join(
    f"\\set {name} random({1 + n * SPREAD // 3}, {(n + 1) * SPREAD // 3})\n" for n, name in enumerate("abc")
)
_VARIANT = "(select id from sold where n = :{})"
_KEY = "gen_random_uuid()"
_ITEMS = (
    "jsonb_build_array("
    + ", ".join(f"jsonb_build_object('variant_id', {_VARIANT.format(name)}, 'quantity', 1)" for name in "bac")
    + ")"
)
_BY_HAND = (
    "{one}select * from stockroom_api.post_change({key}::text, '{kind}', {user_id}, {session_id}, array['manager'], "
    "'', '{type}', '{reason}', array[{variant}], array[{change}], {reference_type}, {reference}, null, null);"
)
_BARE_BY_HAND = "{one}select bare_by_hand({variant}, {change}, '{type}', '{reason}', {reference}, 'Manager 0');"
_CHANGES = {
    "adjust, by hand": {"kind": "adjust", "type": "adjustment", "reason": "stock_decrease", "change": -1,
                        "reference_type": "null", "reference": "null"},
    "receive, by hand": {"kind": "receive", "type": "purchase", "reason": "delivery", "change": 2,
                         "reference_type": "'receipt'", "reference": f"{_KEY}::text"},
}  # fmt: skip
WAYS: dict[str, tuple[str, str]] = {
    "update_variant_stock": (
        f"{_ONE}select public.update_variant_stock({_VARIANT.format('a')}, -1, {_KEY}::text, 'order', {_KEY}::text);",
        f"{_ONE}select bare_change({_VARIANT.format('a')}, -1, {_KEY}::text);",
    ),
    "process_order_stock_changes, 3 lines": (
        f"{_THREE}select public.process_order_stock_changes({_KEY}, {_ITEMS});",
        f"{_THREE}select bare_order({_KEY}, {_ITEMS});",
    ),
}
"""A call: the script of ours, and of the bare one."""


def compare(where: Database, *, quick: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield a row for each call and number of clients: rates of both and their ratio, WAL and CPU of both."""
    rounds, seconds = (1, 2) if quick else (3, 3)
    prepare(where)
    with _pooled(where) as pool:
        for name, scripts in (WAYS | _by_hand(where)).items():
            direct = [(where.app_url, clients) for clients in CLIENTS[:: 2 if quick else 1]]
            for url, clients in direct + ([(pool, CLIENTS[-1])] if pool else []):
                turns = [[_pace(where, url, script, clients, seconds) for script in scripts] for _ in range(rounds)]
                shown = str(clients) if url == where.app_url else f"{clients}, {CONNECTIONS} connections"
                yield name, shown, *_compared(turns)


def _compared(turns: list[list[Pace]]) -> tuple[str, ...]:
    """Return the rates of both and their ratio, WAL and CPU of both."""
    ours, bare = medians([[pace.rate for pace in turn] for turn in turns])
    wal, bare_wal = medians([[pace.wal for pace in turn] for turn in turns])
    cpu, bare_cpu = medians([[pace.cpu for pace in turn] for turn in turns])
    rates = (f"{ours:,.0f}", f"{bare:,.0f}", f"{ours / bare:.2f}")
    return (*rates, f"{wal:,.0f}", f"{bare_wal:,.0f}", f"{cpu:.2f}", f"{bare_cpu:.2f}")


@contextmanager
def _pooled(where: Database) -> Iterator[str | None]:
    """Serve a database behind PgBouncer, and give its address for the application; None if there is no PgBouncer."""
    if not has_pgbouncer():
        yield None
        return
    address = make_url(where.app_url)
    folder, port = Path(str(address.query["host"])), int(str(address.query["port"]))
    pooler = start_pgbouncer(Server(major=0, folder=folder, port=port, stop=lambda: None), connections=CONNECTIONS)
    try:
        yield pooler.url(where.name, "stockroom_app")
    finally:
        pooler.stop()


def prepare(where: Database) -> None:
    """Make the bare tables and functions, and put enough on the shelf."""
    stocked(where, SPREAD)
    with where.connect() as connection:
        connection.execute(_SQL.replace(":variants", str(SPREAD)).encode())
        connection.execute("checkpoint")


def _by_hand(where: Database) -> dict[str, tuple[str, str]]:
    """Return the changes of a signed-in person, beside the bare ones."""
    with where.connect() as connection:
        person = sign_in(connection, 0).actor
    more = {"one": _ONE, "key": _KEY, "variant": _VARIANT.format("a")}
    more |= {"user_id": str(person.user_id), "session_id": str(person.session_id)}
    return {
        name: (_BY_HAND.format_map(change | more), _BARE_BY_HAND.format_map(change | more))
        for name, change in _CHANGES.items()
    }


def _pace(where: Database, url: str, script: str, clients: int, seconds: int) -> Pace:
    is_pooled = url != where.app_url
    return pgbench(url, where, script, clients=clients, seconds=seconds, warm_up=WARM_UP, is_pooled=is_pooled)
