"""Stock: all variants with their levels, or one variant with its history and the forms that change its level."""

import streamlit as st

from core.ledger import reports
from core.people.access import Permission, may
from core.screens import stock as screens
from dashboard.catalog import product
from dashboard.door import session
from dashboard.frame import links, live
from dashboard.frame import page as frame
from dashboard.frame.charts import choosing
from dashboard.language.texts import tr
from dashboard.stock import bulk, labels, table_edit
from dashboard.stock import listing as stock_list
from dashboard.stock import variant as variant_desk

person = session.actor()
with frame.page(tr("Stock"), person) as top:
    code = st.query_params.get("sku", "")
    if bulk.PARAM in st.query_params:
        bulk.show(person)
    elif frame.NEW in st.query_params:
        product.show(person, session.run(reports.shop))
    elif code:
        stock_list.show_search(code)
        variant = session.run(
            screens.variant, sku=code, days=variant_desk.PERIOD.value(), chosen=choosing.read(variant_desk.CHOSEN)
        )  # fmt: skip
        if variant is None:
            variant_desk.show_unknown(code)
        else:
            live.watch(variant.latest)
            variant_desk.show(variant, person)
            links.to_files(person, "variant_codes", "variant_changes")
    else:
        search = stock_list.show_search(code)
        wanted = stock_list.show_filters(search, session.run(reports.brands), session.run(reports.shelf_places))
        if labels.PARAM in st.query_params:
            labels.show(wanted.filter, wanted.sort)
        elif table_edit.PARAM in st.query_params and may(person.role, Permission.EDIT_SHELF):
            table_edit.show(wanted.filter, wanted.sort, person)
        else:
            seen = stock_list.read(wanted)
            live.watch(seen.latest)
            with top:
                frame.show_sample_line(seen.shop)
            stock_list.show_page(seen, wanted, person)
            links.to_files(person, "stock", "variants", "variant_codes", "variant_changes", "costs", "days", "holds")
