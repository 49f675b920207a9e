"""What is it? The meaning of the codes that an order waits for: for good, or for this order only."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.alerts.reads import Alert
from core.foundation.sales import LineState, MeaningKind
from core.orders import meanings
from core.orders.cases import Retried
from core.orders.meanings import Meaning, MeaningRow
from core.orders.nearest import Near
from core.orders.reads import Meant, OrderLine
from dashboard.door import session
from dashboard.frame import forms, links, words
from dashboard.frame.feedback import Notice
from dashboard.language import widgets
from dashboard.language.texts import marked, tr
from dashboard.settings import finding

MOST_LINES = 5
FOR_GOOD, ONCE = marked("For good"), marked("This order only")


def show(alert: Alert, waiting: Sequence[OrderLine]) -> None:
    """Ask for each of the first lines that wait for a variant."""
    lines = [line for line in waiting if line.sku is None]
    known = session.run(meanings.in_force, codes=[line.code for line in lines])
    for line in lines[:MOST_LINES]:
        with st.container(border=len(lines) > 1, key=f"what_{line.line_id}"):
            _show_line(alert, line, known.get(line.code))
    if len(lines) > MOST_LINES:
        st.caption(
            tr(
                "The first {most_lines} of {lines}. Save these, then the rest.",
                most_lines=MOST_LINES,
                lines=words.plural(len(lines), "line"),
            )
        )
    links.to_page("settings", tr("All meanings of codes"), icon=":material/dictionary:", set_section="Codes")


def _show_line(alert: Alert, line: OrderLine, known: MeaningRow | None) -> None:
    form = forms.begin(f"code_{line.line_id}")
    st.markdown(_question(line))
    if known is not None:
        st.caption(
            words.plain(
                tr(
                    "{code} means {means}, says {added_by}. Try again takes it.",
                    code=line.code,
                    means=known.means,
                    added_by=known.added_by,
                )
            )
        )
    first = [_near(variant) for variant in line.variants]
    text = "" if first else " ".join(filter(None, (line.name or line.code, line.size)))
    asked = finding.ask(form, text=text, first=first)
    is_shared = bool(line.variants) and asked.kind is MeaningKind.VARIANT
    with st.form(form.name, border=False):
        finding.ask_units(form, asked)
        if is_shared:
            st.caption(tr("For this order only: the code stays unclear, so later orders ask again."))
        else:
            widgets.segmented_control(
                tr("For"), [FOR_GOOD, ONCE], default=FOR_GOOD, key=form.input("scope"), required=True
            )

        def post(key: str, values: forms.Values) -> Notice:
            meaning, said = asked.meaning(values)
            if is_shared or values.get("scope") == ONCE:
                return choose(alert, line, meaning, said, key)
            return finding.give_and_retry(line.code, meaning, said, known.meaning_id if known else None, key)

        forms.submit(form, tr("Save and try again"), post, icon=":material/check:", say=lambda notice: notice)


def _question(line: OrderLine) -> str:
    said = words.joined(line.name, line.size and tr("size {size}", size=line.size))
    called = tr(" ({said} in the cart)", said=words.plain(said)) if said else ""
    if line.variants:
        return tr(
            "Several variants begin with **{code}** or share it{called}. What is it?",
            code=words.plain(line.code),
            called=called,
        )
    return tr("No variant has the code **{code}**{called}. What is it?", code=words.plain(line.code), called=called)


def _near(variant: Meant) -> Near:
    return Near(
        variant_id=variant.variant_id, sku=variant.sku, product=variant.product, size=variant.size, available=None,
        is_exact=False,
    )  # fmt: skip


def choose(alert: Alert, line: OrderLine, meaning: Meaning, said: str, key: str) -> Notice:
    """Say what a line means in its order alone, and return what became of it."""
    done = session.run(meanings.choose, order_id=line.order_id, line_id=line.line_id, meaning=meaning, key=key)
    return Notice(text=_chosen(alert, line, said, done))


def _chosen(alert: Alert, line: OrderLine, said: str, done: Sequence[Retried]) -> str:
    text = tr(
        "Order {order_name}: {code} means {said} in this order.",
        order_name=alert.order_name or "",
        code=line.code,
        said=said,
    )
    rest = sum(each.state is LineState.FAILED for each in done)
    return (
        tr("{value} {lines} still open.", value=text, lines=words.plural(rest, "line"))
        if rest
        else tr("{value} All lines are complete.", value=text)
    )
