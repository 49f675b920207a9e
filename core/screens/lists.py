"""The lists of the shop as files: one declaration a list, which CSV, Parquet and the file of columns share.

The view of a list is `stockroom_api.file_` and its name, with these columns in this order. A list can be had by those
who may see it on its page. `BUYER` columns are for those who handle orders.
"""

from __future__ import annotations

from core.people.access import Permission
from core.screens.columns import ListFile
from core.screens.columns import declare as _list

_UNITS_OF_DAY = tuple(
    f"{kind}_{way}:int units" for kind in ("purchase", "sale", "restoration", "adjustment", "count")
    for way in ("in", "out")
)  # fmt: skip

_STOCK = (
    _list(
        "stock", "Stock levels",
        "sku", "barcode", "product", "brand", "size", "color", "on_hand:int units on the shelf",
        "reserved:int units held for checkouts", "available:int on hand less reserved",
        "reorder_point:int at this level the variant is low", "sold_30_days:int units sold in the last 30 days",
        "cover_days:decimal days until the available units are sold at the rate of the days in stock",
        "last_moved_at:at", "last_counted_at:at", "shelf_place", "average_cost:money of one unit, if it is known",
        order="product sku",
    ),
    _list(
        "costs", "Average costs",
        "sku", "kind a receipt, the undo of one, or a cost that was set", "source where the cost is from",
        "unit_cost:money of the receipt, or what was set", "average_cost:money from then on", "on_hand:int",
        "movement_id:int", "quantity:int moved", "performed_by", "note", "at:at", "step:int", order="sku step",
    ),
    _list(
        "variants", "Products and variants",
        "variant_id", "sku", "product_id", "product", "brand", "size", "color", "barcode",
        "product_price:money in the shop's currency", "variant_price:money if it differs from the product's",
        "unit_cost:money what one unit cost the shop", "reorder_point:int", "stripe_price_id", "is_active:yes",
        "created_at:at", "shelf_place", order="product sku",
    ),
    _list(
        "movements", "Movements",
        "movement_id:int", "occurred_at:at when it happened", "recorded_at:at when it was written", "sku", "product",
        "size", "movement_type", "reason", "quantity:int units, signed", "quantity_before:int", "quantity_after:int",
        "variant_sequence:int the number of the movement among those of its variant", "reference_type", "reference_id",
        "performed_by", "note", "reverses_id:int the movement that this one undoes",
        "reversed_by:int the movement that undoes this one", "brand",
        order="-occurred_at -movement_id",
    ),
    _list(
        "days", "Units by variant and day",
        "day:day of the shop's clock", "sku", *_UNITS_OF_DAY, "movements:int how many", "closing:int level at its end",
        order="day sku",
    ),
    _list(
        "holds", "Holds",
        "hold_id", "reference", "payment_id", "held_by", "state", "sku", "quantity:int units", "created_at:at",
        "expires_at:at", "ended_at:at", order="created_at hold_id sku",
    ),
    _list(
        "reasons", "Reasons of movements",
        "movement_type", "reason", "label", "sign:int 1 adds, -1 takes, 0 either", "note_required:yes",
        "by_hand:yes people choose it", "is_active:yes", order="movement_type reason",
    ),
)  # fmt: skip

