"""Sends the mails with views: each person's once a day it is due, made with the rights that they have now.

One worker claims a mail, makes it, notes that the mail server gets it, hands it over, and notes the answer. A worker
that dies before it is handed over leaves it to the next one. If one dies while the mail server may have it, it is not
sent again by itself; its page says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine

from core.alerts import notifier
from core.alerts.notifier import Letter
from core.database.engine import call, rows_of, run
from core.foundation.errors import DeliveryFailed, Forbidden, Refused, StockError
from core.foundation.model import Actor, Role, Shop
from core.foundation.settings import Settings, load_settings
from core.foundation.text import many
from core.inbox.messages import WORKER
from core.ledger import reports
from core.people.access import Permission
from core.people.guard import ask
from core.stripe.gateway import Gateway
from core.views import flows, letters, levels, pages, sales, tables, warehouse
from core.views.schedule import MailState
from core.views.sections import Section

CLAIM_SECONDS = 120
MOST_TRIES, MOST_A_RUN, MOST_FAILURES = 10, 500, 3
KEEP_DAYS = 90
NO_ACCOUNT = "No mail account is set in the environment of Stockroom."
NOTHING_LEFT = "None of its views can be read by this person any more."
READERS: Mapping[str, Callable[..., Section]] = {
    "stock": levels.section,
    "counts": warehouse.count_section,
    "deliveries": warehouse.delivery_section,
    "movements": flows.section,
    "reports": tables.section,
    "orders": sales.order_section,
    "alerts": sales.case_section,
}
"""What reads a view, by its page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A mail that this worker makes, and the person it is for, as they are now."""

    mail_id: int
    user_id: int
    name: str
    email: str
    role: str
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was read for a mail: its sections, the number of views that could not be read, and the shop."""

    sections: tuple[Section, ...]
    left_out: int
    shop: Shop


def account(engine: Engine, settings: Settings) -> str | None:
    """Return the mail account; in a sample shop without one, the outbox, which sends nothing; else None."""
    if settings.mail_url:
        return settings.mail_url
    return notifier.OUTBOX if run(engine, reports.shop, WORKER).is_sample else None


def deliver(engine: Engine, _: Gateway | None, say: Any, stopping: threading.Event) -> bool:
    """Send the mails that are due. Without a mail account none becomes due."""
    settings = load_settings()
    url = account(engine, settings)
    if url is None:
        return False
    run(engine, _plan, WORKER)
    states: list[MailState] = []
    for _n in range(MOST_A_RUN):
        if stopping.is_set() or states.count(MailState.WAITING) >= MOST_FAILURES:
            break
        claimed = run(engine, _claim, WORKER, asked=None)
        if claimed is None:
            break
        states.append(_send(engine, claimed, url, settings.public_url))
    if sent := states.count(MailState.SENT):
        say(f"Mailed the views of {many(sent, 'person') if sent == 1 else f'{sent:,} people'}.")
    if failed := states.count(MailState.WAITING) + states.count(MailState.FAILED):
        say(f"{many(failed, 'mail')} could not be delivered yet.")
    return False


def send_now(engine: Engine, actor: Actor, *, key: str) -> MailState | None:
    """Send this person their mail now and return what became of it, None if `key` was asked before.

    Raises InvalidInput, Unavailable, Forbidden, SignInRequired.
    """
    settings = load_settings()
    url = account(engine, settings)
    mail_id = run(engine, _ask, actor, key=key)
    claimed = None if mail_id is None else run(engine, _claim, WORKER, asked=mail_id)
    if claimed is None:
        return None
    if url is None:
        run(engine, _put_off, WORKER, mail_id=claimed.mail_id, problem=DeliveryFailed(NO_ACCOUNT, permanent=True))
        return MailState.FAILED
    return _send(engine, claimed, url, settings.public_url)


