"""The form that edits a variant where it is seen. It sends only changed values, each with the one that was shown."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from core.catalog import editing, pictures
from core.catalog.editing import LABELS, ON_SHELF, Edit, EditedValue, Field
from core.foundation.errors import EditedMeanwhile, invalid
from core.foundation.model import Actor
from core.people.access import Permission, may
from core.screens.stock import Variant
from dashboard.door import session
from dashboard.frame import feedback, forms, lists, words
from dashboard.frame import page as frame
from dashboard.language import formats
from dashboard.language.texts import lazy, tr

PARAM = "edit"
_PLAIN = (Field.PRODUCT, Field.BRAND, Field.SKU, Field.SIZE, Field.COLOR, Field.PRICE, Field.UNIT_COST,
          Field.REORDER_POINT, Field.SHELF_PLACE)  # fmt: skip
_NUMBERS = (Field.PRICE, Field.UNIT_COST, Field.REORDER_POINT)
_HELP = lazy(
    {
        Field.PRODUCT: "The name of the product. All its variants share it.",
        Field.BRAND: "The brand of the product. All its variants share it.",
        Field.SKU: "The former SKU stays a code of this variant, so carts and files that name it still arrive. "
        "Movements keep the SKU that they were posted with. A storefront that looks variants up by SKU needs the "
        "new one.",
        Field.PRICE: "Leave it empty to sell at the price of the product.",
        Field.REORDER_POINT: "At this level on hand, the variant is low. 0: never.",
        Field.SHELF_PLACE: "Where the variant is kept, such as A-03-2.",
    }
)
Seen = dict[UUID, dict[Field, str | None]]


def is_open() -> bool:
    """Return whether the form is open."""
    return PARAM in st.query_params


def open_form() -> None:
    """Open the form."""
    lists.put(PARAM, 1)


def close() -> None:
    """Close the form."""
    lists.put(PARAM, None)


def show(seen: Variant, person: Actor) -> None:
    """Show the form, with the values as they were when it was opened."""
    with frame.heading(tr("Edit")):
        st.button(tr("Cancel"), key="stk_edit_cancel", on_click=_cancel, args=(seen.row.sku,))
    row = seen.row
    form = forms.begin(f"edit_{row.sku}")
    family = list({row.variant_id, *(each.variant_id for each in seen.sisters)})
    before: Seen = forms.opened_with(form, lambda: session.run(editing.values, variant_ids=family))
    renamed: list[str] = []
    mine, is_manager = before[row.variant_id], may(person.role, Permission.EDIT_VARIANT)
    _show_news(form, before)
    with st.form(form.name, border=False):
        with st.grid(2, min_column_width=180, gap="small"):
            for field in _PLAIN:
                if is_manager or field in ON_SHELF:
                    _show_field(form, field, mine[field])
        if is_manager:
            st.toggle(tr("Active"), mine[Field.ACTIVE] == "yes", key=form.input(Field.ACTIVE.value))
            _show_picture_fields(form, mine[Field.PICTURE], len(before))
        else:
            st.caption(tr("A manager or an admin can edit the other values."))

        def post(key: str, values: forms.Values) -> tuple[EditedValue, ...]:
            mark = formats.group_mark(st.context.locale)
            edits = _edits(row.variant_id, mine, values)
            upload = values.get("upload")
            if upload is None and not edits:
                raise invalid("form", "has no change to save")
            if upload is None:
                return session.run(editing.edit, edits=edits, key=key, mark=mark)
            given = before if values.get("for_all") else {row.variant_id: mine}
            return session.run(
                pictures.put_picture,
                content=upload.getvalue(),
                before={variant: known[Field.PICTURE] for variant, known in given.items()},
                edits=[each for each in edits if each.field is not Field.PICTURE],
                key=key,
                mark=mark,
            )

        def say(done: tuple[EditedValue, ...]) -> feedback.Notice:
            renamed.extend(str(each.after) for each in done if each.field == Field.SKU)
            return saved(done)

        forms.submit(form, tr("Save"), post, say=say, after=lambda: _done(renamed))


def _cancel(sku: str) -> None:
    forms.begin(f"edit_{sku}").draft.renew()
    close()


def _done(renamed: list[str]) -> None:
    """Close the form. If the SKU was renamed, the address follows it."""
    close()
    if renamed:
        lists.put("sku", renamed[0])


def _show_news(form: forms.Form, before: Seen) -> None:
    """After a refusal, offer to save on top of what somebody else has changed in the meantime."""
    problem = form.draft.problem
    if isinstance(problem, EditedMeanwhile) and problem.edited:
        st.button(
            tr("Start from the new values"), key=f"{form.name}_again", icon=":material/refresh:", on_click=_start_again,
            args=(form.draft, before, problem), help=tr("Keeps what you typed. Then press Save again."),
        )  # fmt: skip


def _start_again(draft: forms.Draft, before: Seen, problem: EditedMeanwhile) -> None:
    for row in problem.edited:
        before[UUID(row["variant_id"])][Field(row["field"])] = row["now"]
    draft.problem = None


def _show_field(form: forms.Form, field: Field, value: str | None) -> None:
    key, label, tip = form.input(field.value), LABELS[field], _HELP.get(field)
    if field in _NUMBERS:
        st.text_input(label, value or "", key=key, help=tip, type="phone", icon="", autocomplete="off", validate="")
    else:
        st.text_input(label, value or "", key=key, help=tip, autocomplete="off")


def _show_picture_fields(form: forms.Form, value: str | None, variants: int) -> None:
    is_kept = (value or "").startswith(pictures.PREFIX)
    st.text_input(
        tr("Picture address"),
        "" if is_kept else value or "",
        key=form.input(Field.PICTURE.value),
        autocomplete="off",
        placeholder=tr("An uploaded picture is shown") if is_kept else "https://",
        help=tr("Your browser loads the picture from there. Without one, that of the product is shown, if it has one."),
    )
    if is_kept:
        st.checkbox(tr("Remove the uploaded picture"), key=form.input("take_off"))
    st.file_uploader(
        tr("Or upload a picture"), type=["jpg", "jpeg", "png", "webp", "gif"], key=form.input("upload"),
        help=tr("It is made smaller, and what the camera wrote into it is left out."),
    )  # fmt: skip
    if variants > 1:
        st.checkbox(
            tr("Use the upload for all {variants} variants of this product", variants=variants),
            key=form.input("for_all"),
        )


def _edits(variant_id: UUID, seen: Mapping[Field, str | None], values: forms.Values) -> list[Edit]:
    """Return an edit for each value that differs from the one with which the form was opened."""
    found = {field: (values[field.value] or "") for field in Field if field.value in values}
    if Field.ACTIVE in found:
        found[Field.ACTIVE] = "yes" if found[Field.ACTIVE] else "no"
    is_kept = (seen[Field.PICTURE] or "").startswith(pictures.PREFIX)
    if is_kept and not found.get(Field.PICTURE) and not values.get("take_off"):
        found.pop(Field.PICTURE, None)
    return [
        Edit(variant_id=variant_id, field=field, before=seen[field], after=after)
        for field, after in found.items()
        if after.strip() != (seen[field] or "")
    ]


def saved(done: tuple[EditedValue, ...]) -> feedback.Notice:
    """Return the message about what was saved."""
    if not done:
        return feedback.Notice(text=tr("Nothing had to be changed"))
    said = "; ".join(said_change(row) for row in done[:3])
    more = tr(" and {done} more", done=len(done) - 3) if len(done) > 3 else ""
    return feedback.Notice(
        text=tr("Saved: {said}{more}", said=said, more=more) + (tr(" (already recorded)") if done[0].replayed else "")
    )


def said_change(row: EditedValue) -> str:
    """Return a change as words: Price 100.00 → 120.00."""
    if row.field == Field.PICTURE:
        return "picture"
    return f"{LABELS[Field(row.field)]} {row.before or tr('empty')} {words.ARROW} {row.after or tr('empty')}"
