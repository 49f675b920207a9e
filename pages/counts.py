"""Counts: the sessions, a new one, one that is counted and applied, what to count next, and past accuracy."""

import streamlit as st

from core.screens import counts as screens
from dashboard.counts import listing, making, parts, past, planning, view
from dashboard.door import session
from dashboard.frame import links, lists, live
from dashboard.frame import page as frame
from dashboard.language.texts import marked, tr

_SECTION = lists.Choice(
    label=marked("Section"), key="cnt_section",
    options={name: name for name in marked(("Counts", "What to count next", "Accuracy"))},
    usual="Counts",
)  # fmt: skip
person = session.actor()
with frame.page(tr("Counts"), person) as top:
    opened = st.query_params.get(parts.PARAM, "")
    if opened:
        number = lists.number(opened)
        view.show(None if number is None else session.run(screens.one_count, count_id=number), person)
    elif parts.NEW in st.query_params:
        making.show(person)
    else:
        section = _SECTION.show()
        if section == "Accuracy":
            past.show(session.run(screens.count_past))
        elif section == "Counts":
            seen = session.run(screens.count_list)
            live.watch(seen.latest)
            with top:
                frame.show_sample_line(seen.shop)
            listing.show(seen, person)
        else:
            planning.show(session.run(screens.count_plan), person)
        links.to_files(person, "counts", "count_lines")
