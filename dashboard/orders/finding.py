"""The results of the search field: orders first, then variants and products, in one list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamlit.column_config import TextColumn

from core.screens.finding import Found
from dashboard.frame import columns, lists, selling, tables, words
from dashboard.frame import page as frame
from dashboard.language.texts import tr

_STATES = selling.ORDER_STATES | {state: colour for state, colour in tables.STATUSES.items() if state != "Open"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """A row of the list, and the page that it opens."""

    kind: str
    title: str
    about: str
    amount: str
    paid: str
    states: list[str]
    page: str
    query: Mapping[str, str]


def show(seen: Found, text: str) -> None:
    """Show what was found, or what can be searched for."""
    results = _results(seen)
    if not results:
        _show_nothing(text)
        return
    most = tr(" Only the latest {orders} orders are shown.", orders=words.number(len(seen.orders))) if seen.more else ""
    lists.show_head(
        tr(
            "{results} for {value}.{most}",
            results=words.plural(len(results), "result"),
            value=words.plain(text[:80]),
            most=most,
        ),
        key="find_head",
    )
    ids = list(range(len(results)))
    titles = [each.title for each in results]
    abouts = [words.joined(each.about, each.amount, each.paid) for each in results]

    def pick(place: int) -> None:
        frame.go(results[place].page, results[place].query)

    columns.show(
        {
            "what": (titles, columns.opener(tr("Found"), 160, ids, pick)),
            "kind": ([each.kind for each in results], TextColumn(tr("Kind"), width=80)),
            "about": ([each.about for each in results], TextColumn(tr("Buyer or product"), width=310)),
            "amount": ([each.amount for each in results], TextColumn(tr("Amount"), width=110, alignment="right")),
            "paid": ([each.paid for each in results], TextColumn(tr("Paid"), width=140)),
            "state": ([each.states for each in results], columns.tags(tr("State"), 236, _STATES)),
        },
        {
            "what": (titles, columns.opener(tr("Found"), 120, ids, pick)),
            "about": (abouts, TextColumn(tr("About"), width=210)),
        },
        key=columns.key_of("find", text, titles),
        alt=tr("Search results: orders, then variants and products"),
    )  # fmt: skip


def _results(seen: Found) -> list[_Result]:
    orders = [
        _Result(
            kind=tr("Order"),
            title=row.title,
            about=words.joined(row.name, row.email),
            amount=selling.money(row.amount, row.currency),
            paid=words.moment(row.paid_at, seen.shop.zone),
            states=[tr(state) for state in selling.order_states(row)],
            page="orders",
            query={"order": str(row.order_id)},
        )
        for row in seen.orders
    ]
    variants = [
        _Result(
            kind=tr("Variant"),
            title=row.sku,
            about=words.variant(row),
            amount=tr("{available} available", available=words.number(row.available)),
            paid="",
            states=[words.status(row)],
            page="stock",
            query={"sku": row.sku},
        )
        for row in seen.variants
    ]
    products = [
        _Result(
            kind=tr("Product"),
            title=row.product,
            about=words.joined(row.brand, words.plural(row.variants, "variant")),
            amount=tr("{available} available", available=words.number(row.available)),
            paid="",
            states=[],
            page="stock",
            query={"stk_q": row.product},
        )
        for row in seen.products
    ]
    return orders + variants + products


def _show_nothing(text: str) -> None:
    found = tr("Nothing matches {value}. ", value=words.plain(text[:80])) if text.strip() else ""
    frame.empty(
        tr("Nothing found") if text.strip() else tr("Search the whole shop"),
        tr(
            "{found}Search for part of an email or a buyer's name, an order number, an amount, "
            "the last four digits of a card, a SKU or barcode, an id of Stripe, or paste a link "
            "from Stripe.",
            found=found,
        ),
        icon=":material/search_off:" if text.strip() else ":material/search:",
    )
