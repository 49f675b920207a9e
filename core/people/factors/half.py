"""What begins after a right password or link where a second step is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Missing(StrEnum):
    """The step that a half session lacks: a code of the second factor, or setting one up."""

    CODE = "code"
    ENROL = "enrol"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfSession:
    """What a right password or link begins where a second step is missing: to give a code, or to set up a factor."""

    token: str
    expires_at: datetime
    must_enrol: bool
