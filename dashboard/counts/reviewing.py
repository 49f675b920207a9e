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

_ALL, _OFF = "All lines", "With a variance"
_SHOWN = lists.Choice(label="Lines", key="cnt_lines", options={_OFF: False, _ALL: True}, usual=_OFF)
MOST_SHOWN = 500
STATUSES = {"To decide": "red", "Over the limit": "orange", "Right": "green", "Off": "gray", "Approved": "blue"}


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
        st.metric("Lines counted", words.number(len(lines)), border=True)
        right = sum(line.variance == 0 for line in known)
        st.metric("Right", words.number(right), border=True, help="Lines without a variance")
        net, gross = (sum(change(line.variance or 0) for line in known) for change in (int, abs))
        st.metric("Variance", words.signed_units(net), border=True, help=f"{words.units(gross)} off without signs")
        amounts = [line.money for line in known if line.money is not None]
        total = parts.money(sum(amounts, Decimal(0)), seen.shop) if amounts else words.NOTHING
        st.metric("In money", total, border=True, help="At unit cost, else at the price")
        st.metric("Not counted", words.number(seen.session.lines - seen.session.counted), border=True)


def status(line: Variance) -> str:
    """Return the status of a line."""
    if line.question is not None:
        return "To decide"
    if line.is_over:
        return "Approved" if line.approved_by else "Over the limit"
    return "Off" if line.variance else "Right"


def _show_over(seen: OneCount, person: Actor) -> None:
    waiting = [line for line in seen.variances if line.waits_for_approval]
    if not waiting:
        return
    own = [line for line in waiting if line.counted_by(person)]
    others = [line for line in waiting if not line.counted_by(person)]
    with st.container(border=True, key="cnt_over"):
        st.subheader("Over the limit", anchor=False)
        st.caption(
            f"{words.plural(len(waiting), 'line')} {_limit(seen)}. A manager or an admin who did not count them "
            "approves."
        )
        if not may(person.role, Permission.APPROVE_COUNT):
            return
        if own:
            st.caption(
                f"You counted {words.number(len(own))} of these. Another manager or admin approves what you counted."
            )
        if others:
            st.button(
                f"Approve {words.plural(len(others), 'line')}",
                key="cnt_approve",
                icon=":material/verified_user:",
                on_click=outcome.do,
                args=("The lines are approved.", review.approve),
                kwargs={"count_id": seen.session.count_id, "lines": others},
            )


def _limit(seen: OneCount) -> str:
    rules = seen.rules
    given = [words.units(rules.limit_units)] if rules and rules.limit_units is not None else []
    given += [words.money(rules.limit_money, seen.shop.currency)] if rules and rules.limit_money is not None else []
    return f"over {' or '.join(given)}" if given else "over the limit"


def _show_table(seen: OneCount) -> None:
    with st.container(border=True, key="cnt_table"):
        st.subheader("Lines", anchor=False)
        everything = _SHOWN.show()
        rows = [line for line in seen.variances if everything or line.variance != 0]
        if not rows:
            st.caption("No line has a variance." if seen.variances else "Nothing was counted.")
            return
        _show_rows(rows[:MOST_SHOWN], seen)
        if len(rows) > MOST_SHOWN:
            st.caption(f"The first {MOST_SHOWN} of {words.number(len(rows))} lines.")
        st.caption(
            "Expected is the level at the second of counting. Applying changes the level by the variance, so what "
            "was sold and received since stays."
        )


