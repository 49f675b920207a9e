"""Cases about the installation itself, opened and resolved by the process that notices."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
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


def tell_return(engine: Engine, died_at: datetime, seconds: float) -> None:
    """Open the case of a database server that died and was started again. If that fails, the log has the sentence."""
    moment = died_at.strftime("%Y-%m-%d %H:%M:%S")
    sentence = (
        f"The database server died on {moment} UTC and was started again; it was away for {seconds:.0f} seconds. "
        "Nothing that was confirmed is lost. Look for the reason in its log and in that of the machine, often too "
        "little memory."
    )
    facts = {"died_at": died_at.isoformat(timespec="seconds"), "seconds": round(seconds, 1)}
    try:
        run(engine, _open_absence, WATCH, sentence=sentence, facts=facts)
    except StockError as error:
        log.error("%s No case could be opened: %s", sentence, error.message)


def _open_absence(connection: Connection, actor: Actor, *, sentence: str, facts: Mapping[str, Any]) -> None:
    """Open one case for the start that ended an absence, however many processes report it."""
    ((cause,),) = call(connection, _CAUSE, {})
    call(connection, "select pg_advisory_xact_lock(hashtext(%(cause)s))", {"cause": cause})
    if not call(connection, "select from stockroom_api.alerts where cause = %(cause)s", {"cause": cause}):
        open_alert(
            connection, actor,
            kind=AlertKind.DATABASE_DIED, severity="warning", cause=cause, sentence=sentence, facts=facts,
        )  # fmt: skip


_CAUSE = "select 'database:died:' || extract(epoch from pg_postmaster_start_time())::text"


def resolve(connection: Connection, _: Actor, *, cause: str, resolution: str) -> None:
    """Resolve the open case of a cause, if there is one."""
    values = {"cause": cause, "resolution": resolution}
    call(connection, "select stockroom_api.resolve_system_alert(%(cause)s, %(resolution)s)", values)


def judge_codes(connection: Connection, _: Actor) -> None:
    """Open a case for each code that two variants share, and end the cases of those that are shared no more."""
    call(connection, "select stockroom_api.judge_codes()", {})
