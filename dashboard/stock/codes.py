"""The codes of a variant on its page: listed, added and removed."""

from __future__ import annotations

import streamlit as st

from core.catalog import codes
from core.catalog.codes import Attached, CodeKind, VariantCode
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.stock import Variant
from dashboard.door import session
from dashboard.frame import feedback, forms, words
from dashboard.frame import page as frame
from dashboard.language.texts import lazy, tr
from dashboard.stock import labels

KINDS = lazy(
    {
        CodeKind.EAN: "EAN",
        CodeKind.UPC: "UPC",
        CodeKind.CARTON: "Carton",
        CodeKind.SUPPLIER: "Supplier's code",
        CodeKind.FORMER_SKU: "Former SKU",
    }
)


def show(seen: Variant, person: Actor) -> None:
    """Show the codes that a scan finds this variant by, and the form that adds one."""
    row = seen.row
    with frame.heading(tr("Codes")):
        st.button(
            tr("Labels"),
            key="stk_label",
            icon=":material/label:",
            type="tertiary",
            on_click=labels.open_variant,
            args=(row.sku,),
        )
    may_change = may(person.role, Permission.ATTACH_CODE)
    own = tr("its SKU and its barcode") if row.barcode else tr("its SKU")
    more = tr(" and by these codes.") if seen.codes else tr(". Add the codes on its box and its carton.")
    st.caption(tr("A scan finds this variant by {own}{more}", own=own, more=more))
    removal = forms.begin(f"code_gone_{row.variant_id}")
    if removal.draft.problem is not None:
        feedback.show(removal.draft.problem)
    for code in seen.codes:
        _show_code(code, row.sku, removal, may_change=may_change)
    if may_change:
        with st.expander(tr("Add a code"), icon=":material/barcode:"):
            _show_form(seen)


def _show_code(code: VariantCode, sku: str, removal: forms.Form, *, may_change: bool) -> None:
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        wrap=False,
        key=f"flush_code_{code.code_id}",
    ):
        of_units = f"{words.DOT}{words.units(code.units)}" if code.units > 1 else ""
        st.markdown(
            f"**{words.plain(code.code)}** {KINDS[code.kind]}{of_units}",
            help=tr("Added by {added_by}", added_by=words.plain(code.added_by)),
        )
        if may_change and code.kind is not CodeKind.FORMER_SKU:
            st.button(
                tr("Remove"), key=f"code_gone_{code.code_id}", icon=":material/delete:", type="tertiary",
                on_click=_remove, args=(removal.draft, removal.draft.key, code, sku),
            )  # fmt: skip


def _remove(draft: forms.Draft, key: str, code: VariantCode, sku: str) -> None:
    def post() -> feedback.Notice:
        session.run(codes.detach, code_id=code.code_id)
        return feedback.Notice(text=tr("{code} is no longer a code of {sku}", code=code.code, sku=sku))

    forms.send(draft, key, feedback.messages(), post)


def _show_form(seen: Variant) -> None:
    form = forms.begin(f"code_{seen.row.variant_id}")
    offered = [kind for kind in KINDS if kind is not CodeKind.FORMER_SKU]
    with st.form(form.name, border=False, enter_to_submit=True):
        st.text_input(tr("Code"), key=form.input("code"), placeholder=tr("Scan or type it"))
        st.selectbox(tr("Kind"), offered, format_func=KINDS.__getitem__, key=form.input("kind"))
        forms.number_field(tr("Units in a carton"), key=form.input("units"), placeholder=tr("Only for a carton"))

        def post(key: str, values: forms.Values) -> Attached:
            units = forms.some_units(values, "units", highest=codes.MOST_IN_CARTON) or 1
            return session.run(
                codes.attach, variant_id=seen.row.variant_id, code=str(values["code"] or ""), kind=str(values["kind"]),
                units=units, key=key,
            )  # fmt: skip

        forms.submit(
            form,
            tr("Add the code"),
            post,
            say=lambda _: feedback.Notice(text=tr("Added a code to {sku}", sku=seen.row.sku)),
        )