def _send(engine: Engine, claimed: Claimed, url: str, public_url: str | None) -> MailState:
    """Make a mail and hand it to the mail server; nothing is locked meanwhile."""
    try:
        made = run(engine, read, WORKER, claimed=claimed)
        if not made.sections:
            run(engine, _finish, WORKER, mail_id=claimed.mail_id, why=NOTHING_LEFT)
            return MailState.SKIPPED
        letter = letters.letter(
            made.sections, mail_id=f"{claimed.stamp}-{claimed.mail_id}", shop=made.shop, left_out=made.left_out,
            public_url=public_url,
        )  # fmt: skip
        if not run(engine, _hand, WORKER, claimed=claimed, letter=letter):
            return MailState.SKIPPED
        notifier.send_letter(url, letter, recipient=claimed.email)
    except DeliveryFailed as problem:
        return run(engine, _put_off, WORKER, mail_id=claimed.mail_id, problem=problem)
    except StockError as problem:
        return run(engine, _put_off, WORKER, mail_id=claimed.mail_id, problem=DeliveryFailed(problem.message))
    run(engine, _finish, WORKER, mail_id=claimed.mail_id)
    return MailState.SENT


def read(connection: Connection, actor: Actor, *, claimed: Claimed) -> Made:
    """Return the views of a person's mail, read in one transaction as that person, without those they may not see."""
    person = Actor(name=claimed.name, role=Role(claimed.role), email=claimed.email)
    rows = call(connection, "select * from stockroom_api.views_to_mail(%(id)s)", {"id": claimed.user_id})
    found, lost = [], 0
    for view_id, title, page, query in rows:
        reader = READERS.get(page)
        if reader is None:
            continue
        values = pages.parameters(query)
        mine = {"user_id": claimed.user_id} if page == "alerts" else {}
        try:
            with connection.begin_nested():
                part = partial(reader, connection, person, title=title, values=values, **mine)
                found.append(part(path=pages.path(page, query, view_id)))
        except (Forbidden, Refused):
            lost += 1
    shop = reports.shop(connection, person)
    return Made(sections=tuple(found), left_out=lost, shop=shop)


# ---------------------------------------------------------------- statements


def _plan(connection: Connection, _: Actor) -> None:
    call(connection, "select stockroom_api.plan_view_mails()", {})
    if call(connection, "select stockroom_api.is_time('forget_view_mails', interval '1 day')", {})[0][0]:
        call(connection, "select stockroom_api.forget_view_mails(%(days)s)", {"days": KEEP_DAYS})


def _claim(connection: Connection, _: Actor, *, asked: int | None) -> Claimed | None:
    statement = "select * from stockroom_api.claim_view_mail(%(seconds)s, %(asked)s)"
    rows = rows_of(Claimed, call(connection, statement, {"seconds": CLAIM_SECONDS, "asked": asked}))
    return rows[0] if rows else None


def _ask(connection: Connection, actor: Actor, *, key: str) -> int | None:
    found = ask(connection, actor, Permission.SAVE_VIEW, "ask_view_mail", key=key[:100])[0][0]
    return None if found is None else int(found)


def _hand(connection: Connection, _: Actor, *, claimed: Claimed, letter: Letter) -> bool:
    values = {
        "id": claimed.mail_id, "role": claimed.role, "recipient": claimed.email, "title": letter.title,
        "body": letter.text, "pictures": len(letter.pictures),
    }  # fmt: skip
    statement = """select stockroom_api.hand_view_mail(%(id)s, %(role)s, %(recipient)s, %(title)s, %(body)s,
                                                       %(pictures)s)"""
    return bool(call(connection, statement, values)[0][0])


def _finish(connection: Connection, _: Actor, *, mail_id: int, why: str | None = None) -> None:
    call(connection, "select stockroom_api.finish_view_mail(%(id)s, %(why)s)", {"id": mail_id, "why": why})


def _put_off(connection: Connection, _: Actor, *, mail_id: int, problem: DeliveryFailed) -> MailState:
    values = {"id": mail_id, "why": problem.message, "most": MOST_TRIES, "lasting": problem.permanent}
    rows = call(connection, "select stockroom_api.put_off_view_mail(%(id)s, %(why)s, %(most)s, %(lasting)s)", values)
    return MailState(rows[0][0]) if rows and rows[0][0] else MailState.FAILED
