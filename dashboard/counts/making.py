"""Begin a count: a name, what it covers, and whether it is blind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.counts import entering, sessions
from core.counts.sessions import Scope
from core.deliveries import note
from core.foundation.model import Actor
from core.ledger import reports
from core.people.access import Permission, may
from dashboard.counts import parts
from dashboard.door import session
from dashboard.frame import feedback, forms, lists, words
from dashboard.frame import page as frame
from dashboard.language.texts import tr


def show(person: Actor) -> None:
    """Show the form for a new session."""
    st.button(
        tr("All counts"), icon=":material/arrow_back:", on_click=lists.put, args=(parts.NEW, None), key="cnt_back"
    )
    if not may(person.role, Permission.COUNT):
        frame.empty(tr("Your role cannot count"), tr("The warehouse, a manager or an admin can begin a count."))
        return
    st.subheader(tr("New count"), anchor=False)
    with st.container(width=640):
        chosen = st.selectbox(tr("What to count"), list(Scope), format_func=parts.SCOPES.__getitem__, key="cnt_scope")
        scope = Scope(str(chosen))
        form = forms.begin("count_new")
        with st.form(form.name):
            _show_scope(form, scope)
            usual = parts.SCOPES[scope]
            st.text_input(tr("Name"), key=form.input("name"), placeholder=usual)
            st.toggle(
                tr("Blind"),
                key=form.input("blind"),
                help=tr("Nobody sees what is expected while counting. Variances are shown when counting is finished."),
            )

            def post(key: str, values: forms.Values) -> int:
                return start(key, scope, values["name"] or usual, is_blind=bool(values["blind"]), values=values)

            forms.submit(form, tr("Start counting"), post, say=_started)


def _show_scope(form: forms.Form, scope: Scope) -> None:
    if scope is Scope.BRAND:
        st.selectbox(tr("Brand"), session.run(reports.brands), key=form.input("brand"))
    elif scope is Scope.PRODUCT:
        names = session.run(sessions.products)
        st.multiselect(
            tr("Products"), list(names), format_func=names.__getitem__, key=form.input("products"),
            placeholder=tr("Choose"),
        )  # fmt: skip
    elif scope is Scope.LIST:
        st.text_area(
            tr("SKUs or codes"),
            key=form.input("list"),
            placeholder=tr("One a line"),
            height=160,
            help=tr("A column copied from a spreadsheet works too."),
        )
    elif scope is Scope.NOT_COUNTED:
        forms.number_field(tr("Days"), key=form.input("days"), value=60)
    elif scope is Scope.SIZE_RUNS:
        st.caption(tr("All sizes of each product that has both sizes to sell and sizes that are sold out."))
    elif scope is Scope.MOST_VALUABLE:
        st.caption(tr("A tenth of the variants: those with the highest value on hand, at cost, else at their price."))


def start(key: str, scope: Scope, name: str, *, is_blind: bool, values: forms.Values) -> int:
    """Begin a session with what was typed, and return its number."""
    given: dict[str, Any] = {}
    if scope is Scope.BRAND:
        given["brand"] = values["brand"]
    elif scope is Scope.PRODUCT:
        given["product_ids"] = values["products"] or ()
    elif scope is Scope.LIST:
        given["variant_ids"] = session.run(entering.find_all, names=_listed(values["list"] or ""))
    elif scope is Scope.NOT_COUNTED:
        given["days"] = forms.units(values, "days", highest=3_650)
    return session.run(sessions.start, name=name, scope=scope, is_blind=is_blind, key=key, **given)


def _listed(text: str) -> Sequence[str]:
    """Return the first column of pasted lines, without the name of the column."""
    first = [line.replace(";", "\t").partition("\t")[0].strip() for line in text.splitlines()]
    codes = [code for code in first if code]
    return codes[1:] if codes and note.names_code(codes[0]) else codes


def _started(count_id: int) -> feedback.Notice:
    parts.open_count(count_id)
    return feedback.Notice(text=words.joined(tr("Count {count_id}", count_id=count_id), tr("started")))
