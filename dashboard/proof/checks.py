"""The checks of the daily proof as people read them: what each found, its faults in sentences, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import streamlit as st
from streamlit.column_config import MultiselectColumn, TextColumn

from core.proof.checks import CheckResult
from core.proof.reads import Checked, ProofState
from dashboard.alerts import runbook
from dashboard.frame import links, words
from dashboard.frame import page as frame
from dashboard.frame.tables import ROW_HEIGHT, TALL_ROW

VIEWS = (CHECKS, SHELF, RUNS) = ("Checks", "Payment to shelf", "Runs")
STATES = {"Holds": "green", "Fails": "red", "Not compared": "orange", "Not run yet": "gray"}


def chosen_view() -> str:
    """Draw the choice between the checks, the payment-to-shelf proof and the runs, and return it."""
    return st.segmented_control(
        "View", VIEWS, default=CHECKS, required=True, key="rec_view", bind="query-params", label_visibility="collapsed"
    ) or CHECKS  # fmt: skip


def show_checks(seen: ProofState) -> None:
    """Show each check as it was found last, those that fail with their faults, and the head hash to copy."""
    if seen.last is None:
        frame.empty(
            "Nothing is proven yet",
            "Eleven checks compare levels, history, payments, refunds and backups. They run once a day by themselves.",
            icon=":material/verified:",
        )
        return
    for each in seen.failing:
        show_failing(each.result, alert_id=each.alert_id)
    _show_table(seen.checks)
    show_uncompared([each.result for each in seen.checks])
    show_head(seen.last.head_hash)


def _show_table(checks: tuple[Checked, ...]) -> None:
    now = datetime.now(UTC)
    show_results(
        [each.result for each in checks],
        [
            words.ago(each.ended_at, now) + ("" if each.is_full or not each.ended_at else ", new only")
            for each in checks
        ],
        [each.run_id is not None for each in checks],
    )


def show_results(results: list[CheckResult], when: list[str] | None = None, ran: list[bool] | None = None) -> None:
    """Show checks as a table; `when` each was proven and whether it `ran`, where they are not of one run."""
    states = [state(result, has_run) for result, has_run in zip(results, ran or [True] * len(results), strict=True)]
    found = {
        "code": [result.code for result in results],
        "title": [result.title for result in results],
        "state": [[each] for each in states],
        "checked": [words.number(result.checked) for result in results],
        "failures": [words.number(result.failures) for result in results],
    }
    with st.container(key="wide_rec_checks"):
        st.dataframe(
            pa.table(found | ({"when": when} if when else {})),
            column_config={
                "code": TextColumn("Check", width=60),
                "title": TextColumn("What must be true", width=390),
                "state": MultiselectColumn("State", width=130, options=list(STATES), color=list(STATES.values())),
                "checked": TextColumn("Looked at", width=110, alignment="right", help="Rows this check looked at"),
                "failures": TextColumn("Failures", width=90, alignment="right"),
                "when": TextColumn("Proven", width=170),
            },
            hide_index=True, height="content", row_height=ROW_HEIGHT, key="rec_checks_w",
            alt="The checks with what each found",
        )  # fmt: skip
    with st.container(key="narrow_rec_checks"):
        st.dataframe(
            pa.table({"what": [f"{each.code} {each.title}" for each in results], "state": states}),
            column_config={
                "what": TextColumn("What must be true", width=230),
                "state": TextColumn("State", width=110),
            },
            hide_index=True, height="content", row_height=TALL_ROW, key="rec_checks_n",
            alt="The checks with what each found",
        )  # fmt: skip


def state(result: CheckResult, has_run: bool = True) -> str:
    """Return how a check stands in a word or two."""
    if not has_run:
        return "Not run yet"
    if not result.holds:
        return "Fails"
    return "Not compared" if result.not_compared else "Holds"


def show_uncompared(results: list[CheckResult]) -> None:
    """Say why a check could not ask Stripe."""
    for result in results:
        if result.not_compared:
            st.caption(
                words.plain(f"{result.code}: {result.not_compared} What is in our own books holds or fails here.")
            )


def show_head(head_hash: str) -> None:
    """Show the ledger's head hash, to be copied."""
    st.markdown("**Head hash of the last proof**")
    st.code(head_hash, language=None, wrap_lines=True)
    st.caption(
        "One number for the whole ledger. Copy it to a place outside of this machine: if anybody rewrites the past, "
        "even with every right, it cannot be had again."
    )


def show_failing(result: CheckResult, *, alert_id: int | None = None, has_advice: bool = True) -> None:
    """Show a check that fails: its faults as sentences with links, its open case, and what to do."""
    with st.container(border=True, key=f"rec_fails_{result.code}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{result.code}{words.DOT}{words.plain(result.title)}**", width="content")
            st.badge(f"{words.number(result.failures)} found", icon=":material/error:", color="red")
        for place, (said, fault) in enumerate(zip_longest(result.examples, result.faults)):
            _show_fault(f"{result.code}_{place}", said or "", fault or {})
        if result.failures > len(result.examples):
            st.caption(f"And {words.number(result.failures - len(result.examples))} more.")
        if alert_id is not None:
            with st.container(key=f"flush_case_{result.code}"):
                links.to_page("alerts", "To the open case", icon=":material/notifications:", alert=str(alert_id))
        if has_advice:
            runbook.show(result.code)


def _show_fault(key: str, said: str, fault: Mapping[str, Any]) -> None:
    with st.container(gap=None, key=f"flush_fault_{key}"):
        st.markdown(words.plain(said))
        ways = list(ways_to(fault))
        if ways:
            with st.container(horizontal=True, gap="small"):
                for page, label, icon, query in ways:
                    links.to_page(page, label, icon=icon, **query)


def ways_to(fault: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield the ways from a fault to what it names: page, label, icon and filters."""
    if fault.get("sku") and fault.get("variant_id"):
        yield "stock", words.plain(str(fault["sku"])), ":material/inventory_2:", {"sku": str(fault["sku"])}
    if fault.get("movement_id"):
        number = str(fault["movement_id"])
        yield "movements", "The movement", ":material/swap_vert:", {"movement": number}
    orders = fault.get("order_ids") or ([fault["order_id"]] if fault.get("order_id") else [])
    for order_id in orders:
        name = fault.get("number") or fault.get("payment_id") if len(orders) == 1 else order_id
        yield (
            "orders",
            f"Order {words.plain(str(name or order_id))}",
            ":material/receipt_long:",
            {"order": str(order_id)},
        )
    if fault.get("refund_id"):
        yield "orders", "Refunds to decide", ":material/currency_exchange:", {"ord_view": "Refunds to decide"}
    if fault.get("alert_id"):
        yield "alerts", "The case", ":material/notifications:", {"alert": str(fault["alert_id"])}
