"""The sample shop with one of everything, in which each text that can come from outside is a hostile one."""

from __future__ import annotations

from sqlalchemy import text

from core.catalog import codes
from core.counts import sessions
from core.counts.sessions import Scope
from core.deliveries import changes as deliveries
from core.deliveries import note
from core.ledger import holds
from core.ledger.holds import Wanted
from core.people import api_keys
from core.storefront.hooks import endpoints
from core.views import saved
from tests.support.builders import Shop, key
from tests.support.outside.texts import HOSTILE

BEGINS, MARK = "zq@", "zq@qz"
"""How each text from outside in that shop begins: also where it is escaped, and only where it is not."""
# Table, columns, and the longest text they may hold.
_OUTSIDE = (
    ("public.products", ("name", "brand"), 200),
    ("public.product_variants", ("sku", "size", "color", "barcode"), 60),
    ("public.stock_movements", ("sku", "reference_id", "performed_by", "note"), 60),
    ("stockroom.alert_history", ("who", "note"), 200),
    ("stockroom.alerts", ("sentence", "resolved_by", "resolution"), 200),
    ("stockroom.api_keys", ("name", "made_by", "revoked_by"), 60),
    ("stockroom.audit", ("performed_by", "subject"), 60),
    ("stockroom.backups", ("file", "why"), 100),
    ("stockroom.cost_steps", ("performed_by", "note"), 60),
    ("stockroom.counts", ("name", "scope_value", "started_by", "ended_by", "undone_by"), 60),
    ("stockroom.count_lines", ("decided_by", "approved_by", "counted_by"), 60),
    ("stockroom.day_flows", ("brand", "performed_by"), 60),
    ("stockroom.destinations", ("name",), 60),
    ("stockroom.disputes", ("reason",), 60),
    ("stockroom.goods_deliveries", ("reference", "supplier", "original", "created_by", "closed_by"), 60),
    ("stockroom.goods_lines", ("code", "original", "problem"), 60),
    ("stockroom.goods_steps", ("code", "detail", "done_by"), 60),
    ("stockroom.hook_endpoints", ("name", "made_by", "off_why"), 60),
    ("stockroom.job_switches", ("off_by",), 60),
    ("stockroom.job_runs", ("asked_by", "worker"), 60),
    ("stockroom.line_changes", ("note", "changed_by"), 60),
    ("stockroom.order_lines", ("code", "size", "name"), 60),
    ("stockroom.order_terms", ("brand", "supplier", "changed_by"), 60),
    ("stockroom.orders", ("number", "email", "name", "cart_raw"), 60),
    ("stockroom.proof_runs", ("performed_by",), 60),
    ("stockroom.reasons", ("label",), 60),
    ("stockroom.refund_decisions", ("note", "decided_by"), 60),
    ("stockroom.refunds", ("reason", "failure_reason", "decided_by"), 60),
    ("stockroom.reservations", ("reference", "held_by"), 60),
    ("stockroom.saved_views", ("name",), 60),
    ("stockroom.sessions", ("user_agent",), 60),
    ("stockroom.shop", ("name",), 60),
    ("stockroom.sku_aliases", ("code", "added_by"), 60),
    ("stockroom.stripe_events", ("why",), 60),
    ("stockroom.users", ("name",), 60),
    ("stockroom.variant_changes", ("sku", "before", "after", "performed_by"), 60),
    ("stockroom.variant_codes", ("code", "added_by"), 60),
)


def make_hostile(shop: Shop) -> None:
    """Add what the sample shop lacks, and replace every text from outside by a hostile one."""
    _complete(shop)
    with shop.owner.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))  # no triggers: the ledger is immutable
        for table, columns, longest in _OUTSIDE:
            for column in columns:
                connection.execute(
                    text(f"""
                        update {table} t
                           set {column} = left(
                               concat_ws(' ', cast(:mark as text), n, (cast(:texts as text[]))[1 + n % :many]), :most)
                          from (select ctid as place, row_number() over () as n from {table}) u
                         where t.ctid = u.place"""),
                    {"mark": MARK, "texts": list(HOSTILE), "many": len(HOSTILE), "most": longest},
                )
        connection.execute(
            text("update stockroom.users set email = :mark || '<b>' || id || '@' || email"), {"mark": MARK}
        )


def _complete(shop: Shop) -> None:
    sku = shop.sql("select sku from public.product_variants order by sku limit 1")
    variant = shop.sql("select id from public.product_variants order by sku limit 1")
    brand = shop.sql("select brand from public.products where brand is not null limit 1")
    for name in ("Wanda", "Sam", "Mia", "Ada"):
        shop.person(name)
    for scope in (Scope.EVERYTHING, Scope.BRAND):
        shop.run(sessions.start, "Mia", name="All", scope=scope, brand=brand, key=key())
    lines = note.parse(f"{sku} 2\nZZ-9 3")
    shop.run(deliveries.announce, "Mia", reference="D-1", supplier="Mill", lines=lines, original="x", key=key())
    shop.run(api_keys.make, "Ada", name="web", scopes=list(api_keys.Scope))
    shop.run(endpoints.make, "Ada", name="web", url="https://shop.example/hook", events=list(endpoints.Event))
    shop.run(saved.save, "Ada", name="Mine", page="stock", query="", is_shared=False)
    shop.run(saved.save, "Mia", name="Theirs", page="orders", query="", is_shared=True)
    shop.run(codes.attach, "Mia", variant_id=variant, code="SUP-1", kind="supplier", key=key())
    shop.run(holds.hold, items=[Wanted(variant_id=variant, quantity=1)], ttl_seconds=600, reference="cart", key=key())
