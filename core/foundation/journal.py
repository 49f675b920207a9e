"""The log: one line an operation, without secrets and without personal data of buyers.

Every log record of this process is cleaned when it is created, those of libraries too, so it does not matter which
handler writes it. Of an operation's arguments only its key and its reference are written, and only if they look like an
id. Otherwise a fingerprint is written, with which anyone who has the text can find the line.
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
"""What is logged: problems only; also each operation, for people to read; also each operation, as JSON."""

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the HTTP request that is being answered."""

_REFERENCES = (
    "payment_id", "order_id", "refund_id", "alert_id", "reservation_id", "import_id", "variant_id", "product_id",
    "user_id", "key_id", "reference", "id",
)  # fmt: skip
_AN_ID = re.compile(
    r"\d{1,19}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(pi|ch|re|cs|du|dp|evt|py)_[A-Za-z0-9_]{1,80}",
    re.ASCII,
)
_A_KEY = re.compile(rf"((stripe|catalogue|form|(api|pay):\d+):)?({_AN_ID.pattern})", re.ASCII)
# What must never be written, wherever it is in a text.
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
_left: set[str] = set()


# ---------------------------------------------------------------- one line for each operation


def operation(name: str, actor: Actor, given: Mapping[str, Any], outcome: str, seconds: float, why: str = "") -> None:
    """Write the line of an operation that has ended. `why` is the class of the error, never its text."""
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
    known = {what: value for what, value in facts.items() if value is not None}
    _operations.info("%s %s", name, outcome, extra={"facts": known})


def key_of(key: object) -> str | None:
    """Return an idempotency key for the log. A storefront's own key can be any text, so it becomes a fingerprint."""
    if not isinstance(key, str) or key.startswith("stk_"):  # a key of the API is a secret, not an operation's
        return None
    return key if _A_KEY.fullmatch(key) else fingerprint(key)


def reference_of(given: Mapping[str, Any]) -> str | None:
    """Return what an operation was about: the name of its first reference argument, and the id."""
    for name in _REFERENCES:
        value = given.get(name)
        if isinstance(value, (int, UUID)) and not isinstance(value, bool):
            return f"{name}:{value}"
        if isinstance(value, str) and value:
            return f"{name}:{value if _AN_ID.fullmatch(value) else fingerprint(value)}"
    return None


def fingerprint(text: str) -> str:
    """Return a short hash that replaces a text that must not be written."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


# ---------------------------------------------------------------- cleaning of every record


def clean(text: str) -> str:
    """Return a text on one line, without what must never be written."""
    for pattern, instead in _NEVER:
        text = pattern.sub(instead, text)
    return " ".join(text.split())[:_LONGEST]


def trace(error: BaseException | None) -> str:
    """Return the classes and places of an error and its causes, without messages: one may hold a buyer's name."""
    parts: list[str] = []
    while error is not None and len(parts) < 5:
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        places = " > ".join(f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno}" for frame in frames)
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        parts.append(f"{type(error).__name__}{f' {state}' if isinstance(state, str) else ''} at {places}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " because of ".join(parts)


def leave(name: str) -> None:
    """Leave a library's logger and its records as they are. Its only handler reads them and must pass nothing on."""
    _left.add(name)


def _cleaned_record(*args: Any, **values: Any) -> logging.LogRecord:
    """Return a record that can be written anywhere: cleaned, without arguments, its trace without messages."""
    record = logging.LogRecord(*args, **values)
    if record.name in _left:
        return record
    record.msg, record.args = clean(_message(record)), ()
    if isinstance(record.exc_info, tuple):
        record.msg = f"{record.msg} ({trace(record.exc_info[1])})"
    record.exc_info = record.stack_info = None
    return record


def _message(record: logging.LogRecord) -> str:
    """Return the message of a record. Of the arguments of a library's message, only numbers are shown."""
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
        """Return a record as one line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        facts: dict[str, Any] | None = getattr(record, "facts", None)
        return json.dumps(line | (facts or {"message": record.getMessage()}), default=str)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line for people."""
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        facts: dict[str, Any] = getattr(record, "facts", None) or {}
        if not facts:
            return f"{at} {record.levelname.lower()}: {record.getMessage()}"
        rest = " ".join(
            f"{what}={value}" for what, value in facts.items() if what not in ("operation", "outcome", "ms", "actor")
        )
        return f"{at} {facts['operation']} {facts['outcome']} in {facts['ms']} ms by {facts['actor']} {rest}".rstrip()


def begin(mode: str, stream: TextIO | None = None) -> None:
    """Write the log to standard error as `mode` says, and remove the handlers of all libraries."""
    logging.setLogRecordFactory(_cleaned_record)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if mode == JSON else _Plain())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name not in _left:
            logger.handlers.clear()
            logger.propagate = True
            if not name.startswith("stockroom"):
                logger.setLevel(logging.NOTSET)
    logging.getLogger("uvicorn.access").disabled = True  # it would log every URL, which may hold a secret
    log.setLevel(logging.WARNING if mode == QUIET else logging.INFO)
