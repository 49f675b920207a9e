"""The addresses of every page, of its main states, and of one of everything that it can open."""

from __future__ import annotations

from tests.support.builders import Shop

SECTIONS = (
    "People", "Shop", "Reasons", "Recent changes", "Stripe", "Codes", "API keys", "Webhooks", "Notifications", "Jobs",
    "Health", "Backups",
)  # fmt: skip
PAGES = (
    "overview", "stock", "counts", "deliveries", "catalog", "reconciliation", "start", "settings", "movements",
    "orders", "alerts", "reports", "runbook", "scan", "you/views", "you/account", "you/search",
)  # fmt: skip
REPORTS = ("to-order", "money", "instant")
NOWHERE = "zq@qz https://evil.example <b>*x*</b> :smile:"
"""A search that finds nothing, so that the page repeats it."""

Address = tuple[str, dict[str, str]]


def addresses(shop: Shop) -> list[Address]:
    """Return each as the page with its parameters."""

    def of(sql: str) -> list[str]:
        return [str(row[0]) for row in shop.rows(sql)]

    opened = {
        ("stock", "sku"): of(
            "select sku from public.product_variants where stock_quantity > 0 order by id not in "
            "(select variant_id from stockroom.variant_codes), id not in (select variant_id from stockroom.order_terms "
            "where variant_id is not null), sku limit 2"
        ),
        ("orders", "order"): of("select distinct on (cart_state, policy, dispute) id from stockroom.orders"),
        ("alerts", "alert"): of("select distinct on (kind) id from stockroom.alerts"),
        ("counts", "count"): of("select id from stockroom.counts"),
        ("deliveries", "delivery"): of("select id from stockroom.goods_deliveries"),
        ("movements", "movement"): of(
            "select distinct on (movement_type, reference_type) movement_id from stockroom_api.movements"
        ),
        ("reconciliation", "run"): of("select max(id) from stockroom.proof_runs"),
        ("settings", "set_section"): list(SECTIONS),
        ("reports", "report"): list(REPORTS),
        ("stock", "stk_view"): ["Sizes"],
        ("orders", "ord_view"): ["Refunds to decide", "Waiting for goods"],
        ("reconciliation", "rec_view"): ["Runs", "Payment to shelf"],
        ("counts", "cnt_section"): ["What to count next", "Accuracy"],
        ("stock", "new"): ["1"],
        ("counts", "new"): ["1"],
        ("deliveries", "new"): ["1"],
        ("catalog", "imp_section"): ["Orders"],
        ("you/search", "q"): ["zq@qz", NOWHERE],
        ("stock", "stk_q"): [NOWHERE],
        ("orders", "ord_q"): [NOWHERE],
        ("alerts", "alr_q"): [NOWHERE],
        ("deliveries", "del_q"): [NOWHERE],
        ("movements", "mov_sku"): [NOWHERE],
        ("movements", "mov_by"): [NOWHERE],
    }
    return [(page, {}) for page in PAGES] + [
        (page, {name: value}) for (page, name), values in opened.items() for value in values
    ]
