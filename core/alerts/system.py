"""Cases about the installation itself, opened and resolved by the process that notices."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine

from core.database.engine import call, run
from core.foundation.errors import StockError
from core.foundation.model import Actor
from core.foundation.sales import AlertKind

log = logging.getLogger("stockroom")
WATCH = Actor(name="Database watch")


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


def tell_return(engine: Engine, seconds: float) -> None:
    """Open the case of a database server that died and was started again. If that fails, the log has the sentence."""
    sentence = (
        f"The database server died and was started again; it was away for {seconds:.0f} seconds. Nothing that was "
        "confirmed is lost. Look for the reason in its log and in that of the machine, often too little memory."
    )
    facts = {"seconds": round(seconds, 1)}
    try:
        run(
            engine, open_alert, WATCH,
            kind=AlertKind.DATABASE_DIED, severity="warning", cause="database:died", sentence=sentence, facts=facts,
        )  # fmt: skip
    except StockError as error:
        log.error("%s No case could be opened: %s", sentence, error.message)


def resolve(connection: Connection, _: Actor, *, cause: str, resolution: str) -> None:
    """Resolve the open case of a cause, if there is one."""
    values = {"cause": cause, "resolution": resolution}
    call(connection, "select stockroom_api.resolve_system_alert(%(cause)s, %(resolution)s)", values)


def judge_codes(connection: Connection, _: Actor) -> None:
    """Open a case for each code that two variants share, and end the cases of those that are shared no more."""
    call(connection, "select stockroom_api.judge_codes()", {})
