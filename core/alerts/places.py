"""Where messages about cases go: the destinations of the settings; in a sample shop without any, an outbox."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from core.alerts.notifier import OUTBOX
from core.database.engine import call
from core.foundation.model import Actor
from core.foundation.settings import Settings

SAMPLE = {"outbox": OUTBOX}
"""The only destination of a sample shop: its messages can be read in Stockroom, and nobody receives them."""


def destinations(connection: Connection, _: Actor, *, settings: Settings) -> Mapping[str, str]:
    """Return the addresses of the destinations by name."""
    if settings.destinations:
        return settings.destinations
    is_sample = call(connection, "select is_sample from stockroom_api.shop", {})[0][0]
    return SAMPLE if is_sample else {}
