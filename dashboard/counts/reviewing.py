"""The review: what was counted against the ledger at the counted second, questions first, and applying all of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from core.counts import applying, review
from core.counts.review import Variance
from core.foundation.model import Actor, Posting
from core.people.access import Permission, may
from core.screens.counts import OneCount
from dashboard.counts import deciding, parts
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, lists, outcome, words
from dashboard.language.texts import first_upper, marked, tr

_ALL, _OFF = marked("All lines"), marked("With a variance")
_SHOWN = lists.Choice(label=marked("Lines"), key="cnt_lines", options={_OFF: False, _ALL: True}, usual=_OFF)
MOST_SHOWN = 500
STATUSES = marked({"To decide": "red", "Over the limit": "orange", "Right": "green", "Off": "gray", "Approved": "blue"})


def show(seen: OneCount, person: Actor) -> None:
    """Show the review of a session."""
    lines = seen.variances
    decides = may(person.role, Permission.COUNT)
    _show_numbers(seen)
    deciding.show_chosen(seen, decides)
    deciding.show_questions(seen, decides)
    _show_over(seen, person)
    _show_table(seen)
    _show_uncounted(seen, decides)
    if decides and lines:
        _show_apply(seen)


def _show_numbers(seen: OneCount) -> None:
    lines = seen.variances
    known = [line for line in lines if line.variance is not None]
    with st.grid(5, min_column_width=140, gap="small", key="cnt_numbers"):
        st.metric(tr("Lines counted"), words.number(len(lines)), border=True)
        right = sum(line.variance == 0 for line in known)
        st.metric(tr("Right"), words.number(right), border=True, help=tr("Lines without a variance"))
        net, gross = (sum(change(line.variance or 0) for line in known) for change in (int, abs))
        st.metric(
            tr("Variance"),
            words.signed_units(net),
            border=True,
            help=tr("{units} off without signs", units=words.units(gross)),
        )
        amounts = [line.money for line in known if line.money is not None]
        total = parts.money(sum(amounts, Decimal(0)), seen.shop) if amounts else words.NOTHING
        st.metric(tr("In money"), total, border=True, help=tr("At unit cost, else at the price"))
        st.metric(tr("Not counted"), words.number(seen.session.lines - seen.session.counted), border=True)


def status(line: Variance) -> str:
    """Return the status of a line."""
    if line.question is not None:
        return tr("To decide")
    if line.is_over:
        return tr("Approved") if line.approved_by else tr("Over the limit")
    return tr("Off") if line.variance else tr("Right")


def _show_over(seen: OneCount, person: Actor) -> None:
    waiting = [line for line in seen.variances if line.waits_for_approval]
    if not waiting:
        return
    own = [line for line in waiting if line.counted_by(person)]
    others = [line for line in waiting if not line.counted_by(person)]
    with st.container(border=True, key="cnt_over"):
        st.subheader(tr("Over the limit"), anchor=False)
        st.caption(
            tr(
                "{lines} {seen}. A manager or an admin who did not count them approves.",
                lines=words.plural(len(waiting), "line"),
                seen=_limit(seen),
            )
        )
        if not may(person.role, Permission.APPROVE_COUNT):
            return
        if own:
            st.caption(
                tr(
                    "You counted {own} of these. Another manager or admin approves what you counted.",
                    own=words.number(len(own)),
                )
            )
        if others:
            st.button(
                tr("Approve {lines}", lines=words.plural(len(others), "line")),
                key="cnt_approve",
                icon=":material/verified_user:",
                on_click=outcome.do,
                args=(tr("The lines are approved."), review.approve),
                kwargs={"count_id": seen.session.count_id, "lines": others},
            )


def _limit(seen: OneCount) -> str:
    rules = seen.rules
    given = [words.units(rules.limit_units)] if rules and rules.limit_units is not None else []
    given += [words.money(rules.limit_money, seen.shop.currency)] if rules and rules.limit_money is not None else []
    return tr("over {given}", given=" or ".join(given)) if given else tr("over the limit")


def _show_table(seen: OneCount) -> None:
    with st.container(border=True, key="cnt_table"):
        st.subheader(tr("Lines"), anchor=False)
        everything = _SHOWN.show()
        rows = [line for line in seen.variances if everything or line.variance != 0]
        if not rows:
            st.caption(tr("No line has a variance.") if seen.variances else tr("Nothing was counted."))
            return
        _show_rows(rows[:MOST_SHOWN], seen)
        if len(rows) > MOST_SHOWN:
            st.caption(
                tr("The first {most_shown} of {rows} lines.", most_shown=MOST_SHOWN, rows=words.number(len(rows)))
            )
        st.caption(
            tr(
                "Expected is the level at the second of counting. Applying changes the level by the "
                "variance, so what was sold and received since stays."
            )
        )


def _show_rows(rows: Sequence[Variance], seen: OneCount) -> None:
    skus = [row.sku for row in rows]
    off = [words.NOTHING if row.variance is None else words.signed(row.variance) for row in rows]
    after = [words.NOTHING if row.target is None else words.change(row.on_hand, row.target) for row in rows]
    colours = columns.tags(tr("Status"), 120, STATUSES)
    columns.show(
        {
            "sku": (skus, columns.opener("SKU", 116, skus, deciding.choose)),
            "product": ([words.sized(row.product, row.size) for row in rows], TextColumn(tr("Product"), width=180)),
            "expected": ([row.expected for row in rows], NumberColumn(tr("Expected"), width=74)),
            "counted": ([row.counted for row in rows], NumberColumn(tr("Counted"), width=70)),
            "off": (off, TextColumn(tr("Off by"), width=64, alignment="right")),
            "money": (
                [parts.money(row.money, seen.shop) for row in rows],
                TextColumn(tr("Money"), width=92, alignment="right"),
            ),
            "by": ([tr(first_upper(row.valued_by or "")) for row in rows], TextColumn(tr("At"), width=54)),
            "since": (
                [words.signed(row.since) if row.since_movements else "" for row in rows],
                TextColumn(tr("Since"), width=62, alignment="right", help=tr("Units moved after it was counted")),
            ),
            "after": (after, TextColumn(tr("Level"), width=84, alignment="right", help=tr("Now, and after applying"))),
            "who": ([row.who for row in rows], TextColumn(tr("Counted by"), width=110)),
            "status": ([[status(row)] for row in rows], colours),
        },
        {
            "sku": (skus, columns.opener("SKU", 118, skus, deciding.choose)),
            "numbers": (
                [
                    f"{row.expected} {words.ARROW} {words.NOTHING if row.counted is None else row.counted}"
                    for row in rows
                ],
                TextColumn(tr("Counted"), width=96, help=tr("The expected level, then what was counted")),
            ),
            "off": (off, TextColumn(tr("Off by"), width=58, alignment="right")),
            "status": ([status(row) for row in rows], TextColumn(tr("Status"), width=80)),
        },
        key=columns.key_of("cnt_rows", [(row.sku, row.variance, row.on_hand, status(row)) for row in rows]),
        alt=tr("Counted lines with their variances"),
        placeholder=words.NOTHING,
    )


def _show_uncounted(seen: OneCount, decides: bool) -> None:
    left = seen.session.lines - seen.session.counted
    if not left:
        return
    with st.container(border=True, key="cnt_uncounted"):
        st.subheader(tr("Not counted"), anchor=False)
        st.caption(tr("{lines}. Applying leaves their levels as they are.", lines=words.plural(left, "line")))
        rows = seen.uncounted
        names = [parts.named(row.sku, row.product, row.size, row.color) for row in rows]
        table = {
            "what": (names, TextColumn(tr("Variant"), width=330)),
            "level": ([row.on_hand for row in rows], NumberColumn(tr("On hand"), width=74)),
            "again": ([tr("Recount") if row.is_recount else "" for row in rows], TextColumn("", width=80)),
        }
        box = st.expander(tr("Show them"), key="cnt_left_open", on_change="rerun")
        if box.open:
            with box:
                columns.show(table, table, key=columns.key_of("cnt_unc", names), alt=tr("Lines that nobody counted"))
        if decides:
            with st.popover(tr("Set them to zero"), icon=":material/exposure_zero:", key="cnt_zero"):
                st.write(tr("{lines} are then counted as zero by you, this second.", lines=words.plural(left, "line")))
                st.checkbox(tr("The shelves are empty"), key="cnt_zero_sure")
                st.button(
                    tr("Set {lines} to zero", lines=words.plural(left, "line")),
                    key="cnt_zero_do",
                    disabled=not st.session_state.get("cnt_zero_sure"),
                    on_click=outcome.do,
                    args=(tr("The lines are counted as zero."), review.zero_uncounted),
                    kwargs={
                        "count_id": seen.session.count_id,
                        "lines": left,
                        "key": f"zero:{seen.session.count_id}:{seen.session.counted}",
                    },
                )


def _show_apply(seen: OneCount) -> None:
    lines, row = seen.variances, seen.session
    held = [line for line in lines if line.held_too_much]
    missing = [line for line in lines if line.missing]
    form = forms.begin(f"count_apply_{row.count_id}")
    with st.form(form.name):
        if held:
            named = words.listing(
                [f"{words.plain(line.sku)} ({words.units(line.held_too_much)})" for line in held[:10]]
            )
            st.warning(
                tr("Checkouts hold more than will be there: {named}. Their latest holds are given up.", named=named),
                icon=":material/lock_open:",
            )
        if missing:
            named = words.listing(
                [f"{words.plain(line.sku)} ({words.units(line.missing or 0)})" for line in missing[:10]]
            )
            st.warning(
                tr("Sold since, but not on the shelf: {named}. The level becomes zero.", named=named),
                icon=":material/error:",
            )
        off = sum(bool(line.variance) for line in lines)

        def post(key: str, _: forms.Values) -> Posting:
            return session.run(applying.apply, count_id=row.count_id, seen=lines, key=key)

        forms.submit(
            form,
            tr("Apply {lines}, {off} with a variance", lines=words.plural(len(lines), "line"), off=words.number(off)),
            post,
            say=lambda posting: _said(posting, row.count_id),
        )


def _said(posting: Posting, count_id: int) -> feedback.Notice:
    changed = sum(movement.quantity != 0 for movement in posting.movements)
    net = words.signed_units(sum(movement.quantity for movement in posting.movements))
    lines = words.plural(len(posting.movements), "line")

    def take_back() -> feedback.Notice:
        key = f"undo_count:{posting.operation_id}"
        done = session.run(applying.undo, count_id=count_id, note=words.UNDO_NOTE, key=key)
        return feedback.Notice(
            text=tr("Count undone: {levels} set back", levels=words.plural(len(done.movements), "level"))
        )

    return feedback.Notice(
        text=tr(
            "Count applied: {lines}, {levels} changed, {net}",
            lines=lines,
            levels=words.plural(changed, "level"),
            net=net,
        ),
        operation_id=posting.operation_id,
        take_back=take_back if changed else None,
    )
