"""One place says when a day begins and which day a moment is: core/sql/05_days and core/foundation/days.py."""

from __future__ import annotations

import ast
import re

from tests.house.reading import SQL_FILES, name, nodes, python_files, sql

# Hours of a clock: a moment is written for people, or quiet hours, a digest and the daily jobs have their time of day.
CLOCKS_IN_SQL = {
    "core/sql/20_ledger/7_history_known.sql": 1,
    "core/sql/40_alerts/0_names.sql": 1,
    "core/sql/40_alerts/2_deliveries.sql": 5,
    "core/sql/50_orders/3_decisions.sql": 1,
    "core/sql/55_cases/2_handling.sql": 1,
    "core/sql/79_mine/2_mails.sql": 1,
    "core/sql/90_jobs/1_runs.sql": 1,
    "core/sql/92_sample/1_planning.sql": 2,  # the days of the large sample have 24 hours each
}
# The same in Python: a moment as text in the shop's zone. `charts` and `drawing` draw days, which are no moments.
CLOCKS_IN_PYTHON = {
    "core/alerts/deliveries.py",
    "core/alerts/handling.py",
    "core/foundation/days.py",
    "core/proof/notice.py",
    "core/sample/sales.py",
    "core/sample/story.py",
    "core/screens/exports.py",
    "core/views/sections.py",
    "dashboard/frame/charts/flows.py",
    "dashboard/frame/charts/levels.py",
    "dashboard/frame/words.py",
    "dashboard/orders/story.py",
    "dashboard/reports/instant.py",
    "dashboard/settings/stripe.py",
}
_IN_SQL = re.compile(
    r"at time zone|\btimezone\(|::date::timestamptz|current_date|\bnow\(\)::date|_at::date\b|_at\)::date\b"
)


def test_no_sql_turns_a_day_into_a_moment_or_back_outside_the_days() -> None:
    found = {name(path): len(_IN_SQL.findall(sql(path))) for path in SQL_FILES if "/05_days/" not in name(path)}
    assert {path: count for path, count in found.items() if count} == CLOCKS_IN_SQL


def turns_days(node: ast.AST) -> bool:
    """Whether a call reads a clock in a zone: ZoneInfo(...), datetime.combine(...), `.date()`, func.timezone(...)."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "ZoneInfo"
    if not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in {"combine", "timezone", "today"} or (node.func.attr == "date" and not node.args)


def test_no_module_turns_a_day_into_a_moment_or_back_outside_the_days() -> None:
    found = {name(path) for path in python_files("core", "dashboard", "pages") if any(map(turns_days, nodes(path)))}
    assert found == CLOCKS_IN_PYTHON
