"""Settings, Health: whether Stockroom is ready, its speed and throughput, waits, and the size of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.health.measures import Measured, Part
from core.health.reads import Health, Period
from dashboard.frame import charts, lists, words
from dashboard.frame import page as frame

FUNCTIONS = {
    "ledger.adjust": "Adjust",
    "ledger.receive": "Receive",
    "ledger.set_level": "Set a level",
    "ledger.undo": "Undo",
    "storefront.check_cart": "Check a cart",
    "reservations.hold": "Hold a cart",
    "reservations.extend": "Extend a hold",
    "reservations.release": "Release a hold",
    "reservations.expire": "Expire holds",
    "checkout._begin": "Start a payment",
    "orders.apply": "Apply orders",
    "cases.retry_order": "Retry an order",
    "cases.ship_what_is_there": "Ship what is in stock",
    "refunds.decide": "Decide a refund",
    "returns.take_in": "Take goods in",
    "returns.take_back": "Take a decision back",
}
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MB = 1_000_000
Series = Mapping[datetime, float | None]
PERIOD = lists.Choice(
    label="Period", key="set_health_period", options={"Last day": Period.DAY, "Last week": Period.WEEK},
    usual="Last day",
)  # fmt: skip


def show_health(seen: Health, zone: str) -> None:
    """Show whether every part is ready, and the measurements below."""
    _show_parts(seen.parts)
    with frame.heading("Measurements"):
        PERIOD.show()
    if seen.is_empty:
        frame.empty(
            "No measurements yet",
            "Each process reports its measurements once a minute.",
            icon=":material/monitor_heart:",
        )
        return
    steps = "an hour" if seen.step == timedelta(hours=1) else f"{seen.step // timedelta(hours=1)} hours"
    st.caption(words.plain(f"Each point is {steps}. The last one is incomplete. Times are in {zone}."))
    for show in (_show_speed, _show_throughput, _show_locks, _show_statements, _show_lag, _show_size):
        with st.container(border=True, key=f"settings_health{show.__name__}"):
            show(seen, zone)


def _show_parts(parts: Sequence[Part]) -> None:
    with st.container(border=True, key="settings_health_parts", gap="xsmall"):
        is_well = all(part.is_well for part in parts)
        st.subheader("All systems are working" if is_well else "Some systems need attention", anchor=False)
        for part in parts:
            icon = ":green[:material/check_circle:]" if part.is_well else ":red[:material/error:]"
            st.markdown(f"{icon} {words.plain(part.sentence)}")


# ---------------------------------------------------------------- the charts


def _show_speed(seen: Health, zone: str) -> None:
    st.subheader("Speed of each stock function", anchor=False)
    whole = seen.functions_whole
    if not whole:
        st.caption("No stock was checked, held or moved in this period.")
        return
    busiest = max(range(len(whole)), key=lambda place: whole[place].calls)
    name = st.selectbox(
        "Function", [each.name for each in whole], index=busiest, format_func=FUNCTIONS.__getitem__,
        key="set_health_function",
    )  # fmt: skip
    chosen = [each for each in seen.operations if each.name == name]
    lines = {label: {each.at: _ms(each.percentile(share)) for each in chosen} for label, share in _SHARES.items()}
    total = next(each for each in whole if each.name == name)
    text = ", ".join(f"{label} {_shown(total.percentile(share))}" for label, share in _SHARES.items())
    sentence = f"{FUNCTIONS[name]}: {text}, {words.plural(total.calls, 'call')}."
    _draw(seen, zone, "speed", lines, "milliseconds", sentence)
    _table("speed", _of_functions(whole, FUNCTIONS.__getitem__), "Duration of each stock function")


def _show_throughput(seen: Health, zone: str) -> None:
    st.subheader("Throughput", anchor=False)
    outcomes = {"Done": "ok", "Refused": "refused", "Failed": "failed"}
    bars = {label: _sums(seen.operations, field) for label, field in outcomes.items()}
    counts = {label: int(sum(count or 0 for count in by_time.values())) for label, by_time in bars.items()}
    text = ", ".join(f"{words.number(count)} {label.lower()}" for label, count in counts.items())
    used = {label: by_time for label, by_time in bars.items() if counts[label]}
    _draw(seen, zone, "throughput", used, "operations", f"All operations: {text}.", stacked=True)
    _table("throughput", _by_time(bars, zone), "Operations by outcome")


def _show_locks(seen: Health, zone: str) -> None:
    st.subheader("Lock waits", anchor=False)
    waits = {sample.at: sample.lock_wait for sample in seen.samples}
    lost = sum(each.calls for each in seen.lost)
    longest = max(waits.values(), default=0.0)
    sentence = (
        f"Longest wait: {longest:,.1f} seconds (sampled once a minute). "
        f"{words.plural(lost, 'attempt')} failed to get a lock."
    )
    _draw(seen, zone, "locks", {"Longest wait": waits}, "seconds", sentence)
    columns: dict[str, Series] = {
        "Longest wait in seconds": {at: round(wait, 2) for at, wait in waits.items()},
        "Most waiting": {sample.at: sample.lock_waiters for sample in seen.samples},
        "Failed attempts": _sums(seen.lost, "calls"),
    }
    _table("locks", _by_time(columns, zone), "Waits for locks")


def _show_statements(seen: Health, _: str) -> None:
    st.subheader("Slowest statements", anchor=False)
    slowest = seen.statements_whole
    if not slowest:
        st.caption("No statement was measured in this period.")
        return
    times = {each.name: _ms(each.percentile(0.95)) or 0.0 for each in slowest}
    first = slowest[0]
    sentence = f"Statements by p95. Slowest: {first.name} with {_shown(first.percentile(0.95))}."
    st.caption(words.plain(sentence))
    charts.show(charts.ranking(times, "milliseconds"), key="set_health_statements", alt=sentence)
    _table("statements", _of_functions(slowest, str), "The slowest statements by what they call")


def _show_lag(seen: Health, zone: str) -> None:
    st.subheader("Import lag", anchor=False)
    lags = {sample.at: sample.inbox_lag for sample in seen.samples}
    sentence = f"Longest wait of a Stripe message: {max(lags.values(), default=0.0):,.0f} seconds."
    _draw(seen, zone, "lag", {"Oldest message": lags}, "seconds", sentence)
    columns: dict[str, Series] = {
        "Oldest in seconds": {at: round(lag, 1) for at, lag in lags.items()},
        "Most waiting": {sample.at: sample.inbox_waiting for sample in seen.samples},
    }
    _table("lag", _by_time(columns, zone), "Waiting Stripe messages")


def _show_size(seen: Health, zone: str) -> None:
    st.subheader("Database", anchor=False)
    if not seen.samples:
        st.caption("The size was not recorded in this period.")
        return
    sizes = {sample.at: sample.database_bytes / _MB for sample in seen.samples}
    first, last = seen.samples[0], seen.samples[-1]
    grown = (last.database_bytes - first.database_bytes) / _MB
    since = words.moment(first.at, zone)
    change = f"{abs(grown):,.1f} MB {'more' if grown >= 0 else 'less'} than at {since}"
    sentence = f"{last.database_bytes / _MB:,.1f} MB now, {change}."
    _draw(seen, zone, "size", {"Size": sizes}, "megabytes", sentence)
    _table("size", _by_time({"Megabytes": {at: round(size, 2) for at, size in sizes.items()}}, zone), "Database size")


def _draw(
    seen: Health, zone: str, key: str, series: Mapping[str, Series], unit: str, sentence: str,
    *, stacked: bool = False,
) -> None:  # fmt: skip
    st.caption(words.plain(sentence))
    clock: Callable[[datetime], datetime] = lambda at: words.local(at, zone).replace(tzinfo=None)  # noqa: E731
    shown = {name: {clock(at): value for at, value in by_time.items()} for name, by_time in series.items()}
    ends = (clock(seen.since), clock(seen.until))
    figure: go.Figure = charts.time_chart(shown, ends, seen.step, unit, stacked=stacked)
    charts.show(figure, key=f"set_health_{key}", alt=sentence)


# ---------------------------------------------------------------- the tables


def _table(key: str, columns: Mapping[str, Sequence[Any]], alt: str) -> None:
    charts.show_as_table(columns, f"set_health_table_{key}", alt)


def _of_functions(measured: Sequence[Measured], label: Callable[[str], str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"Name": [label(each.name) for each in measured]}
    for name, share in _SHARES.items():
        columns[f"{name} in ms"] = [_ms(each.percentile(share)) for each in measured]
    columns["Calls"] = [each.calls for each in measured]
    columns["Refused"] = [each.refused for each in measured]
    columns["Failed"] = [each.failed for each in measured]
    return columns


def _by_time(columns: Mapping[str, Series], zone: str) -> dict[str, list[Any]]:
    times = sorted({at for by_time in columns.values() for at in by_time}, reverse=True)
    table: dict[str, list[Any]] = {"From": [words.moment(at, zone) for at in times]}
    return table | {name: [by_time.get(at, 0) for at in times] for name, by_time in columns.items()}


def _sums(measured: Sequence[Measured], field: str) -> dict[datetime, float | None]:
    sums: defaultdict[datetime, float] = defaultdict(float)
    for each in measured:
        sums[each.at] += getattr(each, field)
    return {at: int(count) for at, count in sums.items()}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _shown(seconds: float | None) -> str:
    return words.NOTHING if seconds is None else f"{seconds * 1000:,.1f} ms"
