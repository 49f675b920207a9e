"""Reads the record of who changed accounts and settings. The SQL functions that make the changes write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import rows_of
from core.database.reading import read_only
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ask


class What(StrEnum):
    """What was changed, as the SQL functions name it."""

    PERSON_ADDED = "person_added"
    PERSON_NAMED = "person_named"
    PERSON_DEACTIVATED = "person_deactivated"
    PERSON_ACTIVATED = "person_activated"
    ROLE_CHANGED = "role_changed"
    LINK_MADE = "link_made"
    PASSWORD_SET = "password_set"  # noqa: S105 - a word, not a password
    SIGNED_OUT = "signed_out"
    SHOP_CHANGED = "shop_changed"
    SAMPLE_REMOVED = "sample_removed"
    REASON_ADDED = "reason_added"
    REASON_RENAMED = "reason_renamed"
    REASON_RETIRED = "reason_retired"
    REASON_BROUGHT_BACK = "reason_brought_back"
    STRIPE_LINK = "stripe_link"
    CODE_MAPPED = "code_mapped"
    CODE_ATTACHED = "code_attached"
    CODE_DETACHED = "code_detached"
    VARIANT_CHOSEN = "variant_chosen"
    READING_CHOSEN = "reading_chosen"
    LINES_SET = "lines_set"
    LINES_UNDONE = "lines_undone"
    UNITS_AWAITED = "units_awaited"
    CODE_ENDED = "code_ended"
    ORDER_REOPENED = "order_reopened"
    API_KEY_MADE = "api_key_made"
    DESTINATION_CHANGED = "destination_changed"
    WAITING_CHANGED = "waiting_changed"
    API_KEY_REVOKED = "api_key_revoked"
    JOB_SWITCHED_OFF = "job_switched_off"
    JOB_SWITCHED_ON = "job_switched_on"
    JOB_HOUR = "job_hour"
    CATALOGUE_ADDED = "catalogue_added"
    CATALOGUE_CHANGED = "catalogue_changed"
    COUNT_RULES = "count_rules"
    ORDER_TERMS = "order_terms"
    VIEW_WITHDRAWN = "view_withdrawn"
    READING_SET = "reading_set"
    HOOK_MADE = "hook_made"
    HOOK_CHANGED = "hook_changed"
    GUARD_SET = "guard_set"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_RULE = "factor_rule"
    CODES_RENEWED = "codes_renewed"
    RECOVERY_USED = "recovery_used"
    IDENTITY_LINKED = "identity_linked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: when, by whom, to whom or what, and the values that differ before and after."""

    change_id: int
    at: datetime
    performed_by: str
    what: What
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


@read_only
@database.one_statement
def recent_changes(connection: Connection, actor: Actor, *, limit: int = 20) -> tuple[Change, ...]:
    """Return the latest changes of accounts and settings, newest first. Raises Forbidden, SignInRequired."""
    rows = ask(connection, actor, Permission.MANAGE_USERS, "recent_changes", limit=limit)
    return rows_of(Change, rows, what=What, before=lambda facts: facts or {}, after=lambda facts: facts or {})
