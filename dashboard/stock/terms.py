"""The terms on which goods are ordered, and the form that changes them, for a variant, a brand or the shop."""

from __future__ import annotations

import streamlit as st

from core.foundation import numbers
from core.foundation.errors import EditedMeanwhile, invalid
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.replenishment import terms
from core.replenishment.terms import LABELS, Counting, Edit, Term, Terms, Whose
from core.screens.stock import Variant
from dashboard.door import session
from dashboard.frame import feedback, forms, tables, words
from dashboard.frame import page as frame
from dashboard.language.said import translated
from dashboard.language.texts import lazy, tr

WHOSE = lazy(
    {
        Whose.VARIANT: "set for this variant",
        Whose.BRAND: "of the brand",
        Whose.SHOP: "of the shop",
        Whose.USUAL: "assumed, nobody has set it",
    }
)
_HELP = lazy(
    {
        Term.SUPPLIER: "From whom it is ordered.",
        Term.LEAD_DAYS: "Days from the order until the goods are on the shelf.",
        Term.PACK_SIZE: "It is ordered in whole packs of so many units.",
        Term.COVER_DAYS: "Days that the stock is to last after the goods have arrived.",
    }
)


def show(seen: Variant, person: Actor) -> None:
    """Show on what terms a variant is ordered, whose each term is, and for managers the form."""
    row = seen.row
    own, counting = seen.terms
    with frame.heading(tr("Ordering")):
        if may(person.role, Permission.SET_ORDER_TERMS):
            with st.popover(tr("Edit terms"), icon=":material/edit:", key="stk_terms_edit"):
                st.caption(tr("An empty field takes the value of the brand, else that of the shop."))
                show_form(own, name=f"terms_{row.sku}", usual=counting)
    supplier = counting.supplier or words.NOTHING
    lead, cover = words.plural(counting.lead_days, "day"), words.plural(counting.cover_days, "day")
    pack = words.units(counting.pack_size)
    tables.show_facts({
        tr("Supplier"): supplier if counting.supplier is None else f"{supplier}, {WHOSE[counting.supplier_of]}",
        tr("Lead time"): f"{lead}, {WHOSE[counting.lead_of]}",
        tr("Cover"): f"{cover}, {WHOSE[counting.cover_of]}",
        tr("Pack"): f"{pack}, {WHOSE[counting.pack_of]}",
    })  # fmt: skip


def show_form(now: Terms, *, name: str, usual: Counting | None = None) -> None:
    """Show the form that changes the terms of a variant, a brand or the shop. It sends only what was changed."""
    form = forms.begin(name)
    before: dict[Term, str | None] = forms.opened_with(form, lambda: {term: now.text(term) for term in Term})
    problem = form.draft.problem
    if isinstance(problem, EditedMeanwhile) and problem.edited:
        st.button(
            tr("Start from the new values"), key=f"{form.name}_again", icon=":material/refresh:", on_click=_start_again,
            args=(form.draft, before, problem), help=tr("Keeps what you typed. Then press Save terms again."),
        )  # fmt: skip
    with st.form(form.name, border=False):
        for term in Term:
            if term is Term.SUPPLIER:
                st.text_input(
                    translated(LABELS[term]), before[term] or "", key=form.input(term.value), help=_HELP[term],
                    autocomplete="off",
                    placeholder=(usual.supplier or "") if usual else "",
                )  # fmt: skip
            else:
                inherited = str(getattr(usual, term.value)) if usual else ""
                st.text_input(
                    translated(LABELS[term]), before[term] or "", key=form.input(term.value), help=_HELP[term],
                    type="phone",
                    icon="", autocomplete="off", validate="", placeholder=inherited,
                )  # fmt: skip

        def post(key: str, values: forms.Values) -> bool:
            edits = [
                Edit(term=term, before=before[term], after=values[term.value], variant_id=now.variant_id,
                     brand=now.brand)
                for term in Term
                if (values[term.value] or "").strip() != (before[term] or "")
            ]  # fmt: skip
            if not edits:
                raise invalid("form", "has no change to save")
            return session.run(terms.edit, edits=edits, key=key, mark=numbers.group_mark(st.context.locale))

        forms.submit(form, tr("Save terms"), post, say=_said)


def _said(_: bool) -> feedback.Notice:
    return feedback.Notice(text=tr("Terms of ordering saved"))


def _start_again(draft: forms.Draft, before: dict[Term, str | None], problem: EditedMeanwhile) -> None:
    for row in problem.edited:
        before[Term(row["field"])] = row["now"]
    draft.problem = None
