"""Labels on the Stock page: for the variants of a list, of a receipt, or for one, with the number of each typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import pandas as pd
import streamlit as st
from streamlit.column_config import TextColumn

from core.catalog import labels
from core.catalog.label_sheets import PAPERS, Sheet, pdf
from core.catalog.label_zpl import zpl
from core.catalog.labels import MOST_LABELS
from core.foundation.errors import InvalidInput, StockError
from core.foundation.model import LevelRow
from core.ledger import reports
from core.ledger.level_filter import LevelFilter, LevelSort
from dashboard.door import session
from dashboard.frame import columns, feedback, forms, lists, words
from dashboard.frame import page as frame
from dashboard.language import widgets
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr

PARAM = "labels"
OF_LIST = "list"
_OPERATION, _VARIANT = "operation-", "sku-"
ROWS = 500
HEIGHT = 330


def open_list() -> None:
    """Open the labels of the variants under the present filter."""
    lists.put(PARAM, OF_LIST)


def open_variant(sku: str) -> None:
    """Open the labels of one variant."""
    lists.put("sku", None)
    lists.put(PARAM, f"{_VARIANT}{sku}")


def open_operation(operation_id: int) -> None:
    """Open the labels of a receipt: one for each unit that came."""
    lists.put(PARAM, f"{_OPERATION}{operation_id}")


def _close(back: str | None) -> None:
    lists.put(PARAM, None)
    if back:
        lists.put("sku", back)


def show(wanted: LevelFilter, sort: LevelSort) -> None:
    """Show the variants with how many labels to print of each, and the files."""
    of = st.query_params.get(PARAM, OF_LIST)
    sku = of.removeprefix(_VARIANT) if of.startswith(_VARIANT) else None
    rows, counts, total = _chosen(of, sku, wanted, sort)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(tr("Labels"), anchor=False, width="content")
        st.button(tr("Done"), key="stk_labels_done", icon=":material/arrow_back:", on_click=_close, args=(sku,))
    if not rows:
        frame.empty(
            tr("There is nothing to label"), tr("There is no variant to print labels for."), icon=":material/label_off:"
        )
        return
    st.caption(_about(of, len(rows), total))
    typed = _ask(rows, counts, of, wanted, sort)
    _show_files(rows, typed)


def _chosen(
    of: str, sku: str | None, wanted: LevelFilter, sort: LevelSort
) -> tuple[Sequence[LevelRow], Mapping[UUID, int], int]:
    """Return the variants, how many labels of each are proposed, and how many variants there are in all."""
    if sku is not None:
        found = session.run(reports.named, sku=sku)
        return ([found], {found.variant_id: 1}, 1) if found else ((), {}, 0)
    if of.startswith(_OPERATION):
        number = lists.number(of.removeprefix(_OPERATION), digits=18) or 0
        units = session.run(labels.labels_of_operation, operation_id=number)
        known = session.run(reports.find_many, skus=[each.sku for each in units])
        return [known[each.sku] for each in units], {each.variant_id: each.units for each in units}, len(units)
    page = session.run(reports.levels, filter=wanted, sort=sort, limit=ROWS)
    return page.rows, {}, page.total


def _about(of: str, shown: int, total: int) -> str:
    if of.startswith(_OPERATION):
        return tr("One label for each unit of the receipt. Change the numbers where you need more or fewer.")
    more = tr(
        " The first {shown} of {variants} are here: filter the list to reach others.",
        shown=shown,
        variants=words.plural(total, "variant"),
    )
    return tr("Type how many labels to print of each variant.{part}", part=more if total > shown else "")


def _ask(
    rows: Sequence[LevelRow], counts: Mapping[UUID, int], of: str, wanted: LevelFilter, sort: LevelSort
) -> Mapping[UUID, str]:
    fill = ""
    if not counts:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            each = widgets.segmented_control(
                tr("Begin with"),
                marked(["None", "One of each", "Units on hand"]),
                default="None",
                key="stk_labels_begin",
            )
        fill = {tr("One of each"): "1", tr("Units on hand"): tr("on hand")}.get(each or "", "")
    proposed = [str(counts.get(row.variant_id) or (row.on_hand or "" if fill == "on hand" else fill)) for row in rows]
    table = pd.DataFrame(
        {
            "sku": [row.sku for row in rows],
            "labels": proposed,
            "product": [words.variant(row) for row in rows],
            "on_hand": [row.on_hand for row in rows],
        }
    )
    edited = st.data_editor(
        table, hide_index=True, num_rows="fixed", height=min(HEIGHT, 36 * (len(rows) + 1) + 3),
        alt=tr("Labels of each variant"),
        key=f"{columns.key_of('stk_labels', wanted, sort)}_{of}_{fill}",
        column_config={
            "sku": TextColumn("SKU", width=130, pinned=True, disabled=True),
            "product": TextColumn(tr("Variant"), width=260, disabled=True),
            "on_hand": st.column_config.NumberColumn(tr("On hand"), width=80, disabled=True),
            # A text, because a number cell would cut 1.5 to 1.
            "labels": TextColumn(tr("Labels"), width=90, alignment="right", help=tr("How many to print. Empty: none")),
        },
    )  # fmt: skip
    cells = ("" if cell is None or cell != cell else str(cell).strip() for cell in edited["labels"])
    return dict(zip((row.variant_id for row in rows), cells, strict=True))


def _show_files(rows: Sequence[LevelRow], typed: Mapping[UUID, str]) -> None:
    names = {row.variant_id: row.sku for row in rows}
    counts: dict[UUID, int] = {}
    for variant, text in typed.items():
        try:
            counts[variant] = forms.read_units(text, "labels", lowest=0, highest=MOST_LABELS) if text else 0
        except InvalidInput as error:
            st.error(f"{words.plain(names[variant])}: {translated(error.message)}", icon=":material/error:")
            return
    with st.container(horizontal=True, vertical_alignment="bottom", key="stk_label_files"):
        sheet = st.selectbox(
            tr("Paper"), list(Sheet), format_func=lambda each: PAPERS[each].title, key="stk_label_paper", width=330
        )
        paper = PAPERS[Sheet(str(sheet))]
        used = ""
        if paper.labels > 1:
            used = st.text_input(
                tr("Used on the first sheet"), key="stk_label_used", placeholder="0", width=170,
                help=tr("How many labels of the first sheet are used already. They are left out."),
            ) or ""  # fmt: skip
    total = sum(counts.values())
    if not total:
        st.caption(tr("No labels yet. Type how many to print."))
        return
    try:
        made = session.run(labels.labels, counts=counts)
        skipped = forms.read_units(used, "used labels", lowest=0, highest=paper.labels - 1) if used.strip() else 0
    except StockError as error:
        feedback.show(error)
        return
    pages = -(-(total + skipped) // paper.labels)
    st.markdown(tr("{labels} on {pages}", labels=words.plural(total, "label"), pages=words.plural(pages, "page")))
    with st.container(horizontal=True):
        st.download_button(
            "PDF", lambda: pdf(made, sheet=Sheet(str(sheet)), used=skipped), "labels.pdf", "application/pdf",
            key="stk_label_pdf", type="primary", icon=":material/print:", on_click="ignore",
            help=tr("Print it at 100 %, not fitted to the page"),
        )  # fmt: skip
        st.download_button(
            "ZPL", lambda: zpl(made), "labels.zpl", "text/plain", key="stk_label_zpl", on_click="ignore",
            icon=":material/label:", help=tr("For a label printer that reads ZPL: 50 by 30 mm, 203 dpi"),
        )  # fmt: skip
