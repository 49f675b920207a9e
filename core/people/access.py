"""Which role may do what. Every operation checks this list in its transaction; pages use it only to hide buttons."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """Something a role allows."""

    VIEW = "view"
    RECEIVE = "receive"
    ADJUST = "adjust"
    SET_LEVEL = "set_level"
    UNDO = "undo"
    ATTACH_CODE = "attach_code"
    IMPORT_CATALOG = "import_catalog"
    EDIT_VARIANT = "edit_variant"
    EDIT_SHELF = "edit_shelf"
    SET_COST = "set_cost"
    IMPORT_HISTORY = "import_history"
    MANAGE_USERS = "manage_users"
    MANAGE_SHOP = "manage_shop"
    IMPORT_ORDERS = "import_orders"
    RETRY_ORDER = "retry_order"
    FORCE_ORDER = "force_order"
    MAP_CODE = "map_code"
    SET_LINES = "set_lines"
    HANDLE_ALERT = "handle_alert"
    RESOLVE_ALERT = "resolve_alert"
    DECIDE_REFUND = "decide_refund"
    TAKE_BACK_OWN = "take_back_own"
    TAKE_BACK_ANY = "take_back_any"
    MANAGE_STRIPE = "manage_stripe"
    MANAGE_KEYS = "manage_keys"
    MANAGE_NOTIFICATIONS = "manage_notifications"
    MANAGE_JOBS = "manage_jobs"
    PROVE = "prove"
    SEE_HEALTH = "see_health"
    EXPORT_BUYERS = "export_buyers"
    EXPORT_ALL = "export_all"
    COUNT = "count"
    APPROVE_COUNT = "approve_count"
    SET_ORDER_TERMS = "set_order_terms"
    SEE_MONEY = "see_money"
    SAVE_VIEW = "save_view"
    WITHDRAW_VIEW = "withdraw_view"


_EVERYBODY = ("warehouse", "support", "manager", "admin")
_STOCK_HANDS = ("warehouse", "manager", "admin")
_CASE_HANDS = ("support", "manager", "admin")
_MANAGERS = ("manager", "admin")
_ADMINS = ("admin",)

ROLES: dict[Permission, tuple[str, ...]] = {
    Permission.VIEW: _EVERYBODY,
    Permission.RECEIVE: _STOCK_HANDS,
    Permission.ADJUST: _STOCK_HANDS,
    Permission.SET_LEVEL: _STOCK_HANDS,
    Permission.UNDO: _STOCK_HANDS,
    Permission.ATTACH_CODE: _STOCK_HANDS,
    Permission.IMPORT_CATALOG: _MANAGERS,
    Permission.EDIT_VARIANT: _MANAGERS,
    Permission.EDIT_SHELF: _STOCK_HANDS,
    Permission.SET_COST: _MANAGERS,
    Permission.IMPORT_HISTORY: _ADMINS,
    Permission.MANAGE_USERS: _ADMINS,
    Permission.MANAGE_SHOP: _ADMINS,
    Permission.IMPORT_ORDERS: _MANAGERS,
    Permission.RETRY_ORDER: _EVERYBODY,
    Permission.FORCE_ORDER: _MANAGERS,
    Permission.MAP_CODE: _CASE_HANDS,
    Permission.SET_LINES: _CASE_HANDS,
    Permission.HANDLE_ALERT: _EVERYBODY,
    Permission.RESOLVE_ALERT: _CASE_HANDS,
    Permission.DECIDE_REFUND: _CASE_HANDS,
    Permission.TAKE_BACK_OWN: _CASE_HANDS,
    Permission.TAKE_BACK_ANY: _MANAGERS,
    Permission.MANAGE_STRIPE: _ADMINS,
    Permission.MANAGE_KEYS: _ADMINS,
    Permission.MANAGE_NOTIFICATIONS: _ADMINS,
    Permission.MANAGE_JOBS: _ADMINS,
    Permission.PROVE: _MANAGERS,
    Permission.SEE_HEALTH: _ADMINS,
    Permission.EXPORT_BUYERS: _CASE_HANDS,
    Permission.EXPORT_ALL: _MANAGERS,
    Permission.COUNT: _STOCK_HANDS,
    Permission.APPROVE_COUNT: _MANAGERS,
    Permission.SET_ORDER_TERMS: _MANAGERS,
    Permission.SEE_MONEY: _MANAGERS,
    Permission.SAVE_VIEW: _EVERYBODY,
    Permission.WITHDRAW_VIEW: _MANAGERS,
}


def roles_for(permission: Permission) -> list[str]:
    """Return the roles that hold `permission`, as the SQL guard expects them."""
    return list(ROLES[permission])


def may(role: str, permission: Permission) -> bool:
    """Return whether `role` holds `permission`: for showing or hiding, never for deciding."""
    return role in ROLES[permission]
