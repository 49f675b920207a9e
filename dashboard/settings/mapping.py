"""Settings, Stripe, Cart mapping: a form that describes how this shop writes its carts, with a live preview.

The preview shows how the latest payments are read with and without the mapping. Nothing is saved until Save mapping.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.column_config import TextColumn
from streamlit.delta_generator import DeltaGenerator

from core.carts import mapping as cart_mapping
from core.carts.mapping import CartMapping, Layout
from core.carts.pieces import NUMBER
from core.carts.positions import ANYTHING
from core.foundation.errors import InvalidInput, UnreadableCart
from core.foundation.sales import Cart, Lookup, Payment
from core.orders import stripe_link
from core.orders.stripe_link import MOST_RETRIED, Connected, Tried
from dashboard.door import session
from dashboard.frame import columns, outcome, selling, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.carts import HELP, LABELS, LAYOUTS
from dashboard.language.said import translated
from dashboard.language.texts import tr

ALONE = Layout.RECOGNISED
_INSIDE = ("code", "quantity", "size", "name", "price", "more_codes")
FIELDS: dict[str, tuple[str, ...]] = {
    ALONE: ("email",),
    Layout.LIST: ("key", "path", *_INSIDE, "field_separator", "count", "email"),
    Layout.MAP: ("key", "path", "quantity", "size", "name", "price", "count", "email"),
    Layout.PACKED: ("key", "line_separator", "field_separator", *_INSIDE, "count", "email"),
    Layout.NUMBERED: (*_INSIDE, "count", "email"),
    Layout.PARALLEL: (*_INSIDE, "line_separator", "count", "email"),
    Layout.KEYS: ("key", "price", "email"),
    Layout.ORDER: ("key", "email"),
}
_EXAMPLES: dict[str, dict[str, str]] = {
    ALONE: {"email": "customer_email"},
    Layout.LIST: {"key": "cart", "code": "sku", "quantity": "qty", "size": "size"},
    Layout.MAP: {"key": "cart", "quantity": "quantity"},
    Layout.PACKED: {"key": "cart", "code": "1", "quantity": "2"},
    Layout.NUMBERED: {"code": f"product_{NUMBER}_id", "quantity": f"product_{NUMBER}_qty"},
    Layout.PARALLEL: {"code": "handles", "quantity": "quantities"},
    Layout.KEYS: {"key": f"sku_{ANYTHING}"},
    Layout.ORDER: {"key": "order_id"},
}
_SEPARATORS = {"line_separator": ",", "field_separator": ":"}
_RAW = 300
TIMES = "\N{MULTIPLICATION SIGN}"


def show(seen: Connected) -> None:
    """Show the cart mapping with its preview."""
    with st.container(border=True, key="stripe_mapping"):
        st.subheader(tr("Cart mapping"), anchor=False)
        st.caption(
            tr(
                "Carts are read from Stripe Checkout, or from the payment's metadata if it has one "
                "of the common formats. If yours is not recognised, describe its format here. A cart "
                "is read completely or not at all."
            )
        )
        _show_mapping(seen)


# ---------------------------------------------------------------- the mapping


def _show_mapping(seen: Connected) -> None:
    saved = seen.mapping
    mark = columns.key_of("map", seen.link.cart_mapping)  # its inputs start again when the saved mapping changes
    layouts = list(LAYOUTS)
    layout = st.selectbox(
        tr("How the cart is written"), layouts, layouts.index(saved.layout if saved else ALONE),
        format_func=LAYOUTS.__getitem__, key=f"set_map_layout_{mark}", width=480,
    )  # fmt: skip
    values = _ask(layout, saved if saved and saved.layout == layout else None, mark)
    mapping, problem = _mapping_of(layout, values)
    _show_buttons(
        saved, mapping, problem, is_touched=any(values[name].strip() for name in values if name not in _SEPARATORS)
    )
    _show_retry(seen)
    _show_preview(session.run(stripe_link.recent_payments), mapping, seen.shop.zone)


def _ask(layout: str, saved: CartMapping | None, mark: str) -> dict[str, str]:
    """Draw the fields of a layout and return what is typed; it is tried on the payments below at once."""
    values: dict[str, str] = {}
    for cell, name in zip(in_threes(len(FIELDS[layout])), FIELDS[layout], strict=False):
        present = getattr(saved, name) if saved else _SEPARATORS.get(name, "")
        values[name] = cell.text_input(
            _label(layout, name),
            ", ".join(present) if isinstance(present, tuple) else _written(present),
            key=f"set_map_{name}_{layout}_{mark}",
            placeholder=_EXAMPLES[layout].get(name, ""),
            help=_help(layout, name),
            max_chars=200,
        )
    return values


def _label(layout: str, name: str) -> str:
    if layout == Layout.PACKED and name in _INSIDE:
        return tr("{labels}: position{part}", labels=LABELS[name], part="s" if name == "more_codes" else "")
    if layout == Layout.NUMBERED and name in _INSIDE:
        return tr("{labels}: key with {number}", labels=LABELS[name], number=NUMBER)
    if layout == Layout.PARALLEL and name in _INSIDE:
        return tr("{labels}: key", labels=LABELS[name])
    if layout == Layout.KEYS and name == "key":
        return tr("Key, with {anything} for the code", anything=ANYTHING)
    return LABELS[name]


def _help(layout: str, name: str) -> str | None:
    if layout in (Layout.KEYS, Layout.ORDER) and name == "key":
        return None
    return HELP.get(name)


def _written(separator: str) -> str:
    """Return a separator as people type it: `\\n` for a line break, `\\t` for a tab."""
    return separator.replace("\n", "\\n").replace("\t", "\\t")


def _mapping_of(layout: str, values: dict[str, str]) -> tuple[CartMapping | None, InvalidInput | None]:
    """Return the typed mapping, or its error."""
    if layout == ALONE and not values["email"].strip():
        return None, None
    given: dict[str, Any] = {name: text.strip() for name, text in values.items() if name not in _SEPARATORS}
    given |= {name: values[name].replace("\\n", "\n").replace("\\t", "\t") for name in _SEPARATORS if name in values}
    if "more_codes" in given:
        given["more_codes"] = [code.strip() for code in given["more_codes"].split(",") if code.strip()]
    try:
        return cart_mapping.from_json({"layout": layout, **given}), None
    except InvalidInput as problem:
        return None, problem


def _show_buttons(
    saved: CartMapping | None, mapping: CartMapping | None, problem: InvalidInput | None, *, is_touched: bool
) -> None:
    if problem is not None:
        field = LABELS.get(problem.field, problem.field)
        (st.warning if is_touched else st.caption)(
            tr("Incomplete mapping: {value}", value=words.plain(f"{field} {translated(problem.why)}."))
        )
    with st.container(horizontal=True):
        st.button(
            tr("Save mapping"), type="primary", key="set_map_save", disabled=mapping is None or mapping == saved,
            on_click=outcome.do, args=(tr("The cart mapping is saved."), stripe_link.save_mapping),
            kwargs={"mapping": mapping},
        )  # fmt: skip
        st.button(
            tr("Remove mapping"), key="set_map_remove", disabled=saved is None,
            on_click=outcome.do, args=(tr("The cart mapping is removed."), stripe_link.save_mapping),
            kwargs={"mapping": None},
        )  # fmt: skip


def _show_retry(seen: Connected) -> None:
    """Offer to read carts again that could not be read, if there are any."""
    if not seen.cartless:
        return
    count = (
        words.plural(seen.cartless, "order")
        if seen.cartless < MOST_RETRIED
        else tr("{most_retried} orders", most_retried=formats.number(MOST_RETRIED))
    )
    with st.container(horizontal=True, vertical_alignment="center", key="stripe_retry"):
        st.markdown(
            tr(
                ":material/help_center: **{count}** without a readable cart. Their units are still on the shelf.",
                count=count,
            )
        )
        st.button(
            tr("Read {count} again", count=count),
            key="set_map_retry",
            icon=":material/refresh:",
            help=tr("With the saved mapping, in the background. Carts that still cannot be read keep their case."),
            on_click=_retry,
        )


def _retry() -> None:
    memory = outcome.remembered()
    retried = outcome.do("", stripe_link.retry_carts)
    if retried is not None:
        memory.done = tr("{orders} will be read again within a minute.", orders=words.plural(retried, "order"))


# ---------------------------------------------------------------- the preview


def _show_preview(payments: Sequence[Payment], mapping: CartMapping | None, zone: str) -> None:
    if not payments:
        frame.empty(
            tr("There are no payments yet"),
            tr("The carts of the latest payments are previewed here. Import orders to have some."),
            icon=":material/shopping_cart:",
            begin=frame.import_orders,
        )
        return
    tried = stripe_link.try_mapping(payments, mapping)
    readable = sum(isinstance(row.mapped, Cart) or _is_checkout(row, row.mapped) for row in tried)
    what = tr("with this mapping") if mapping else tr("without a mapping")
    st.markdown(
        tr(
            "**The latest {payments}:** {readable} can be read {what}.",
            payments=words.plural(len(tried), "payment"),
            readable=readable,
            what=what,
        )
    )

    def narrow() -> None:
        with st.container(gap="small"):
            for row in tried:
                _show_tried(row, zone, is_mapped=mapping is not None)

    wide = {
        tr("Paid"): ([words.moment(row.payment.paid_at, zone) for row in tried], TextColumn(width=136)),
        tr("Amount"): ([_money(row.payment) for row in tried], TextColumn(width=90)),
        tr("Metadata"): ([_metadata(row.payment) for row in tried], TextColumn(width=300)),
        tr("Without mapping"): ([_result(row, row.alone) for row in tried], TextColumn()),
    }
    mapped = {tr("With this mapping"): ([_result(row, row.mapped) for row in tried], TextColumn())} if mapping else {}
    columns.show(wide | mapped, narrow, key="tried", alt=tr("Preview of the latest carts"))
    st.caption(tr("Metadata may contain personal data. Only admins see this page."))


def _show_tried(row: Tried, zone: str, *, is_mapped: bool) -> None:
    with st.container(gap=None):
        st.markdown(f"**{words.plain(_money(row.payment))}**{words.DOT}{words.moment(row.payment.paid_at, zone)}")
        st.caption(tr("Without mapping: {row}", row=words.plain(_result(row, row.alone))))
        if is_mapped:
            st.caption(tr("With this mapping: {row}", row=words.plain(_result(row, row.mapped))))


def _is_checkout(row: Tried, found: Cart | Lookup | UnreadableCart | None) -> bool:
    return found is None and row.payment.session_id is not None


def _result(row: Tried, found: Cart | Lookup | UnreadableCart | None) -> str:
    """Return the result of reading a cart: its lines, an order number, none, or why it cannot be read."""
    if _is_checkout(row, found):
        return tr("The lines of Stripe Checkout")
    match found:
        case Cart():
            lines = [
                f"{line.quantity} {TIMES} {line.code}" + (f" ({line.size})" if line.size else "")
                for line in found.lines
            ]
            return ", ".join(lines)
        case Lookup():
            return tr("Order {reference}, with its lines elsewhere", reference=found.reference)
        case UnreadableCart():
            return tr("Not readable: {why}", why=translated(found.why))
    return tr("No cart")


def _money(payment: Payment) -> str:
    return selling.money(payment.amount, payment.currency)


def _metadata(payment: Payment) -> str:
    text = json.dumps(dict(payment.metadata), ensure_ascii=False) if payment.metadata else tr("none")
    return text if len(text) <= _RAW else f"{text[:_RAW]} ..."


def in_threes(count: int) -> list[DeltaGenerator]:
    """Return cells for inputs, three in a row, created row by row so that they keep their order on a phone."""
    return [cell for _ in range(0, count, 3) for cell in st.columns(3)]