def _show_rows(rows: Sequence[Variance], seen: OneCount) -> None:
    skus = [row.sku for row in rows]
    off = [words.NOTHING if row.variance is None else words.signed(row.variance) for row in rows]
    after = [words.NOTHING if row.target is None else words.change(row.on_hand, row.target) for row in rows]
    colours = columns.tags("Status", 120, STATUSES)
    columns.show(
        {
            "sku": (skus, columns.opener("SKU", 116, skus, deciding.choose)),
            "product": ([words.sized(row.product, row.size) for row in rows], TextColumn("Product", width=180)),
            "expected": ([row.expected for row in rows], NumberColumn("Expected", width=74)),
            "counted": ([row.counted for row in rows], NumberColumn("Counted", width=70)),
            "off": (off, TextColumn("Off by", width=64, alignment="right")),
            "money": (
                [parts.money(row.money, seen.shop) for row in rows],
                TextColumn("Money", width=92, alignment="right"),
            ),
            "by": ([(row.valued_by or "").capitalize() for row in rows], TextColumn("At", width=54)),
            "since": (
                [words.signed(row.since) if row.since_movements else "" for row in rows],
                TextColumn("Since", width=62, alignment="right", help="Units moved after it was counted"),
            ),
            "after": (after, TextColumn("Level", width=84, alignment="right", help="Now, and after applying")),
            "who": ([row.who for row in rows], TextColumn("Counted by", width=110)),
            "status": ([[status(row)] for row in rows], colours),
        },
        {
            "sku": (skus, columns.opener("SKU", 118, skus, deciding.choose)),
            "numbers": (
                [
                    f"{row.expected} {words.ARROW} {words.NOTHING if row.counted is None else row.counted}"
                    for row in rows
                ],
                TextColumn("Counted", width=96, help="The expected level, then what was counted"),
            ),
            "off": (off, TextColumn("Off by", width=58, alignment="right")),
            "status": ([status(row) for row in rows], TextColumn("Status", width=80)),
        },
        key=columns.key_of("cnt_rows", [(row.sku, row.variance, row.on_hand, status(row)) for row in rows]),
        alt="Counted lines with their variances",
        placeholder=words.NOTHING,
    )


def _show_uncounted(seen: OneCount, decides: bool) -> None:
    left = seen.session.lines - seen.session.counted
    if not left:
        return
    with st.container(border=True, key="cnt_uncounted"):
        st.subheader("Not counted", anchor=False)
        st.caption(f"{words.plural(left, 'line')}. Applying leaves their levels as they are.")
        rows = seen.uncounted
        names = [parts.named(row.sku, row.product, row.size, row.color) for row in rows]
        table = {
            "what": (names, TextColumn("Variant", width=330)),
            "level": ([row.on_hand for row in rows], NumberColumn("On hand", width=74)),
            "again": (["Recount" if row.is_recount else "" for row in rows], TextColumn("", width=80)),
        }
        box = st.expander("Show them", key="cnt_left_open", on_change="rerun")
        if box.open:
            with box:
                columns.show(table, table, key=columns.key_of("cnt_unc", names), alt="Lines that nobody counted")
        if decides:
            with st.popover("Set them to zero", icon=":material/exposure_zero:", key="cnt_zero"):
                st.write(f"{words.plural(left, 'line')} are then counted as zero by you, this second.")
                st.checkbox("The shelves are empty", key="cnt_zero_sure")
                st.button(
                    f"Set {words.plural(left, 'line')} to zero",
                    key="cnt_zero_do",
                    disabled=not st.session_state.get("cnt_zero_sure"),
                    on_click=outcome.do,
                    args=("The lines are counted as zero.", review.zero_uncounted),
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
                f"Checkouts hold more than will be there: {named}. Their latest holds are given up.",
                icon=":material/lock_open:",
            )
        if missing:
            named = words.listing(
                [f"{words.plain(line.sku)} ({words.units(line.missing or 0)})" for line in missing[:10]]
            )
            st.warning(f"Sold since, but not on the shelf: {named}. The level becomes zero.", icon=":material/error:")
        off = sum(bool(line.variance) for line in lines)

        def post(key: str, _: forms.Values) -> Posting:
            return session.run(applying.apply, count_id=row.count_id, key=key)

        forms.submit(
            form,
            f"Apply {words.plural(len(lines), 'line')}, {words.number(off)} with a variance",
            post,
            say=lambda posting: _said(posting, row.count_id),
        )


def _said(posting: Posting, count_id: int) -> feedback.Notice:
    changed = sum(movement.quantity != 0 for movement in posting.movements)
    net = words.signed_units(sum(movement.quantity for movement in posting.movements))
    lines = words.plural(len(posting.movements), "line")

    def take_back() -> feedback.Notice:
        key = f"undo_count:{posting.operation_id}"
        done = session.run(applying.undo, count_id=count_id, note=feedback.UNDO_NOTE, key=key)
        return feedback.Notice(text=f"Count undone: {words.plural(len(done.movements), 'level')} set back")

    return feedback.Notice(
        text=f"Count applied: {lines}, {words.plural(changed, 'level')} changed, {net}",
        operation_id=posting.operation_id,
        take_back=take_back if changed else None,
    )
