"""Browsers in which a person has signed in before. Their wrong passwords are counted apart from those of strangers.

The rules are in core/sql/10_people/2_browsers.sql.
"""

from __future__ import annotations

from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import call
from core.people import passwords

DAYS_KNOWN = 180
"""How long a browser stays known after its last sign-in."""


@database.one_statement
def know(connection: Connection, *, session: str, shown: str | None) -> str:
    """Return the token of a new session's browser from now on: `shown` if that is known, else a new one."""
    new = passwords.new_token()
    values = {"session": passwords.token_hash(session), "shown": hash_of(shown), "new": passwords.token_hash(new)}
    is_known = call(connection, _KNOW, values)[0][0]
    return shown if is_known and shown else new


def hash_of(token: str | None) -> bytes | None:
    """Return what the database stores of a token, or None if `token` cannot be one."""
    return passwords.token_hash(token) if token and passwords.is_token(token) else None


def printable(user_agent: str | None) -> str | None:
    """Return the beginning of what a browser says of itself, without characters that cannot be shown."""
    return "".join(c for c in user_agent[:300] if c.isprintable()) if user_agent else None


_KNOW = "select stockroom_api.know_browser(%(session)s, %(shown)s, %(new)s)"
