"""Settings, Codes: what the codes of carts mean, who said so, and the orders that stand on it; change, end, reopen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import TextColumn

from core.foundation.model import Actor
from core.foundation.sales import LineState
from core.ledger import reports
from core.orders import meanings
from core.orders.meanings import MOST_REOPENED, MOST_ROWS, Kept, MeaningRow
from core.people.access import Permission, may
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, links, selling, words
from dashboard.frame import page as frame
from dashboard.frame.feedback import Notice
from dashboard.language import widgets
from dashboard.language.texts import marked, tr
from dashboard.settings import finding

IN_FORCE, ENDED = marked("In force"), marked("Ended")
_LAST = "_code_last"


def is_alone(person: Actor, section: str | None) -> bool:
    """Whether this is the only section for a person: support and managers give meanings, too."""
    return section == "Codes" and may(person.role, Permission.MAP_CODE) and not may(person.role, Permission.MANAGE_SHOP)


def show_meanings(person: Actor) -> None:
    """Show the meanings under the filter, and what can be done with one of them."""
    zone = session.run(reports.shop).zone
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        search = st.text_input(
            tr("Search"),
            key="set_code_q",
            type="search",
            placeholder=tr("Code, SKU, product, person"),
            bind="query-params",
        )
        state = widgets.segmented_control(
            tr("State"), [IN_FORCE, ENDED], default=IN_FORCE, required=True, key="set_code_state"
        )
    rows = session.run(meanings.meanings, search=search or "", in_force=state != ENDED)
    _show_refused({row.meaning_id for row in rows})
    if not rows:
        frame.empty(
            tr("No code has a meaning here"),
            tr("A code that no variant has opens a case. Say there what it is, and it is listed here."),
            icon=":material/dictionary:",
            begin=_begin,
        )
        return
    _show_table(rows, zone)
    if len(rows) == MOST_ROWS:
        st.caption(tr("The latest {most_rows}. Search for the others.", most_rows=MOST_ROWS))
    if may(person.role, Permission.MAP_CODE):
        _show_one(rows, zone)


def _begin() -> None:
    links.begin("alerts", tr("Open cases"), icon=":material/notifications:", is_main=False)


def _show_refused(shown: set[int]) -> None:
    """Show why the last change was refused, if its meaning has ended meanwhile and its forms are gone."""
    last: int | None = st.session_state.get(_LAST)
    if last is None or last in shown:
        return
    for name in (f"meaning_{last}", f"meaning_end_{last}"):
        draft = forms.begin(name).draft
        if draft.problem is not None:
            feedback.show(draft.problem)
            draft.problem = None


def _show_table(rows: Sequence[MeaningRow], zone: str) -> None:
    cells = marked(
        {
            "Code": [row.code for row in rows],
            "Means": [_means(row) for row in rows],
            "For": [_scope(row) for row in rows],
            "Given by": [row.added_by for row in rows],
            "When": [words.moment(row.added_at, zone) for row in rows],
            "Orders": [words.number(row.orders) for row in rows],
        }
    )
    if rows[0].ended_at is not None:
        cells["Ended by"] = [row.ended_by or "" for row in rows]
        cells["Ended"] = [words.moment(row.ended_at, zone) for row in rows]
    wide = {name: (each, TextColumn()) for name, each in cells.items()}
    narrow = {name: (cells[name], TextColumn(width=112)) for name in (tr("Code"), tr("Means"), tr("Orders"))}
    key = columns.key_of("meanings", rows)
    columns.show(wide, narrow, key=key, alt=tr("What codes mean"), heights=(columns.ROW_HEIGHT, columns.TALL_ROW))


def _means(row: MeaningRow) -> str:
    goods = row.product and words.sized(row.product, row.size)
    return words.joined(row.means, goods)


def _scope(row: MeaningRow) -> str:
    return tr("Every order") if row.order_id is None else _order(row.number, row.buyer, row.amount or 0, row.currency)


def _order(number: str | None, buyer: str | None, amount: int, currency: str | None) -> str:
    """Return what an order is called: its number, or its buyer and amount."""
    return (
        tr("Order {number}", number=number)
        if number
        else words.joined(buyer or tr("Unknown buyer"), selling.money(amount, currency))
    )


def _show_one(rows: Sequence[MeaningRow], zone: str) -> None:
    by_id = {row.meaning_id: row for row in rows}
    chosen = st.selectbox(
        tr("Code"),
        list(by_id),
        format_func=lambda each: _label(by_id[each]),
        key=f"set_code_{columns.key_of('', rows)}",
    )
    row = by_id[chosen]
    st.session_state[_LAST] = row.meaning_id
    with st.container(border=True, key="set_code_card"):
        st.markdown(tr("**{code}** means **{means}**.", code=words.plain(row.code), means=words.plain(row.means)))
        said = tr("Given by {added_by}, {added_at}", added_by=row.added_by, added_at=words.moment(row.added_at, zone))
        ended = row.ended_by and tr(
            "ended by {ended_by}, {ended_at}", ended_by=row.ended_by, ended_at=words.moment(row.ended_at, zone)
        )
        st.caption(words.plain(words.joined(said, _scope(row), ended)))
        if row.orders:
            links.to_page(
                "orders",
                tr("{orders} with lines that stand on it", orders=words.plural(row.orders, "order")),
                icon=":material/receipt_long:",
                ord_q=row.code,
            )
        reopenable = len(session.run(meanings.touched, meaning_id=row.meaning_id))
        _show_kept(session.run(meanings.kept, meaning_id=row.meaning_id))
        if row.ended_at is not None:
            _show_reopen(row, reopenable)
            return
        change, end = st.columns(2, gap="medium")
        with change:
            _show_change(row, reopenable)
        with end:
            _show_end(row, reopenable)


def _label(row: MeaningRow) -> str:
    return f"{row.code}: {row.means}" if row.order_id is None else f"{row.code}: {row.means}, {_scope(row)}"


def _show_kept(kept: Sequence[Kept]) -> None:
    for each in kept:
        name = _order(each.number, each.buyer, each.amount, each.currency)
        st.caption(
            words.plain(tr("{name}: {code} {kept}, so it stays as it is.", name=name, code=each.code, kept=each.kept))
        )


def _show_change(row: MeaningRow, reopenable: int) -> None:
    st.subheader(tr("Change"), anchor=False)
    if row.order_id is not None:
        st.caption(tr("It is for one order. End it and reopen the order; its case then asks again."))
        return
    form = forms.begin(f"meaning_{row.meaning_id}")
    asked = finding.ask(form, kind=row.kind)
    with st.form(form.name, border=False):
        finding.ask_units(form, asked)
        _ask_reopen(form, reopenable)

        def post(key: str, values: forms.Values) -> Notice:
            meaning, said = asked.meaning(values)
            notice = finding.give_and_retry(row.code, meaning, said, row.meaning_id, key)
            return _with_reopened(notice, row, key, is_asked=bool(values.get("reopen")))

        forms.submit(form, tr("Change"), post, icon=":material/edit:", say=lambda notice: notice)


def _show_end(row: MeaningRow, reopenable: int) -> None:
    st.subheader(tr("End"), anchor=False)
    form = forms.begin(f"meaning_end_{row.meaning_id}")
    with st.form(form.name, border=False):
        st.caption(
            tr("From now on lines with this code wait for a person. Lines of past orders stay, unless reopened.")
        )
        _ask_reopen(form, reopenable)

        def post(key: str, values: forms.Values) -> Notice:
            session.run(meanings.end, meaning_id=row.meaning_id)
            notice = Notice(text=tr("{code} has no meaning anymore.", code=row.code))
            return _with_reopened(notice, row, key, is_asked=bool(values.get("reopen")))

        forms.submit(form, tr("End"), post, icon=":material/block:", say=lambda notice: notice, is_main=False)


def _show_reopen(row: MeaningRow, reopenable: int) -> None:
    if not reopenable:
        st.caption(tr("No order can be reopened."))
        return
    form = forms.begin(f"meaning_reopen_{row.meaning_id}")
    with st.form(form.name, border=False):
        st.caption(_consequence(reopenable))

        def post(key: str, _: forms.Values) -> Notice:
            return _with_reopened(Notice(text=""), row, key, is_asked=True)

        forms.submit(form, tr("Reopen orders"), post, icon=":material/undo:", say=lambda notice: notice)


def _ask_reopen(form: forms.Form, reopenable: int) -> None:
    if reopenable:
        st.toggle(tr("Reopen {orders}", orders=words.plural(reopenable, "order")), key=form.input("reopen"))
        st.caption(_consequence(reopenable))


def _consequence(reopenable: int) -> str:
    text = tr(
        "What was taken for these lines goes back on the shelf, and they are tried with what the code means then."
    )
    return (
        tr("{value} {most_reopened} orders at once.", value=text, most_reopened=MOST_REOPENED)
        if reopenable > MOST_REOPENED
        else text
    )


def _with_reopened(notice: Notice, row: MeaningRow, key: str, *, is_asked: bool) -> Notice:
    """Reopen the first orders that stand on a meaning which has ended, each in its own operation, and say so."""
    if not is_asked:
        return notice
    orders = session.run(meanings.touched, meaning_id=row.meaning_id)
    whole = 0
    for order_id in orders[:MOST_REOPENED]:
        lines = session.run(
            meanings.reopen, order_id=order_id, meaning_id=row.meaning_id, key=f"{key}:reopen:{order_id}"
        )
        whole += all(line.state is not LineState.FAILED for line in lines)
    tried = min(len(orders), MOST_REOPENED)
    text = tr(
        "{value} {orders} reopened, {whole} complete.",
        value=notice.text,
        orders=words.plural(tried, "order"),
        whole=whole,
    ).strip()
    left = len(orders) - tried
    return Notice(
        text=tr("{value} {more_orders} can be reopened.", value=text, more_orders=words.plural(left, "more order"))
        if left
        else text
    )
