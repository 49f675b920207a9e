"""What a code means, asked in a form: one variant, several with quantities, or no goods; and a search for variants.

The search and the choice are drawn outside the Streamlit form, because each of them changes what is offered next. The
quantities and the submit button are inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.foundation.errors import UnknownVariant, invalid
from core.foundation.sales import LineState, MeaningKind
from core.orders import cases, meanings, nearest
from core.orders.meanings import Meaning, Part
from core.orders.nearest import Near
from dashboard.door import session
from dashboard.frame import forms, words
from dashboard.frame.feedback import Notice
from dashboard.language.texts import lazy, tr

KINDS = lazy(
    {
        MeaningKind.VARIANT: "This variant",
        MeaningKind.BUNDLE: "Several variants",
        MeaningKind.NO_GOODS: "No goods",
    }
)
MOST_UNITS = 1_000
TIMES = "\N{MULTIPLICATION SIGN}"
MOST_RETRIES = 50
"""Orders that are retried at once when a code gets its meaning. The others wait for the next retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One drawing of the question: the kind chosen, the variants offered, and those added to the bundle, by SKU.

    `pick` is the name of the input for the choice among those offered.
    """

    kind: MeaningKind
    pick: str
    offered: dict[str, Near]
    added: dict[str, Near]

    def meaning(self, values: forms.Values) -> tuple[Meaning, str]:
        """Return what the form says, and the same in words. Raises UnknownVariant, InvalidInput."""
        if self.kind is MeaningKind.NO_GOODS:
            return Meaning(kind=self.kind), tr("no goods")
        if self.kind is MeaningKind.VARIANT:
            found = self._variant(values)
            return Meaning(kind=self.kind, variant_id=found.variant_id), found.sku
        units = {sku: forms.some_units(values, f"units_{sku}", highest=MOST_UNITS) for sku in self.added}
        parts = tuple(
            Part(variant_id=near.variant_id, quantity=units[sku]) for sku, near in self.added.items() if units[sku]
        )
        if not parts:
            raise UnknownVariant(tr("Add the variants first. Nothing was changed."))
        return Meaning(kind=self.kind, parts=parts), ", ".join(
            f"{units[sku]} {TIMES} {sku}" for sku in units if units[sku]
        )

    def _variant(self, values: forms.Values) -> Near:
        """Return the variant that was chosen, or the only one with exactly the SKU or barcode that was typed."""
        chosen = self.offered.get(values.get(self.pick) or "")
        if chosen is not None:
            return chosen
        typed = str(values.get("find") or "").strip()
        exact = [near for near in session.run(nearest.nearest, text=typed) if near.is_exact]
        if len(exact) > 1:
            skus = ", ".join(near.sku for near in exact)
            raise invalid("SKU or barcode", f"belongs to several variants: {skus}. Nothing was changed")
        if not exact:
            none = tr("No variant has the SKU or barcode {typed}. ", typed=typed[:80]) if typed else ""
            raise UnknownVariant(tr("{none}Choose one of the variants first. Nothing was changed.", none=none))
        return exact[0]


def ask(form: forms.Form, *, text: str = "", first: Sequence[Near] = (), kind: MeaningKind | None = None) -> Asked:
    """Draw the question. `text` is searched at first; `first` are offered as long as nothing else is typed."""
    chosen = st.segmented_control(
        tr("It is"), list(KINDS), default=kind or MeaningKind.VARIANT, format_func=KINDS.__getitem__,
        key=form.input("kind"), required=True,
    )  # fmt: skip
    chosen = MeaningKind(chosen or MeaningKind.VARIANT)
    if chosen is MeaningKind.NO_GOODS:
        st.caption(
            tr("Shipping, a gift card, a tip, a warranty: it counts in the money, and nothing leaves the shelf.")
        )
        return Asked(kind=chosen, pick="", offered={}, added={})
    typed = st.text_input(tr("Find"), text, key=form.input("find"), placeholder=tr("SKU, barcode, product, size"))
    found = first if first and typed == text else session.run(nearest.nearest, text=typed or "")
    offered = {near.sku: near for near in found}
    is_sure, pick = sum(near.is_exact for near in found) == 1, f"sku_{typed}"  # each search begins a new choice
    st.selectbox(
        tr("Variant"), list(offered), 0 if is_sure else None, format_func=lambda sku: label(offered[sku]),
        key=form.input(pick),
        placeholder=tr("Choose a variant") if offered else tr("Nothing is near this") if typed else tr("Search first"),
    )  # fmt: skip
    added: dict[str, Near] = {}
    if chosen is MeaningKind.BUNDLE:
        added = st.session_state.setdefault(f"{form.name}_added_{form.draft.key[-8:]}", {})
        st.button(
            tr("Add to the bundle"), icon=":material/add:", key=f"{form.name}_add", on_click=_add,
            args=(added, offered, form.inputs[pick]),
        )  # fmt: skip
    return Asked(kind=chosen, pick=pick, offered=offered, added=added)


def _add(added: dict[str, Near], offered: dict[str, Near], widget: str) -> None:
    near = offered.get(st.session_state.get(widget) or "")
    if near is not None:
        added[near.sku] = near


def ask_units(form: forms.Form, asked: Asked) -> None:
    """Draw the quantities of a bundle, inside its form; 0 leaves a variant out."""
    if asked.kind is not MeaningKind.BUNDLE:
        return
    if not asked.added:
        st.caption(tr("One bundle contains nothing yet."))
    for sku, near in asked.added.items():
        forms.number_field(
            tr("{near}: units in one", near=words.plain(label(near))), value=1, key=form.input(f"units_{sku}")
        )


def label(near: Near) -> str:
    """Return a variant as a choice: its SKU, size, product and level."""
    size = near.size and tr("size {size}", size=near.size)
    level = None if near.available is None else tr("{available} available", available=words.number(near.available))
    return words.joined(near.sku, size, near.product, level)


def give_and_retry(code: str, meaning: Meaning, said: str, seen: int | None, key: str) -> Notice:
    """Give a code its meaning for good and retry the orders that wait for it, each in its own transaction.

    Safe to repeat. Raises InvalidInput if the code could mean a variant, or got another meaning meanwhile.
    """
    given = session.run(meanings.give, code=code, meaning=meaning, seen=seen)
    whole = 0
    for order_id in given.orders[:MOST_RETRIES]:
        lines = session.run(cases.retry_order, order_id=order_id, key=f"{key}:{order_id}")
        whole += all(line.state is not LineState.FAILED for line in lines)
    tried = min(len(given.orders), MOST_RETRIES)
    left = len(given.orders) - tried
    text = tr("{code} means {said}.", code=code, said=said)
    if tried:
        text += tr(" {orders} retried, {whole} completed.", orders=words.plural(tried, "order"), whole=whole)
    return Notice(
        text=tr("{value} {more_orders} can be retried.", value=text, more_orders=words.plural(left, "more order"))
        if left
        else text
    )
