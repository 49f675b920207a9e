"""Saved views and start pages. A view belongs to one person; shared, everybody opens it with their own rights.

Everybody may save and share views. Only the owner changes or deletes one. A manager may make a shared one private.
Rules and locks: core/sql/79_mine/1_saved.sql.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import rows_of
from core.database.reading import read_only
from core.foundation.model import Actor
from core.foundation.text import clean_line
from core.people.access import Permission
from core.people.guard import ask
from core.views import pages

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view as a person sees it. `version` grows with every change; a change names the version that it saw.

    `is_start`: this person begins on it. `is_mailed`: it is in their mail.
    """

    view_id: int
    name: str
    page: str
    query: str
    is_shared: bool
    version: int
    owner: str
    is_own: bool
    is_start: bool
    is_mailed: bool
    updated_at: datetime

    @property
    def path(self) -> str:
        """The path under which it opens."""
        return pages.path(self.page, self.query, self.view_id)

    @property
    def can_be_mailed(self) -> bool:
        """Whether its page has numbers for a mail."""
        return self.page in pages.MAILED


@read_only
@database.one_statement
def views(connection: Connection, actor: Actor) -> tuple[View, ...]:
    """Return the views that this person sees, their own first. Raises Forbidden, SignInRequired."""
    return rows_of(View, ask(connection, actor, Permission.VIEW, "list_saved_views"))


@database.one_statement
def save(
    connection: Connection, actor: Actor, *, name: str, page: str, query: str, is_shared: bool = False
) -> int:  # fmt: skip
    """Save a page with its query string under a name and return the view's id.

    The same view under the same name again is the first one. Raises InvalidInput, Forbidden, SignInRequired.
    """
    values = {"page": pages.page_named(page), "query": pages.checked(query), "is_shared": bool(is_shared)}
    rows = ask(connection, actor, Permission.SAVE_VIEW, "save_view", title=_name(name), **values)
    return int(rows[0][0])


@database.one_statement
def rename(connection: Connection, actor: Actor, *, view_id: int, version: int, name: str) -> None:
    """Rename a view of one's own. Raises InvalidInput, EditedMeanwhile, Forbidden, SignInRequired."""
    values = {"view": view_id, "version": version, "title": _name(name)}
    ask(connection, actor, Permission.SAVE_VIEW, "rename_view", **values)


@database.one_statement
def replace(connection: Connection, actor: Actor, *, view_id: int, version: int, page: str, query: str) -> None:
    """Put another page and query string under the name. Raises as `rename`."""
    values = {"view": view_id, "version": version, "page": pages.page_named(page), "query": pages.checked(query)}
    ask(connection, actor, Permission.SAVE_VIEW, "replace_view", **values)


@database.one_statement
def share(connection: Connection, actor: Actor, *, view_id: int, version: int, is_shared: bool) -> None:
    """List a view of one's own for everybody, or for oneself alone. Raises as `rename`."""
    values = {"view": view_id, "version": version, "is_shared": bool(is_shared)}
    ask(connection, actor, Permission.SAVE_VIEW, "share_view", **values)


@database.one_statement
def withdraw(connection: Connection, actor: Actor, *, view_id: int) -> None:
    """Make the shared view of another person private; recorded in the audit. Raises Forbidden, SignInRequired."""
    ask(connection, actor, Permission.WITHDRAW_VIEW, "withdraw_view", view=view_id)


@database.one_statement
def delete(connection: Connection, actor: Actor, *, view_id: int) -> None:
    """Delete a view of one's own; one that is deleted already is no error. Raises Forbidden, SignInRequired."""
    ask(connection, actor, Permission.SAVE_VIEW, "delete_view", view=view_id)


@database.one_statement
def begin_on(connection: Connection, actor: Actor, *, page: str | None = None, view_id: int | None = None) -> None:
    """Choose where this person begins: a page, a view, or neither for Overview.

    Raises InvalidInput, Forbidden, SignInRequired.
    """
    page = None if page in (None, "overview") else pages.page_named(str(page))
    ask(connection, actor, Permission.SAVE_VIEW, "choose_start", page=page, view=view_id)


def _name(name: str) -> str:
    return clean_line(name, "name", LONGEST_NAME)
