"""The names that old histories give their columns."""

from __future__ import annotations

from collections.abc import Mapping

from core.adoption.look import Column, Table

Mapping_ = Mapping[tuple[str, str], str]
"""(table, their column) -> our column."""

SAME_NAME = {
    "id": ("id",),
    "variant_id": ("variant_id", "product_variant_id", "sku_id"),
    "product_id": ("product_id",),
    "movement_type": (
        *("movement_type", "type", "transaction_type", "kind", "event_type", "change_type", "action", "event"),
        *("adjustment_type", "operation"),
    ),
    "quantity": (
        *("quantity", "quantity_change", "quantity_delta", "change", "delta", "qty", "stock_change", "stock_delta"),
        *("qty_change", "qty_delta", "change_quantity", "change_amount", "quantity_changed", "delta_quantity"),
        *("adjustment", "units", "amount"),
    ),
    "quantity_before": (
        *("quantity_before", "previous_quantity", "previous_stock", "stock_before", "old_quantity", "old_stock"),
        *("before_quantity", "qty_before", "balance_before", "before", "old_qty", "previous_qty"),
    ),
    "quantity_after": (
        *("quantity_after", "new_quantity", "new_stock", "stock_after", "after_quantity", "qty_after"),
        *("balance_after", "resulting_stock", "resulting_quantity", "after", "new_qty", "balance"),
    ),
    "reason": ("reason",),
    "reference_type": ("reference_type", "source_type"),
    "reference_id": ("order_number", "reference_id", "reference", "reference_number", "order_id", "source_id"),
    "performed_by": ("performed_by", "created_by", "user_id", "changed_by", "staff_id", "actor_id", "actor"),
    "note": ("note", "notes", "comment", "description", "comments", "remarks", "details"),
    "occurred_at": (
        *("occurred_at", "movement_date", "moved_at", "happened_at", "changed_at", "created_at", "timestamp"),
        *("recorded_at", "logged_at", "inserted_at", "date"),
    ),
    "created_at": ("created_at", "recorded_at", "inserted_at"),
    "status": ("status",),
}
"""Common names of the columns of a history, ours first. The old table is kept, so a wrong guess loses nothing."""


def history_columns(table: Table, mapping: Mapping_) -> dict[str, Column]:
    """Return the columns of an old history by our names, as far as it has them."""
    mapped = {ours: column for (name, column), ours in mapping.items() if name == table.name}
    found = {
        ours: next((name for name in ([mapped[ours]] if ours in mapped else names) if name in table.columns), None)
        for ours, names in SAME_NAME.items()
    }
    return {ours: table.columns[name] for ours, name in found.items() if name is not None}


def references(table: Table, mapping: Mapping_) -> list[Column]:
    """Return the columns of an old history that say what a row refers to: numbers and texts first, then uuids."""
    mapped = [column for (name, column), ours in mapping.items() if name == table.name and ours == "reference_id"]
    found = [table.columns[name] for name in mapped or SAME_NAME["reference_id"] if name in table.columns]
    return sorted(found, key=lambda column: column.type == "uuid")


def history_name(column: str, mapping: Mapping[str, str]) -> str | None:
    """Return our name of a column of an old history: the mapped one, or the one it usually stands for."""
    return mapping.get(column) or next((ours for ours, names in SAME_NAME.items() if column in names), None)
