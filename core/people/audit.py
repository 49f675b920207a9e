"""The record of who changed accounts and settings. Written by the SQL functions that make the changes; read here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from core.database import engine as database
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.accounts import identity

_RECENT = text(
    "select * from stockroom_api.recent_changes(:user_id, :session_id, cast(:roles as text[]), :name, :limit)"
)


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
    REASON_ADDED = "reason_added"
    REASON_RENAMED = "reason_renamed"
    REASON_RETIRED = "reason_retired"
    REASON_BROUGHT_BACK = "reason_brought_back"
    STRIPE_LINK = "stripe_link"
    CODE_MAPPED = "code_mapped"
    API_KEY_MADE = "api_key_made"
    DESTINATION_CHANGED = "destination_changed"
    API_KEY_REVOKED = "api_key_revoked"
    JOB_SWITCHED_OFF = "job_switched_off"
    JOB_SWITCHED_ON = "job_switched_on"
    JOB_HOUR = "job_hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: who made it and when, of whom or what, and the facts that differ before and after."""

    change_id: int
    at: datetime
    performed_by: str
    what: What
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


@database.one_statement
def recent_changes(connection: Connection, actor: Actor, *, limit: int = 20) -> tuple[Change, ...]:
    """Return the latest changes of accounts and settings, newest first. Raises Forbidden, SignInRequired."""
    rows = connection.execute(_RECENT, identity(actor, Permission.MANAGE_USERS) | {"limit": limit})
    return tuple(
        Change(
            change_id=row.change_id,
            at=row.at,
            performed_by=row.performed_by,
            what=What(row.change),
            subject=row.subject,
            before=row.before or {},
            after=row.after or {},
        )
        for row in rows
    )
