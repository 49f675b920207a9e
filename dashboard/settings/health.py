"""Settings, Health: whether Stockroom is ready, its speed and throughput, waits, and the size of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from core.health.measures import Measured, Part
from core.health.reads import Health, Period
from dashboard.door import proxy
from dashboard.frame import charts, lists, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.said import translated
from dashboard.language.texts import inside, lazy, marked, tr
from dashboard.settings.replicas.standing import show_replicas

FUNCTIONS = lazy(
    {
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
        "refunds.decide_all": "Decide the refunds of an order",
        "returns.exchange": "Exchange a unit",
        "waiting.send": "Send what buyers wait for",
        "returns.take_in": "Take goods in",
        "returns.take_back": "Take a decision back",
    }
)
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MB = 1_000_000
Series = Mapping[datetime, float | None]
PERIOD = lists.Choice(
    label=marked("Period"),
    key="set_health_period",
    options={marked("Last day"): Period.DAY, marked("Last week"): Period.WEEK},
    usual="Last day",
)


def show_health(seen: Health, zone: str) -> None:
    """Show whether every part is ready, and the measurements below."""
    _show_parts(seen.parts)
    _show_proxy(proxy.unnamed())
    show_replicas()
    with frame.heading(tr("Measurements")):
        PERIOD.show()
    if seen.is_empty:
        frame.empty(
            tr("No measurements yet"),
            tr("Each process reports its measurements once a minute."),
            icon=":material/monitor_heart:",
        )
        return
    steps = (
        tr("an hour") if seen.step == timedelta(hours=1) else tr("{step} hours", step=seen.step // timedelta(hours=1))
    )
    st.caption(
        words.plain(
            tr("Each point is {steps}. The last one is incomplete. Times are in {zone}.", steps=steps, zone=zone)
        )
    )
    for show in (_show_speed, _show_throughput, _show_locks, _show_statements, _show_lag, _show_size):
        with st.container(border=True, key=f"settings_health{show.__name__}"):
            show(seen, zone)


def _show_proxy(address: str | None) -> None:
    if address is not None:
        st.warning(
            tr(
                "Requests arrive through a proxy at {address} that is not named. All visitors count as one address, so "
                "thirty wrong passwords of a stranger stop every new browser from signing in. Set "
                "STOCKROOM_TRUSTED_PROXIES to the address of the proxy.",
                address=words.plain(address),
            ),
            icon=":material/warning:",
        )


def _show_parts(parts: Sequence[Part]) -> None:
    with st.container(border=True, key="settings_health_parts", gap="xsmall"):
        is_well = all(part.is_well for part in parts)
        st.subheader(tr("All systems are working") if is_well else tr("Some systems need attention"), anchor=False)
        for part in parts:
            icon = ":green[:material/check_circle:]" if part.is_well else ":red[:material/error:]"
            st.markdown(f"{icon} {words.plain(translated(part.sentence))}")


# ---------------------------------------------------------------- the charts


def _show_speed(seen: Health, zone: str) -> None:
    st.subheader(tr("Speed of each stock function"), anchor=False)
    whole = seen.functions_whole
    if not whole:
        st.caption(tr("No stock was checked, held or moved in this period."))
        return
    busiest = max(range(len(whole)), key=lambda place: whole[place].calls)
    name = st.selectbox(
        tr("Function"), [each.name for each in whole], index=busiest, format_func=FUNCTIONS.__getitem__,
        key="set_health_function",
    )  # fmt: skip
    chosen = [each for each in seen.operations if each.name == name]
    lines = {label: {each.at: _ms(each.percentile(share)) for each in chosen} for label, share in _SHARES.items()}
    total = next(each for each in whole if each.name == name)
    text = ", ".join(f"{label} {_shown(total.percentile(share))}" for label, share in _SHARES.items())
    sentence = f"{FUNCTIONS[name]}: {text}, {words.plural(total.calls, 'call')}."
    _draw(seen, zone, "speed", lines, tr("milliseconds"), sentence)
    _table("speed", _of_functions(whole, FUNCTIONS.__getitem__), tr("Duration of each stock function"))


def _show_throughput(seen: Health, zone: str) -> None:
    st.subheader(tr("Throughput"), anchor=False)
    outcomes = {tr("Done"): "ok", tr("Refused"): "refused", tr("Failed"): "failed"}
    bars = {label: _sums(seen.operations, field) for label, field in outcomes.items()}
    counts = {label: int(sum(count or 0 for count in by_time.values())) for label, by_time in bars.items()}
    text = ", ".join(f"{words.number(count)} {inside(label)}" for label, count in counts.items())
    used = {label: by_time for label, by_time in bars.items() if counts[label]}
    _draw(seen, zone, "throughput", used, tr("operations"), tr("All operations: {value}.", value=text), stacked=True)
    _table("throughput", _by_time(bars, zone), tr("Operations by outcome"))


def _show_locks(seen: Health, zone: str) -> None:
    st.subheader(tr("Lock waits"), anchor=False)
    waits = {sample.at: sample.lock_wait for sample in seen.samples}
    lost = sum(each.calls for each in seen.lost)
    longest = max(waits.values(), default=0.0)
    sentence = tr(
        "Longest wait: {longest} seconds (sampled once a minute). {attempts} failed to get a lock.",
        longest=formats.number(longest, (1, 1)),
        attempts=words.plural(lost, "attempt"),
    )
    _draw(seen, zone, "locks", {tr("Longest wait"): waits}, tr("seconds"), sentence)
    columns: dict[str, Series] = {
        tr("Longest wait in seconds"): {at: round(wait, 2) for at, wait in waits.items()},
        tr("Most waiting"): {sample.at: sample.lock_waiters for sample in seen.samples},
        tr("Failed attempts"): _sums(seen.lost, "calls"),
    }
    _table("locks", _by_time(columns, zone), tr("Waits for locks"))


def _show_statements(seen: Health, _: str) -> None:
    st.subheader(tr("Slowest statements"), anchor=False)
    slowest = seen.statements_whole
    if not slowest:
        st.caption(tr("No statement was measured in this period."))
        return
    times = {each.name: _ms(each.percentile(0.95)) or 0.0 for each in slowest}
    first = slowest[0]
    sentence = tr(
        "Statements by p95. Slowest: {name} with {value}.", name=first.name, value=_shown(first.percentile(0.95))
    )
    st.caption(words.plain(sentence))
    charts.show(charts.ranking(times, tr("milliseconds")), key="set_health_statements", alt=sentence)
    _table("statements", _of_functions(slowest, str), tr("The slowest statements by what they call"))


def _show_lag(seen: Health, zone: str) -> None:
    st.subheader(tr("Import lag"), anchor=False)
    lags = {sample.at: sample.inbox_lag for sample in seen.samples}
    sentence = tr(
        "Longest wait of a Stripe message: {values} seconds.",
        values=formats.number(max(lags.values(), default=0.0), (0, 0)),
    )
    _draw(seen, zone, "lag", {tr("Oldest message"): lags}, tr("seconds"), sentence)
    columns: dict[str, Series] = {
        tr("Oldest in seconds"): {at: round(lag, 1) for at, lag in lags.items()},
        tr("Most waiting"): {sample.at: sample.inbox_waiting for sample in seen.samples},
    }
    _table("lag", _by_time(columns, zone), tr("Waiting Stripe messages"))


def _show_size(seen: Health, zone: str) -> None:
    st.subheader(tr("Database"), anchor=False)
    if not seen.samples:
        st.caption(tr("The size was not recorded in this period."))
        return
    sizes = {sample.at: sample.database_bytes / _MB for sample in seen.samples}
    first, last = seen.samples[0], seen.samples[-1]
    grown = (last.database_bytes - first.database_bytes) / _MB
    since = words.moment(first.at, zone)
    change = tr(
        "{grown} MB {part} than at {since}",
        grown=formats.number(abs(grown), (1, 1)),
        part=tr("more") if grown >= 0 else tr("less"),
        since=since,
    )
    sentence = tr(
        "{database_bytes} MB now, {change}.",
        database_bytes=formats.number(last.database_bytes / _MB, (1, 1)),
        change=change,
    )
    _draw(seen, zone, "size", {tr("Size"): sizes}, tr("megabytes"), sentence)
    _table(
        "size",
        _by_time({tr("Megabytes"): {at: round(size, 2) for at, size in sizes.items()}}, zone),
        tr("Database size"),
    )


def _draw(
    seen: Health, zone: str, key: str, series: Mapping[str, Series], unit: str, sentence: str,
    *, stacked: bool = False,
) -> None:  # fmt: skip
    st.caption(words.plain(sentence))
    clock: Callable[[datetime], datetime] = lambda at: words.local(at, zone).replace(tzinfo=None)  # noqa: E731
    shown = {name: {clock(at): value for at, value in by_time.items()} for name, by_time in series.items()}
    ends = (clock(seen.since), clock(seen.until))
    figure = charts.time_chart(shown, ends, seen.step, unit, stacked=stacked)
    charts.show(figure, key=f"set_health_{key}", alt=sentence)


# ---------------------------------------------------------------- the tables


def _table(key: str, columns: Mapping[str, Sequence[Any]], alt: str) -> None:
    charts.show_as_table(lambda: columns, f"set_health_table_{key}", alt)


def _of_functions(measured: Sequence[Measured], label: Callable[[str], str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {tr("Name"): [label(each.name) for each in measured]}
    for name, share in _SHARES.items():
        columns[f"{name} in ms"] = [_ms(each.percentile(share)) for each in measured]
    columns["Calls"] = [each.calls for each in measured]
    columns["Refused"] = [each.refused for each in measured]
    columns["Failed"] = [each.failed for each in measured]
    return columns


def _by_time(columns: Mapping[str, Series], zone: str) -> dict[str, list[Any]]:
    times = sorted({at for by_time in columns.values() for at in by_time}, reverse=True)
    table: dict[str, list[Any]] = {tr("From"): [words.moment(at, zone) for at in times]}
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
