"""The log: one line for each operation, and nothing in it that is a secret or tells who bought.

Everything that is logged in this process passes here, also what libraries say: a record is cleaned when it is made, so
it does not matter who writes it where. Of what an operation was given, its key and its reference alone are written, and
these only where they have the shape of an id; else a fingerprint, by which whoever has the text can find the line.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import UUID

from core.foundation.model import Actor

log = logging.getLogger("stockroom")
_operations = logging.getLogger("stockroom.operation")

QUIET, PLAIN, JSON = "quiet", "plain", "json"
MODES = (QUIET, PLAIN, JSON)
"""What is written: trouble alone; each operation for a person to read; each operation as a line of JSON."""

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the HTTP request that is answered here."""

_REFERENCES = (
    "payment_id", "order_id", "refund_id", "alert_id", "reservation_id", "import_id", "variant_id", "product_id",
    "user_id", "key_id", "reference", "id",
)  # fmt: skip
_AN_ID = re.compile(
    r"\d{1,19}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(pi|ch|re|cs|du|dp|evt|py)_[A-Za-z0-9_]{1,80}",
    re.ASCII,
)
_A_KEY = re.compile(rf"((stripe|catalogue|form|(api|pay):\d+):)?({_AN_ID.pattern})", re.ASCII)
# What may never be written, wherever it stands in a text.
_NEVER = (
    (re.compile(r"[^\s\"'<>(),;:=/?&]+(@|%40)[^\s\"'<>(),;:=/?&]+\.[\w-]+"), "[mail]"),
    (re.compile(r"://[^\s/@]+@"), "://[account]@"),
    (re.compile(r"(pi_\w+|cs_\w+)_secret_\w+"), r"\1_secret_[hidden]"),
    (re.compile(r"\b(stk|sk|rk|pk|whsec)_[A-Za-z0-9+/=_-]{5,}"), r"\1_[hidden]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 [hidden]"),
    (re.compile(r"(?i)\b(password|passwd|token|secret|api_?key|authorization|cookie)(\s*[=:]\s*)[^\s,;&]+"),
     r"\1\2[hidden]"),
    (re.compile(r"(/[^\s\"'?]*)\?[^\s\"']+"), r"\1?[hidden]"),
    (re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])"), "[hidden]"),
)  # fmt: skip
_LONGEST = 4_000


# ---------------------------------------------------------------- one line for each operation


def operation(name: str, actor: Actor, given: Mapping[str, Any], outcome: str, seconds: float, why: str = "") -> None:
    """Write the line of an operation that has ended; `why` is the kind of error, never its text."""
    if not _operations.isEnabledFor(logging.INFO):
        return
    facts: dict[str, Any] = {
        "operation": name,
        "actor": clean(actor.name),
        "actor_id": actor.user_id,
        "key": key_of(given.get("key")),
        "reference": reference_of(given),
        "outcome": outcome,
        "why": why or None,
        "ms": round(seconds * 1000, 2),
        "request_id": request_id.get(),
    }
    said = {what: value for what, value in facts.items() if value is not None}
    _operations.info("%s %s", name, outcome, extra={"facts": said})


def key_of(key: object) -> str | None:
    """Return an idempotency key as it may be written; a storefront's own may be anything, so by its fingerprint."""
    if not isinstance(key, str) or key.startswith("stk_"):  # a key of the API is a secret, not an operation's
        return None
    return key if _A_KEY.fullmatch(key) else fingerprint(key)


def reference_of(given: Mapping[str, Any]) -> str | None:
    """Return what an operation was about: the name of the first reference it was given, and its id."""
    for name in _REFERENCES:
        value = given.get(name)
        if isinstance(value, (int, UUID)) and not isinstance(value, bool):
            return f"{name}:{value}"
        if isinstance(value, str) and value:
            return f"{name}:{value if _AN_ID.fullmatch(value) else fingerprint(value)}"
    return None


def fingerprint(text: str) -> str:
    """Return what stands for a text that may not be written."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


# ---------------------------------------------------------------- what every record goes through


def clean(text: str) -> str:
    """Return a text without what may never be written, in one line."""
    for pattern, instead in _NEVER:
        text = pattern.sub(instead, text)
    return " ".join(text.split())[:_LONGEST]


def trace(error: BaseException | None) -> str:
    """Return where an error came from: its kinds and places, without what it says, which may be a buyer's name."""
    parts: list[str] = []
    while error is not None and len(parts) < 5:
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        places = " > ".join(f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in frames)
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        parts.append(f"{type(error).__name__}{f' {state}' if isinstance(state, str) else ''} at {places}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " because of ".join(parts)


def _made(*args: Any, **values: Any) -> logging.LogRecord:
    """Make a record that can be written anywhere: cleaned, without arguments, its trace without words."""
    record = logging.LogRecord(*args, **values)
    record.msg, record.args = clean(_said(record)), ()
    if isinstance(record.exc_info, tuple):
        record.msg = f"{record.msg} ({trace(record.exc_info[1])})"
    record.exc_info = record.stack_info = None
    return record


def _said(record: logging.LogRecord) -> str:
    """What the record says. A library fills its sentences with anything; of that only numbers are believed."""
    ours = record.name.partition(".")[0] == "stockroom"
    try:
        if not ours and isinstance(record.args, tuple):
            given = tuple(value if isinstance(value, (int, float)) else _Hidden() for value in record.args)
            return str(record.msg) % given if given else str(record.msg)
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return str(record.msg)


class _Hidden:
    def __str__(self) -> str:
        return "[...]"

    __repr__ = __str__


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        facts: dict[str, Any] | None = getattr(record, "facts", None)
        return json.dumps(line | (facts or {"message": record.getMessage()}), default=str)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line for a person."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        facts: dict[str, Any] = getattr(record, "facts", None) or {}
        if not facts:
            return f"{at} {record.levelname.lower()}: {record.getMessage()}"
        rest = " ".join(
            f"{what}={value}" for what, value in facts.items() if what not in ("operation", "outcome", "ms", "actor")
        )
        return f"{at} {facts['operation']} {facts['outcome']} in {facts['ms']} ms by {facts['actor']} {rest}".rstrip()


def begin(mode: str, stream: TextIO | None = None) -> None:
    """Write the log to standard error, as `mode` says, and let nothing past: libraries lose their own ways out."""
    logging.setLogRecordFactory(_made)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if mode == JSON else _Plain())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        # What says addresses aloud is heard by its own door alone (core/alerts/notifier.py).
        if isinstance(logger, logging.Logger) and name.partition(".")[0] != "apprise":
            logger.handlers.clear()
            logger.propagate = True
            if not name.startswith("stockroom"):
                logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").disabled = True  # a line for each request, with whatever its address holds
    log.setLevel(logging.WARNING if mode == QUIET else logging.INFO)