_ORDERS = (
    _list(
        "orders", "Paid orders",
        "order_id:int", "number", "payment_id", "charge_id", "session_id", "email:buyer", "name:buyer",
        "amount:money received", "currency", "paid_at:at", "imported_at:at", "livemode:yes", "policy",
        "cart_state read, or why not", "cart_source where the cart was found",
        "difference:money received less the prices of the cart", "dispute", "lines:int", "units:int in the cart",
        "taken:int units that left the shelf", "oversold:int units that will not come from the shelf",
        "restored:int units put back", "missing:int units that wait for a person", "refunds:int",
        "refunded:money", "refunds_undecided:int", "open_cases:int", order="-paid_at -order_id",
    ),
    _list(
        "order_lines", "Lines of orders",
        "line_id:int", "order_id:int", "number", "position:int", "part_of:int the line of its bundle",
        "exchange_of:int the line whose unit came back for it",
        "code as the cart names it", "name", "sku", "size", "unit_price:money", "currency", "quantity:int units",
        "state", "cause", "taken:int", "oversold:int", "restored:int", order="order_id position",
    ),
    _list(
        "waiting", "Lines that buyers wait for",
        "line_id:int", "order_id:int", "order_name", "buyer:buyer", "email:buyer", "paid_at:at", "sku", "product",
        "size", "units:int that are missing", "available:int", "ahead:int units that earlier buyers wait for",
        "is_here:yes enough for it", "awaited_at:at the units are oversold", order="paid_at order_id line_id",
    ),
    _list(
        "line_changes", "Changes of lines by people",
        "change_id:int", "order_id:int", "number", "changed_by", "changed_at:at", "note", "before", "after",
        order="change_id",
    ),
    _list(
        "refunds", "Refunds",
        "refund_id", "order_id:int", "number", "payment_id", "kind", "amount:money", "currency", "status", "reason",
        "failure_reason", "refunded_at:at", "state whether the goods are decided", "decided_at:at", "decided_by",
        order="-refunded_at refund_id",
    ),
    _list(
        "decisions", "Decisions about refunded goods",
        "decision_id:int", "order_id:int", "number", "refund_id", "code", "disposition", "quantity:int units", "note",
        "movement_id:int", "decided_by", "decided_at:at", "stands:yes not taken back", "taken_back_by",
        "taken_back_at:at", order="decision_id",
    ),
    _list(
        "disputes", "Disputes",
        "dispute_id", "order_id:int", "number", "payment_id", "amount:money", "currency", "status", "reason",
        "disputed_at:at", "due_by:at until when an answer counts", order="-disputed_at dispute_id",
    ),
    _list(
        "cases", "Cases and failed updates",
        "alert_id:int", "kind", "severity", "state", "sentence", "order_number", "payment_id", "stripe_refund_id",
        "sku", "units:int", "money:money", "currency", "seen:int times", "attempts:int retries", "first_at:at",
        "last_at:at", "assigned_name", "snoozed_until:at", "resolved_at:at", "resolved_by", "resolution",
        order="alert_id",
    ),
    _list(
        "case_steps", "History of cases", "step_id:int", "alert_id:int", "at:at", "who", "what", "note", order="step_id"
    ),
    _list(
        "codes", "Meanings of codes",
        "meaning_id:int", "code", "kind", "means", "only_in_order", "orders:int", "added_by", "added_at:at",
        "ended_by", "ended_at:at", order="meaning_id",
    ),
    _list(
        "messages", "Stripe's messages, without their texts",
        "message_id:int", "event_id", "kind", "object_id", "payment_id", "created_at:at by Stripe", "received_at:at",
        "source", "livemode:yes", "api_version", "state", "why", "attempts:int", "finished_at:at",
        order="message_id",
    ),
)  # fmt: skip

_WAREHOUSE = (
    _list(
        "counts", "Counts",
        "count_id:int", "name", "scope", "scope_value", "is_blind:yes", "state", "started_by", "started_at:at",
        "finished_at:at", "ended_by", "ended_at:at", "undone_by", "undone_at:at", "lines:int",
        "counted_lines:int", "extra_lines:int counted though not in the scope",
        "right_lines:int without a variance, if it was applied", "expected:int units of the counted lines",
        "off:int sum of the variances without their signs", "net:int sum of the variances", "expected_money:money",
        "off_money:money", "net_money:money", order="count_id",
    ),
    _list(
        "count_lines", "Lines of counts",
        "count_id:int", "count", "sku", "product", "size", "color", "is_extra:yes counted though not in the scope",
        "expected:int level at the counted second; empty in a blind count until counting is finished",
        "counted:int units", "variance:int counted less expected", "posted:int change of the level",
        "missing:int units sold since that were not there", "unit_value:money", "valued_by cost or price",
        "counted_at:at", "counted_by", "decided_by", "approved_by who approved a variance over the limit",
        order="count_id product sku",
    ),
    _list(
        "goods_deliveries", "Deliveries of goods",
        "delivery_id:int", "reference", "supplier", "expected_on:day", "is_announced:yes", "state", "is_overdue:yes",
        "created_by", "created_at:at", "closed_by", "closed_at:at", "lines:int", "expected:int units announced",
        "scanned:int units counted and not posted yet", "received:int units posted",
        "short_lines:int fewer units than announced", "over_lines:int more units than announced",
        "unknown_lines:int without a variant, or that could not be read", order="delivery_id",
    ),
    _list(
        "goods_lines", "Lines of deliveries of goods",
        "line_id:int", "delivery_id:int", "reference", "code as the note names it", "sku", "product", "size", "color",
        "expected:int units announced", "scanned:int units counted and not posted yet", "received:int units posted",
        "unit_cost:money", "problem what could not be read", "original the text of the note",
        order="delivery_id line_id",
    ),
    _list(
        "variant_codes", "Codes of variants",
        "code_id:int", "sku", "product", "size", "color", "kind", "code", "units:int that a scan of it counts",
        "added_by", "added_at:at", order="sku code_id",
    ),
    _list(
        "variant_changes", "Changes of variants",
        "change_id:int", "at:at", "performed_by", "source", "variant_id empty if the product was changed",
        "sku as it was then", "product_id", "product", "field", "before", "after", order="change_id",
    ),
)  # fmt: skip

