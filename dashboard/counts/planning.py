"""What to count next: the most valuable often, the rest now and then. An admin sets how often, and the limits."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.counts import plan, sessions
from core.counts.plan import CLASSES, Rules
from core.counts.sessions import Scope
from core.foundation import days, numbers
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.counts import CountPlan
from dashboard.counts import parts
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.texts import tr

_STEPS = (20, 50, 100, 200)
_SHOWN = 50


def show(seen: CountPlan, person: Actor) -> None:
    """Show what is due, with the button that starts counting it."""
    days = dict(zip(CLASSES, (seen.rules.a_days, seen.rules.b_days, seen.rules.c_days), strict=True))
    with st.grid(3, min_column_width=200, gap="small", key="cnt_classes"):
        for each in seen.classes:
            about = tr(
                "{value} on hand, counted every {days} days",
                value=words.money(each.value, seen.shop.currency),
                days=days[each.class_],
            )
            st.metric(
                tr("Class {value}: due", value=each.class_),
                tr("{due} of {variants}", due=words.number(each.due), variants=words.number(each.variants)),
                border=True,
                help=about,
            )
    if not seen.due:
        frame.empty(
            tr("Nothing is due"),
            tr("Every variant was counted within the days of its class."),
            icon=":material/task_alt:",
        )
    else:
        if may(person.role, Permission.COUNT):
            _show_start(seen)
        _show_rows(seen)
        if len(seen.due) > _SHOWN:
            st.caption(tr("The first {shown}.", shown=_SHOWN))
    if may(person.role, Permission.MANAGE_SHOP):
        with st.expander(tr("Rules of counting"), icon=":material/tune:", key="cnt_rules"):
            _show_rules(seen.rules, seen.shop.currency)


def _show_start(seen: CountPlan) -> None:
    many = [n for n in _STEPS if n < len(seen.due)] + [len(seen.due)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="cnt_plan_start"):
        st.selectbox(tr("How many"), many, key="cnt_plan_many", width=120)
        chosen = min(st.session_state.get("cnt_plan_many") or many[0], len(seen.due))
        form = forms.begin("count_plan")
        with st.form(form.name, border=False, width="content"):

            def post(key: str, _: forms.Values) -> int:
                ids = [row.variant_id for row in seen.due[:chosen]]
                name = tr("Cycle count, {today}", today=words.day(seen.shop.today))
                return session.run(sessions.start, name=name, scope=Scope.LIST, variant_ids=ids, key=key)

            forms.submit(
                form,
                tr("Count these {chosen}", chosen=words.number(chosen)),
                post,
                say=_started,
                icon=":material/play_arrow:",
            )


def _started(count_id: int) -> feedback.Notice:
    parts.open_count(count_id)
    return feedback.Notice(text=tr("Count {count_id} started", count_id=count_id))


def _show_rows(seen: CountPlan) -> None:
    rows, zone = seen.due[:_SHOWN], seen.shop.zone
    names = [parts.named(row.sku, row.product, row.size, row.color) for row in rows]
    counted = [words.day(days.of(row.last_counted_at, zone)) if row.last_counted_at else tr("Never") for row in rows]
    classes = [row.class_ for row in rows]
    columns.show(
        {
            "class": (classes, TextColumn(tr("Class"), width=54)),
            "what": (names, TextColumn(tr("Variant"), width=380)),
            "on_hand": ([row.on_hand for row in rows], NumberColumn(tr("On hand"), width=76)),
            "value": (
                [words.money(row.value, seen.shop.currency) for row in rows],
                TextColumn(tr("Value"), width=110, alignment="right"),
            ),
            "counted": (counted, TextColumn(tr("Last counted"), width=120)),
        },
        {
            "class": (classes, TextColumn(tr("Class"), width=50)),
            "what": ([row.sku for row in rows], TextColumn("SKU", width=140)),
            "counted": (counted, TextColumn(tr("Last counted"), width=120)),
        },
        key=columns.key_of("cnt_due", names),
        heights=(columns.ROW_HEIGHT, columns.ROW_HEIGHT),
        alt=tr("Variants that are due, class A first"),
    )


def _show_rules(rules: Rules, currency: str) -> None:
    st.caption(
        tr("A variance over a limit needs a manager or an admin who did not count the line. Empty means no limit.")
    )
    form = forms.begin("count_rules")
    with st.form(form.name, border=False):
        with st.container(horizontal=True, gap="small"):
            forms.number_field(tr("Limit in units"), key=form.input("limit_units"), value=rules.limit_units, width=150)
            limit = None if rules.limit_money is None else f"{rules.limit_money:f}"
            forms.number_field(
                tr("Limit in {currency}", currency=currency), key=form.input("limit_money"), value=limit, width=150
            )
        with st.container(horizontal=True, gap="small"):
            for name, days in zip(CLASSES, (rules.a_days, rules.b_days, rules.c_days), strict=True):
                forms.number_field(
                    tr("Days of {name}", name=name), key=form.input(f"{name.lower()}_days"), value=days, width=110
                )
        with st.container(horizontal=True, gap="small"):
            forms.number_field(tr("A: % of the value"), key=form.input("a_share"), value=rules.a_share, width=150)
            forms.number_field(tr("B: % of the value"), key=form.input("b_share"), value=rules.b_share, width=150)

        def post(_: str, values: forms.Values) -> None:
            session.run(plan.change_rules, rules=_rules(values))

        forms.submit(
            form,
            tr("Save the rules"),
            post,
            say=lambda _: feedback.Notice(text=tr("The rules are saved")),
            is_main=False,
        )


def _rules(values: forms.Values) -> Rules:
    def whole(name: str, highest: int) -> int:
        return forms.read_units(values[name], name.replace("_", " "), lowest=0, highest=highest)

    limits = {name: (values[name] or "").strip() for name in ("limit_units", "limit_money")}
    return Rules(
        limit_units=whole("limit_units", 1_000_000) if limits["limit_units"] else None,
        limit_money=_amount(limits["limit_money"]) if limits["limit_money"] else None,
        a_days=whole("a_days", 3_650),
        b_days=whole("b_days", 3_650),
        c_days=whole("c_days", 3_650),
        a_share=whole("a_share", 99),
        b_share=whole("b_share", 99),
    )


def _amount(typed: str) -> Decimal:
    return numbers.amount(typed, "limit in money", digits=2, mark=formats.group_mark(st.context.locale))
