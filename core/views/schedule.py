"""When a person's mail comes, with which views, and what was sent. Rules: core/sql/79_mine/2_mails.sql."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import array, call, rows_of
from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission
from core.people.guard import ASKER, ask, asker

USUAL_TIME = time(7)
MOST_VIEWS = 8
SHOWN = 10


class Rhythm(StrEnum):
    """How often the mail comes: on Monday, or every day."""

    WEEKLY = "weekly"
    DAILY = "daily"


class MailState(StrEnum):
    """What became of a mail. Skipped: there was nothing to send, or nobody to send it to."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A person's choice. `at` is in the shop's time zone; `next_at`: when the next mail is due."""

    rhythm: Rhythm
    at: time
    is_on: bool
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to this person. Its title, recipient and body are known once it was made."""

    mail_id: int
    is_asked: bool
    title: str | None
    recipient: str | None
    body: str | None
    pictures: int
    state: MailState
    attempts: int
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None
    why: str | None


@database.one_statement
def subscription(connection: Connection, actor: Actor) -> Subscription | None:
    """Return this person's mail as they chose it, or None. Raises Forbidden, SignInRequired."""
    rows = rows_of(Subscription, ask(connection, actor, Permission.VIEW, "view_subscription"), rhythm=Rhythm)
    return rows[0] if rows else None


def subscribe(
    connection: Connection, actor: Actor, *, rhythm: Rhythm, at: time = USUAL_TIME, view_ids: Sequence[int]
) -> None:  # fmt: skip
    """Choose when the mail comes and with which views. Raises InvalidInput, Forbidden, SignInRequired."""
    chosen = tuple(dict.fromkeys(view_ids))
    if not chosen:
        raise invalid("mail", "has no views: choose at least one")
    if len(chosen) > MOST_VIEWS:
        raise invalid("mail", f"has at most {MOST_VIEWS} views")
    if rhythm not in tuple(Rhythm):
        raise invalid("rhythm", "must be weekly or daily")
    values = {"rhythm": str(rhythm), "at": at.replace(tzinfo=None, second=0, microsecond=0), "views": array(chosen)}
    statement = f"select stockroom_api.subscribe_views({ASKER}, %(rhythm)s, %(at)s, cast(%(views)s as bigint[]))"
    call(connection, statement, asker(actor, Permission.SAVE_VIEW) | values)


@database.one_statement
def unsubscribe(connection: Connection, actor: Actor) -> None:
    """Stop the mails of this person. Raises Forbidden, SignInRequired."""
    ask(connection, actor, Permission.VIEW, "unsubscribe_views")


@database.one_statement
def mails(connection: Connection, actor: Actor) -> tuple[Mail, ...]:
    """Return the latest mails to this person, newest first. Raises Forbidden, SignInRequired."""
    return rows_of(Mail, ask(connection, actor, Permission.VIEW, "own_view_mails", count=SHOWN), state=MailState)
