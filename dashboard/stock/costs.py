"""What a variant costs: its average, the value of its units, how the average came about, and the form to set it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.foundation.errors import invalid
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.stock import Variant
from core.valuation import costs
from core.valuation.costs import CostLine, CostSet, CostSource, CostStep, StepKind
from dashboard.door import session
from dashboard.frame import charts, feedback, forms, words
from dashboard.language.texts import lazy, tr

_KINDS = lazy({StepKind.RECEIVED: "Receipt", StepKind.UNDONE: "Receipt undone", StepKind.SET: "Cost set"})
_SOURCES = lazy({CostSource.CATALOGUE: "as in the catalogue", CostSource.AVERAGE: "at the average"})


def show(seen: Variant, person: Actor) -> None:
    """Show the cost, and to managers the form to set it."""
    st.subheader(tr("Cost"), anchor=False)
    average, currency = (seen.costs[0].average if seen.costs else None), seen.shop.currency
    if average is None:
        st.caption(
            tr(
                "No cost is known. It becomes known with the next receipt that has a unit cost, or "
                "when a manager sets it."
            )
        )
    else:
        value, units = words.money(seen.row.on_hand * average, currency), words.units(seen.row.on_hand)
        st.markdown(
            tr(
                "**{average}** a unit on average, **{value}** for {units} on hand",
                average=words.money(average, currency),
                value=value,
                units=units,
            )
        )
    if seen.costs:
        alt = tr("Steps of the cost of {sku}, newest first", sku=seen.row.sku)
        charts.show_as_table(lambda: _steps(seen), "stk_costs", alt, label=tr("How the average came about"))
    if may(person.role, Permission.SET_COST):
        with st.expander(tr("Set the cost")):
            _show_form(seen)


def _steps(seen: Variant) -> dict[str, Sequence[object]]:
    currency, rows = seen.shop.currency, seen.costs
    return {
        tr("When"): [words.moment(step.at, seen.shop.zone) for step in rows],
        tr("What"): [_what(step) for step in rows],
        tr("Units"): ["" if step.quantity is None else words.signed(step.quantity) for step in rows],
        tr("Unit cost"): [words.money(step.unit_cost, currency) for step in rows],
        tr("Average"): [words.money(step.average, currency) for step in rows],
        tr("Who"): [step.performed_by for step in rows],
        tr("Note"): [step.note or "" for step in rows],
    }


def _what(step: CostStep) -> str:
    return words.joined(_KINDS[step.kind], _SOURCES.get(step.source))


def _show_form(seen: Variant) -> None:
    average, currency = (seen.costs[0].average if seen.costs else None), seen.shop.currency
    form = forms.begin(f"cost_{seen.row.sku}")
    with st.form(form.name, border=False):
        st.caption(tr("Units on hand take this cost from now on. Sales and receipts of the past keep theirs."))
        forms.cost(form, placeholder=words.money(average, currency) if average is not None else "61.00")
        forms.note(form, placeholder=tr("Why the cost changes"))

        def post(key: str, values: forms.Values) -> CostSet:
            cost = forms.some_cost(values, currency)
            if cost is None:
                raise invalid("unit cost", "is required")
            line = CostLine(variant_id=seen.row.variant_id, unit_cost=cost, seen=average)
            return session.run(costs.set_costs, lines=[line], key=key, note=values["note"])[0]

        forms.submit(
            form,
            tr("Set the cost"),
            post,
            is_main=False,
            say=lambda done: feedback.Notice(
                text=tr(
                    "{sku} costs {unit_cost} from now on.",
                    sku=done.sku,
                    unit_cost=words.money(done.unit_cost, currency),
                )
            ),
        )