_PROOF = (
    _list(
        "proof_runs", "Runs of reconciliation",
        "run_id:int", "began_at:at", "ended_at:at", "performed_by", "is_full:yes", "head_hash", "checks:int",
        "failing codes of checks", "not_compared codes of checks", order="run_id",
    ),
    _list(
        "proof_results", "Results of the checks",
        "run_id:int", "code", "title", "checked:int rows", "failures:int rows", "examples", "not_compared",
        order="run_id code",
    ),
    _list(
        "proof_days", "Payment-to-shelf proof by day",
        "day:day of payment", "orders:int", "unread:int orders", "inbox:int payments that are no orders yet",
        "paid:int units, as all that follow", "sold:int", "put_back:int", "net:int", "after_refund:int", "waiting:int",
        "oversold:int", "recorded_only:int", "unexplained:int", order="day",
    ),
)  # fmt: skip

_SETTINGS = (
    _list(
        "people", "People",
        "person_id:int", "name", "email", "role", "is_active:yes", "created_at:at", "last_signed_in_at:at",
        order="person_id", permission=Permission.MANAGE_USERS,
    ),
    _list(
        "changes", "Changes of accounts and settings",
        "change_id:int", "at:at", "performed_by", "change", "subject", "before", "after",
        order="change_id", permission=Permission.MANAGE_USERS,
    ),
    _list(
        "api_keys", "API keys, without the keys",
        "key_id:int", "name", "scopes", "rate_per_minute:int", "made_by", "created_at:at", "last_used_at:at",
        "revoked_at:at", "revoked_by", order="key_id", permission=Permission.MANAGE_KEYS,
    ),
    _list(
        "destinations", "Destinations of messages",
        "name", "is_on:yes", "min_severity", "urgent_passes:yes", "digest", "daily_proof:yes", "place:int",
        "waiting:int cases", order="place name", permission=Permission.MANAGE_NOTIFICATIONS,
    ),
    _list(
        "deliveries", "Messages to people, without addresses and texts",
        "delivery_id:int", "kind", "destination", "title", "alert_id:int", "order_id:int", "state", "attempts:int",
        "created_at:at", "due_at:at", "finished_at:at", "why", order="delivery_id",
        permission=Permission.MANAGE_NOTIFICATIONS,
    ),
    _list(
        "webhook_messages", "Messages to programs, without their texts",
        "delivery_id:int", "webhook", "message_id the same at each attempt", "kind", "sku", "order_number", "state",
        "attempts:int", "status:int of the last answer", "answer", "created_at:at", "next_at:at", "finished_at:at",
        order="delivery_id", permission=Permission.MANAGE_KEYS,
    ),
    _list(
        "stripe_guard", "Record of the Stripe guard",
        "act_id:int", "act", "object_id", "found SKU, units there of those needed", "asked of Stripe", "state",
        "answer", "mode a dry run, or on", "set_by", "most_per_hour:int", "created_at:at", "answered_at:at",
        order="act_id", permission=Permission.MANAGE_STRIPE,
    ),
    _list(
        "jobs", "Jobs",
        "name", "title", "period_seconds:int", "is_daily:yes", "limit_seconds:int", "off_at:at", "off_by",
        "last_began_at:at", "last_ended_at:at", "last_outcome", "next_at:at", "overdue:yes", "failing:yes",
        order="name", permission=Permission.MANAGE_JOBS,
    ),
    _list(
        "job_runs", "Runs of the jobs",
        "run_id:int", "name", "began_at:at", "ended_at:at", "outcome", "said", "worker", "asked_by",
        order="run_id", permission=Permission.MANAGE_JOBS,
    ),
    _list(
        "backups", "Backups",
        "backup_id:int", "file", "made_at:at", "size_bytes:int", "sha256", "head_hash", "movements:int",
        "server_version", "proven_at:at when it was restored in a test", "failed_at:at", "why",
        order="backup_id", permission=Permission.MANAGE_SHOP,
    ),
)  # fmt: skip

LISTS: dict[str, ListFile] = dict((*_STOCK, *_WAREHOUSE, *_ORDERS, *_PROOF, *_SETTINGS))
"""Every list, by its name."""
