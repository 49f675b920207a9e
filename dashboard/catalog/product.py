"""Adding a product with a run of sizes, or sizes to one that is there, without a file, on the Stock page."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from core.catalog import products, size_runs
from core.catalog.imports import CatalogImport
from core.catalog.products import NewVariant
from core.foundation.errors import InvalidInput
from core.foundation.model import Actor, LevelRow, Shop
from core.ledger import reports
from core.people.access import Permission, may
from dashboard.catalog import upload
from dashboard.door import session
from dashboard.frame import feedback, forms, lists, page, words
from dashboard.language.texts import tr


def close() -> None:
    """Go back to the list."""
    lists.put(page.NEW, None)


def show(person: Actor, shop: Shop) -> None:
    """Show the form, or who can add products if the role cannot."""
    st.button(tr("All variants"), icon=":material/arrow_back:", on_click=close, key="new_back")
    code = st.query_params.get(page.NEW, "")
    known = session.run(reports.find, code=code) if code not in ("", "1") else None
    st.subheader(
        words.plain(tr("New sizes of {product}", product=known.product)) if known else tr("New product"), anchor=False
    )
    if not may(person.role, Permission.IMPORT_CATALOG):
        page.empty(tr("Your role cannot add products"), tr(page.WHO_ADDS))
        return
    form = forms.begin(f"new_{known.sku}" if known else "new")
    with st.container(width=640):
        product = known.product if known else _ask_product(form)
        typed = st.text_input(
            tr("Sizes"),
            key=form.input("sizes"),
            placeholder="36-46",
            help=tr(
                "36-46 are all whole sizes from 36 to 46. Or list them: 36, 37, 38.5 or S M L XL. "
                "Write a size that is itself a range in quotes. Leave this empty if there is only "
                "one."
            ),
        )
        _show_form(form, product, typed or "", shop, known)


def _ask_product(form: forms.Form) -> str:
    return st.text_input(tr("Product"), key=form.input("product"), placeholder=tr("Its name, as buyers know it")) or ""


def _show_form(form: forms.Form, product: str, typed: str, shop: Shop, known: LevelRow | None) -> None:
    try:
        found = size_runs.sizes(typed)
    except InvalidInput as error:
        feedback.show(error)
        return
    pattern = _ask_pattern(form, product, known) if found != [""] else size_runs.pattern_of(product)
    with st.form(form.name, border=False):
        _show_of_all(form, shop, known)
        if len(found) > 1:
            st.markdown(
                tr(
                    "**{variants}** will be added. Correct what is not right.",
                    variants=words.plural(len(found), "variant"),
                )
            )
        for size in found:
            _show_variant(form, size, pattern)
        st.caption(tr("Units are recorded as the initial stock count. Leave them empty to count the shelf later."))
        upload.ask_values(form.input("values"))
        if shop.is_sample:
            st.checkbox(tr("Add to the sample data"), key=form.input("into_sample"))
        if form.draft.problem is not None and form.draft.problem.facts.get("is_known"):
            st.checkbox(tr("Add these sizes to the product that is there"), key=form.input("to_known"))

        def post(key: str, values: forms.Values) -> CatalogImport:
            done: CatalogImport = session.run(
                products.add_product,
                product=known.product if known else values["product"] or "",
                brand=values.get("brand") or "",
                price=values["price"] or "",
                color=values["color"] or "",
                unit_cost=values["unit_cost"] or "",
                reorder_point=_whole(values, "reorder_point"),
                variants=[
                    NewVariant(sku=values[_sku(size, pattern)] or "", size=size, units=_counted(values, size))
                    for size in found
                ],
                key=key,
                to_known=known is not None or bool(values.get("to_known")),
                into_sample=bool(values.get("into_sample")),
                values=upload.as_values(values["values"]),
            )
            return done

        label = tr("Add the product") if known is None else f"Add {words.plural(len(found), 'variant')}"
        forms.submit(form, label, post, say=_added, after=close)


def _ask_pattern(form: forms.Form, product: str, known: LevelRow | None) -> str:
    proposed = size_runs.pattern_of(product, known.sku if known else "", known.size if known else None)
    return st.text_input(
        "SKUs", proposed, key=form.input(f"pattern_{proposed}"), placeholder=tr("TR-{size}"),
        help=tr("A pattern for the SKUs below, in which {size} stands for the size."),
    )  # fmt: skip


def _show_of_all(form: forms.Form, shop: Shop, known: LevelRow | None) -> None:
    """Show what all the variants have in common; those of a known product begin with what the known variant has."""

    def amount(value: Decimal | None) -> str:
        return "" if value is None else str(value)

    with st.grid(2, min_column_width=150, gap="small"):
        if known is None:
            st.text_input(tr("Brand"), key=form.input("brand"))
        price = amount(known.price) if known else ""
        st.text_input(
            tr("Price in {currency}", currency=shop.currency), price, key=form.input("price"), placeholder="129.90"
        )
        st.text_input(tr("Colour"), (known.color if known else "") or "", key=form.input("color"))
        cost = amount(known.unit_cost) if known else ""
        st.text_input(tr("Unit cost"), cost, key=form.input("unit_cost"), placeholder="61.00")
        point = known.reorder_point if known else None
        forms.number_field(tr("Reorder point"), key=form.input("reorder_point"), value=point, placeholder="0")


def _sku(size: str, pattern: str) -> str:
    """Return the name of an input, which changes with the pattern: its proposal is drawn only once."""
    return f"sku_{size}_{pattern}"


def _show_variant(form: forms.Form, size: str, pattern: str) -> None:
    of = tr(" of size {size}", size=words.plain(size)) if size else ""
    with st.grid(2, min_column_width=150, gap="small"):
        st.text_input(
            tr("SKU{of}", of=of), size_runs.sku_of(pattern, size), key=form.input(_sku(size, pattern)), required=True
        )
        forms.number_field(tr("Units{of}", of=of), key=form.input(f"units_{size}"), placeholder=tr("Not counted"))


def _whole(values: forms.Values, name: str) -> int | None:
    return forms.units(values, name, lowest=0) if values[name] else None


def _counted(values: forms.Values, size: str) -> int | None:
    return _whole(values, f"units_{size}")


def _added(done: CatalogImport) -> feedback.Notice:
    new = f"{words.plural(done.products_added, 'product')}, " if done.products_added else ""
    text = tr(
        "Added {new}{variants}, {units} counted",
        new=new,
        variants=words.plural(done.variants_added, "variant"),
        units=words.units(done.units_counted),
    )
    return feedback.Notice(text=text + (tr(" (already recorded)") if done.replayed else ""))
