"""Cases about the installation itself, opened and resolved by the process that notices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from core.database.engine import call
from core.foundation.model import Actor
from core.foundation.sales import AlertKind


def open_alert(
    connection: Connection,
    _: Actor,
    *,
    kind: AlertKind,
    severity: str,
    cause: str,
    sentence: str,
    facts: Mapping[str, Any],
) -> None:
    """Open a case, or count one more occurrence of the open case of its cause. Raises InvalidInput for other kinds."""
    values = {
        "kind": kind,
        "severity": severity,
        "cause": cause,
        "sentence": sentence,
        "facts": json.dumps(dict(facts)),
    }
    statement = """select stockroom_api.open_system_alert(%(kind)s, %(severity)s, %(cause)s, %(sentence)s,
                                                          %(facts)s::jsonb)"""
    call(connection, statement, values)


def resolve(connection: Connection, _: Actor, *, cause: str, resolution: str) -> None:
    """Resolve the open case of a cause, if there is one."""
    values = {"cause": cause, "resolution": resolution}
    call(connection, "select stockroom_api.resolve_system_alert(%(cause)s, %(resolution)s)", values)


def judge_codes(connection: Connection, _: Actor) -> None:
    """Open a case for each code that two variants share, and end the cases of those that are shared no more."""
    call(connection, "select stockroom_api.judge_codes()", {})
