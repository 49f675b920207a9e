"""Adding one product with its sizes, without a file, on the Stock page."""

from __future__ import annotations

import streamlit as st

from core.catalog import products
from core.catalog.imports import CatalogImport
from core.catalog.products import MOST_VARIANTS, NewVariant
from core.foundation.model import Actor, Shop
from core.people.access import Permission, may
from dashboard.catalog import upload
from dashboard.door import session
from dashboard.frame import feedback, forms, lists, page, words


def close() -> None:
    """Go back to the list."""
    lists.put(page.NEW, None)


def show(person: Actor, shop: Shop) -> None:
    """Show the form, or who can add products if the role cannot."""
    st.button("All variants", icon=":material/arrow_back:", on_click=close, key="new_back")
    st.subheader("New product", anchor=False)
    if not may(person.role, Permission.IMPORT_CATALOG):
        page.empty("Your role cannot add products", page.WHO_ADDS)
        return
    form = forms.begin("new")
    with st.container(width=640):
        st.text_input("Product", key=form.input("product"), placeholder="Its name, as buyers know it")
        typed = st.text_input(
            "Sizes", key=form.input("sizes"), placeholder="40, 41, 42",
            help="Separate them with commas. Leave this empty if there is only one.",
        )  # fmt: skip
        _show_form(form, sizes(typed or ""), shop)


def sizes(typed: str) -> list[str]:
    """Return the sizes of what was typed, each once. One without a name if there is none."""
    found = dict.fromkeys(each.strip() for each in typed.split(",") if each.strip())
    return list(found)[: MOST_VARIANTS + 1] or [""]


def _show_form(form: forms.Form, found: list[str], shop: Shop) -> None:
    with st.form(form.name, border=False):
        with st.grid(2, min_column_width=150, gap="small"):
            st.text_input("Brand", key=form.input("brand"))
            st.text_input(f"Price in {shop.currency}", key=form.input("price"), placeholder="129.90")
        for size in found:
            _show_variant(form, size)
        st.caption("Units are recorded as the initial stock count. Leave them empty to count the shelf later.")
        upload.ask_values(form.input("values"))
        if shop.is_sample:
            st.checkbox("Add to the sample data", key=form.input("into_sample"))
        if form.draft.problem is not None and form.draft.problem.facts.get("is_known"):
            st.checkbox("Add these sizes to the product that is there", key=form.input("to_known"))

        def post(key: str, values: forms.Values) -> CatalogImport:
            done: CatalogImport = session.run(
                products.add_product,
                product=values["product"] or "",
                brand=values["brand"] or "",
                price=values["price"] or "",
                variants=[
                    NewVariant(sku=values[f"sku_{size}"] or "", size=size, units=_counted(values, size))
                    for size in found
                ],
                key=key,
                to_known=bool(values.get("to_known")),
                into_sample=bool(values.get("into_sample")),
                values=upload.as_values(values["values"]),
            )
            return done

        forms.submit(form, "Add the product", post, say=_added, after=close)


def _show_variant(form: forms.Form, size: str) -> None:
    of = f" of size {words.plain(size)}" if size else ""
    with st.grid(2, min_column_width=150, gap="small"):
        st.text_input(f"SKU{of}", key=form.input(f"sku_{size}"), required=True)
        forms.number_field(f"Units{of}", key=form.input(f"units_{size}"), placeholder="Not counted")


def _counted(values: forms.Values, size: str) -> int | None:
    name = f"units_{size}"
    return forms.units(values, name, lowest=0) if values[name] else None


def _added(done: CatalogImport) -> feedback.Notice:
    new = f"{words.plural(done.products_added, 'product')}, " if done.products_added else ""
    text = f"Added {new}{words.plural(done.variants_added, 'variant')}, {words.units(done.units_counted)} counted"
    return feedback.Notice(text=text + (" (already recorded)" if done.replayed else ""))
