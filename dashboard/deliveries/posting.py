"""The review of a delivery before it is posted: what is short, over and unknown, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.deliveries import changes
from core.deliveries.reads import DeliveryLine
from core.foundation.model import Posting
from core.screens.deliveries import OneDelivery
from dashboard.deliveries import parts
from dashboard.door import session
from dashboard.frame import feedback, forms, words
from dashboard.language import widgets
from dashboard.language.texts import marked, tr

STAYS, CLOSES = marked("It stays expected"), marked("It will not come")
NAMED = 12


def show(found: OneDelivery) -> None:
    """Show the review and the form that posts."""
    row, lines = found.delivery.row, found.delivery.lines
    st.subheader(tr("Post the receipt"), anchor=False)
    ready = [line for line in lines if line.scanned and line.variant_id]
    units = sum(line.scanned for line in ready)
    short = [line for line in lines if line.arrived < line.expected and line.variant_id] if row.is_announced else []
    _show_named(
        tr("Short"), [line for line in short if line.arrived or not row.is_open or units or row.received], _missing
    )
    if row.is_announced:
        _show_named(tr("Over"), [line for line in lines if line.arrived > line.expected and line.variant_id], _more)
    _show_named(tr("Unknown"), [line for line in lines if line.variant_id is None], _unknown)
    if not ready and not (row.received and short):
        nothing = not any(line.scanned for line in lines)
        st.caption(
            tr("Nothing is counted yet.") if nothing else tr("First say which variants the unknown codes belong to.")
        )
        return
    form = forms.begin(f"delivery_post_{row.delivery_id}")
    with st.form(form.name, border=False):
        if short and ready:
            missing = sum(line.expected - line.arrived for line in short)
            widgets.radio(
                tr("What is missing: {units}", units=words.units(missing)),
                (STAYS, CLOSES),
                key=form.input("rest"),
                horizontal=True,
            )
        if ready:
            forms.note(form, placeholder=tr("Optional"))
        else:
            st.caption(tr("Everything that was counted is posted. If the rest will not come, close the delivery."))

        def post(key: str, values: forms.Values) -> Posting | None:
            return session.run(
                changes.post, delivery_id=row.delivery_id, seen=row.revision, key=key,
                closes=not ready or values.get("rest") == CLOSES, note=values.get("note"),
            )  # fmt: skip

        variants = words.plural(len(ready), "variant")
        label = (
            tr("Post {units} of {variants}", units=words.units(units), variants=variants)
            if ready
            else tr("Close: the rest will not come")
        )
        forms.submit(form, label, post, say=_say, is_main=bool(ready))


def _say(posted: Posting | None) -> feedback.Notice:
    return (
        feedback.posted(posted) if posted else feedback.Notice(text=tr("The delivery is closed. Nothing was posted."))
    )


def _show_named(title: str, lines: Iterable[DeliveryLine], say: object) -> None:
    found = list(lines)
    if not found:
        return
    named = ", ".join(say(line) for line in found[:NAMED])  # type: ignore[operator]
    more = tr(" and {lines}", lines=words.plural(len(found) - NAMED, "more line")) if len(found) > NAMED else ""
    st.markdown(
        tr(
            ":{statuses}-badge[{title}] {named}{more}",
            statuses=parts.STATUSES[title],
            title=title,
            named=named,
            more=more,
        )
    )


def _missing(line: DeliveryLine) -> str:
    return tr(
        "{sku} {arrived} of {expected}",
        sku=words.plain(line.sku or line.code),
        arrived=words.number(line.arrived),
        expected=words.number(line.expected),
    )


def _more(line: DeliveryLine) -> str:
    of = tr("of {expected}", expected=words.number(line.expected)) if line.expected else tr("not announced")
    return f"{words.plain(line.sku or line.code)} {words.number(line.arrived)} {of}"


def _unknown(line: DeliveryLine) -> str:
    return f"{words.plain(line.code)} {words.number(line.arrived)}"
