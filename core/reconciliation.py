"""Named checks over the whole ledger: levels, chain, rollups. They report what does not hold and never repair it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from core.access import Permission, roles_for
from core.model import Actor

EXAMPLES = 20
_RUN = text("select * from stockroom_api.run_checks(:user_id, :session_id, cast(:roles as text[]), :name, :examples)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found: how many rows it looked at, how many of them fail, and the first of these in words."""

    code: str
    title: str
    checked: int
    failures: int
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return self.failures == 0


def run_checks(connection: Connection, actor: Actor) -> tuple[CheckResult, ...]:
    """Run every check over the whole ledger, which takes some seconds for a million movements.

    Raises Forbidden, SignInRequired.
    """
    found = connection.execute(
        _RUN,
        {
            "user_id": actor.user_id,
            "session_id": actor.session_id,
            "roles": roles_for(Permission.VIEW),
            "name": actor.name,
            "examples": EXAMPLES,
        },
    )
    return tuple(_result(row) for row in found)


def _result(row: Any) -> CheckResult:
    title, tell = _CHECKS[row.code]
    examples = tuple(tell(fault) for fault in row.examples)
    return CheckResult(code=row.code, title=title, checked=row.checked, failures=row.failures, examples=examples)


def _tell_level(fault: dict[str, Any]) -> str:
    added_up = f"its movements add up to {fault['total']}, and the last one left it at {fault['last_after']}"
    return f"{fault['sku']} stands at {fault['level']}; {added_up}"


def _tell_chain(fault: dict[str, Any]) -> str:
    if fault["movement_id"] is None:
        return (
            f"{fault['sku']}: the ledger does not end with movement no. {fault['variant_sequence']}, as it was written"
        )
    told = ", ".join(_LINK_FAULTS[name] for name in fault["faults"])
    return f"{fault['sku']}, movement no. {fault['variant_sequence']} (id {fault['movement_id']}): {told}"


_LINK_FAULTS = {
    "sequence": "the one before it is missing",
    "balance": "it does not begin where the one before it ended",
    "hash": "its hash does not follow",
}


def _tell_rollup(fault: dict[str, Any]) -> str:
    return f"{fault['sku'] or 'The whole shop'} on {fault['day']}: {_ROLLUP_FAULTS[fault['fault']]}"


_ROLLUP_FAULTS = {
    "missing": "the day is missing from the daily figures",
    "invented": "the daily figures have a day without movements",
    "closing": "the daily closing level is wrong",
    "units": "the daily units are wrong",
    "shop": "the daily units are wrong",
}

_CHECKS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "R1": ("Every level is the sum of its movements", _tell_level),
    "R2": ("No movement was edited, removed or slipped in", _tell_chain),
    "R11": ("The daily figures are those of the ledger", _tell_rollup),
}
