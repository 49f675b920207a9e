"""What messages say: of cases sentence, units, money, age and a link; of the proof its head hash; never a buyer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.alerts.notifier import Message
from core.carts.values import money

MOST_LISTED = 20
_MAIL = re.compile(r"[^\s@<>\"(),;:]+@[^\s@<>\"(),;:]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A case as a destination is told of it."""

    alert_id: int
    severity: str
    sentence: str
    units: int
    money: int
    currency: str | None
    first_at: datetime


def about(cases: Sequence[Told], *, shop: str, zone: str, public_url: str | None) -> Message:
    """Return one message about these cases, the most urgent first; of many only the first are listed."""
    first = cases[0]
    said = _without_mail(first.sentence) if len(cases) == 1 else f"{len(cases):,} cases need somebody"
    listed = [_case(case, zone, public_url) for case in cases[:MOST_LISTED]]
    if len(cases) > MOST_LISTED:
        more = f"And {len(cases) - MOST_LISTED:,} more."
        listed.append(f"{more} {public_url}/alerts" if public_url else more)
    mark = "Urgent: " if first.severity == "urgent" else ""
    return Message(title=f"{shop}: {mark}{said}"[:180], body="\n\n".join(listed))


def _case(case: Told, zone: str, public_url: str | None) -> str:
    facts = []
    if case.units:
        facts.append(f"{case.units:,} unit{'' if case.units == 1 else 's'}")
    if case.money and case.currency:
        facts.append(money(case.money, case.currency))
    facts.append(f"since {case.first_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}")
    lines = [_without_mail(case.sentence), ", ".join(facts)]
    if public_url:
        lines.append(f"{public_url}/alerts?alert={case.alert_id}")
    return "\n".join(lines)


def _without_mail(text: str) -> str:
    return _MAIL.sub("(an address)", text)
