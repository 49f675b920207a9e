"""Choosing the variant of an order's line whose code could mean several: for this order alone, nothing is mapped."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.errors import UnknownVariant
from core.foundation.sales import LineState
from core.orders import cases
from core.orders.reads import Meant, OrderLine
from dashboard.door import session
from dashboard.frame import feedback, forms, words
from dashboard.frame.feedback import Notice

MOST_LINES = 5


def show(alert: Alert, lines: Sequence[OrderLine]) -> None:
    """Show a form for each of the first lines."""
    for line in lines[:MOST_LINES]:
        refused = forms.begin(map_form(line.code)).draft  # its form is gone: the code has become unclear meanwhile
        if refused.problem is not None:
            feedback.show(refused.problem)
            refused.problem = None
        _show_line(alert, line)


def map_form(code: str) -> str:
    """Return the name of the form that maps a code."""
    return f"map_{code}"


def _show_line(alert: Alert, line: OrderLine) -> None:
    form = forms.begin(f"choose_{line.line_id}")
    with st.form(form.name, border=False):
        said = words.joined(line.name, line.size and f"size {line.size}")
        called = f" ({words.plain(said)} in the cart)" if said else ""
        st.markdown(
            f"Several variants begin with **{words.plain(line.code)}** or share it{called}. Choose the one of this "
            "order. The code is not mapped, so later orders ask again."
        )
        variants = {variant.sku: variant for variant in line.variants}
        st.selectbox(
            "Variant", list(variants), None, format_func=lambda sku: _label(variants[sku]), key=form.input("sku")
        )

        def post(key: str, values: forms.Values) -> Notice:
            return choose(alert, line, values["sku"] or "", key)

        forms.submit(form, "Choose for this order", post, icon=":material/check:", say=lambda notice: notice)


def choose(alert: Alert, line: OrderLine, sku: str, key: str) -> Notice:
    """Choose the variant of a line by its SKU and return what became of the line. Raises UnknownVariant."""
    found = next((variant.variant_id for variant in line.variants if variant.sku == sku), None)
    if found is None:
        raise UnknownVariant("Choose one of the variants first. Nothing was changed.")
    done = session.run(
        cases.choose_variant, order_id=line.order_id, line_id=line.line_id, variant_id=found, key=key
    )  # fmt: skip
    tried = next(each for each in done if each.line_id == line.line_id)
    name = alert.order_name or ""
    if tried.state is LineState.FAILED:
        return Notice(text=f"Order {name}: {sku} is chosen. There is not enough of it; the case stays open.")
    return Notice(text=f"Order {name}: {words.units(tried.taken)} of {sku} taken off the shelf.")


def _label(variant: Meant) -> str:
    return words.joined(variant.sku, variant.size and f"size {variant.size}", variant.product)
