"""The checks of the daily proof: the result of each, its faults in sentences with links, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import streamlit as st
from streamlit.column_config import TextColumn

from core.proof.checks import CheckResult
from core.proof.reads import Checked, ProofState
from dashboard.alerts import runbook
from dashboard.frame import columns, links, lists, words
from dashboard.frame import page as frame
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr

VIEWS = (CHECKS, SHELF, RUNS) = marked((marked("Checks"), marked("Payment to shelf"), marked("Runs")))
VIEW = lists.Choice(label=marked("View"), key="rec_view", options=dict(zip(VIEWS, VIEWS, strict=True)), usual=CHECKS)
STATES = marked({"Passed": "green", "Failed": "red", "Not compared": "orange", "Not run yet": "gray"})


def show_checks(seen: ProofState) -> None:
    """Show the latest result of each check, the faults of those that fail, and the head hash to copy."""
    if seen.last is None:
        frame.empty(
            tr("Not verified yet"),
            tr("Checks compare levels, history, payments, refunds, rights and backups once a day."),
            icon=":material/verified:",
        )
        return
    for each in seen.failing:
        show_failing(each.result, alert_id=each.alert_id)
    _show_table(seen.checks)
    show_uncompared([each.result for each in seen.checks])
    show_covered([each.result for each in seen.checks], seen.shop.zone)
    st.caption(
        tr("Roles of the database that may move stock (R12): {movers}", movers=words.plain(", ".join(seen.movers)))
    )
    show_head(seen.last.head_hash)


def _show_table(checks: tuple[Checked, ...]) -> None:
    now = datetime.now(UTC)
    show_results(
        [each.result for each in checks],
        [words.ago(each.ended_at, now) + (tr(", new only") if each.result.since else "") for each in checks],
        [each.run_id is not None for each in checks],
    )


def show_results(results: list[CheckResult], when: list[str] | None = None, ran: list[bool] | None = None) -> None:
    """Show checks as a table. If they are not of one run, `when` each was verified and whether it `ran`."""
    states = [_state(result, has_run) for result, has_run in zip(results, ran or [True] * len(results), strict=True)]
    rows = [words.number(result.checked) for result in results]
    failures = [words.number(result.failures) for result in results]
    wide = {
        "code": ([result.code for result in results], TextColumn(tr("Check"), width=60)),
        "title": ([translated(result.title) for result in results], TextColumn(tr("What must be true"), width=390)),
        "state": ([[each] for each in states], columns.tags(tr("State"), 130, STATES)),
        "checked": (rows, TextColumn(tr("Rows checked"), width=110, alignment="right")),
        "failures": (failures, TextColumn(tr("Failures"), width=90, alignment="right")),
    }
    columns.show(
        wide | ({"when": (when, TextColumn(tr("Verified"), width=170))} if when else {}),
        {
            "what": (
                [f"{each.code} {translated(each.title)}" for each in results],
                TextColumn(tr("What must be true"), width=230),
            ),
            "state": (states, TextColumn(tr("State"), width=110)),
        },
        key="rec_checks",
        alt=tr("The checks with the result of each"),
    )


def _state(result: CheckResult, has_run: bool) -> str:
    if not has_run:
        return tr("Not run yet")
    if not result.holds:
        return tr("Failed")
    return tr("Not compared") if result.not_compared else tr("Passed")


def show_uncompared(results: list[CheckResult]) -> None:
    """Say why a check was not compared with Stripe."""
    for result in results:
        if result.not_compared:
            st.caption(
                words.plain(
                    tr(
                        "{code}: {not_compared} Only our own records were checked.",
                        code=result.code,
                        not_compared=translated(result.not_compared),
                    )
                )
            )


def show_covered(results: list[CheckResult], zone: str) -> None:
    """Say what each recent check covered."""
    for result in results:
        if result.covers and result.since:
            st.caption(
                words.plain(
                    tr(
                        "{code}, after the proof of {since}: {covers}",
                        code=result.code,
                        since=words.moment(result.since, zone),
                        covers=translated(result.covers),
                    )
                )
            )


def show_head(head_hash: str) -> None:
    """Show the ledger's head hash, to be copied."""
    st.markdown(tr("**Head hash of the last proof**"))
    st.code(head_hash, language=None, wrap_lines=True)
    st.caption(
        tr(
            "A fingerprint of the whole ledger. Keep a copy outside this machine: if anyone "
            "rewrites history, even a database administrator, this hash can no longer be "
            "reproduced."
        )
    )


def show_failing(result: CheckResult, *, alert_id: int | None = None, has_advice: bool = True) -> None:
    """Show a failing check: its faults in sentences with links, its open case, and what to do."""
    with st.container(border=True, key=f"rec_fails_{result.code}"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"**{result.code}{words.DOT}{words.plain(translated(result.title))}**", width="content")
            st.badge(
                tr("{failures} found", failures=words.number(result.failures)), icon=":material/error:", color="red"
            )
        for place, (text, fault) in enumerate(zip_longest(result.examples, result.faults)):
            _show_fault(f"{result.code}_{place}", text or "", fault or {})
        if result.failures > len(result.examples):
            st.caption(tr("And {failures} more.", failures=words.number(result.failures - len(result.examples))))
        if alert_id is not None:
            with st.container(key=f"flush_case_{result.code}"):
                links.to_page("alerts", tr("Open case"), icon=":material/notifications:", alert=str(alert_id))
        if has_advice:
            runbook.show(result.code)


def _show_fault(key: str, text: str, fault: Mapping[str, Any]) -> None:
    with st.container(gap=None, key=f"flush_fault_{key}"):
        st.markdown(words.plain(text))
        found = list(_links_of(fault))
        if found:
            with st.container(horizontal=True, gap="small"):
                for page, label, icon, query in found:
                    links.to_page(page, label, icon=f":material/{icon}:", **query)


def _links_of(fault: Mapping[str, Any]) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield the links from a fault to its variant, movement, orders, refund and case: page, label, icon and filters."""
    if fault.get("sku") and fault.get("variant_id"):
        yield "stock", words.plain(str(fault["sku"])), "inventory_2", {"sku": str(fault["sku"])}
    if fault.get("movement_id"):
        yield "movements", tr("Movement"), "swap_vert", {"movement": str(fault["movement_id"])}
    orders = fault.get("order_ids") or ([fault["order_id"]] if fault.get("order_id") else [])
    for order_id in orders:
        name = fault.get("number") if len(orders) == 1 else order_id
        yield (
            "orders",
            tr("Order {name}", name=words.plain(str(name or order_id))),
            "receipt_long",
            {"order": str(order_id)},
        )
    if fault.get("refund_id"):
        yield "orders", tr("Refunds to decide"), "currency_exchange", {"ord_view": tr("Refunds to decide")}
    if fault.get("alert_id"):
        yield "alerts", tr("Case"), "notifications", {"alert": str(fault["alert_id"])}
