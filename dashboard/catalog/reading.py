"""An uploaded catalogue: read, compared with the shop, and imported. A large one in a thread, with a bar and Cancel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.catalog import imports as catalog
from core.catalog.file import CatalogFile, catalog_of
from core.catalog.imports import CatalogImport, CatalogPreview
from core.foundation.model import Shop
from dashboard.catalog import preview
from dashboard.door import session
from dashboard.frame import feedback, forms, links, long_work, words
from dashboard.language.texts import tr
from dashboard.sheets import work
from dashboard.sheets.asking import Matched
from dashboard.sheets.work import FileWork

_READING, _IMPORTING = "_cat_reading", "_cat_importing"


@dataclass(slots=True, kw_only=True)
class Reading(FileWork):
    """The reading of a file, and what importing it would do."""

    called: str = "reading"
    of: tuple[str, tuple[str, ...]]
    file: CatalogFile | None = None
    found: CatalogPreview | None = None


@dataclass(slots=True, kw_only=True)
class Importing(FileWork):
    """The import of a large file."""

    called: str = "import"
    result: CatalogImport | None = None


def show(asked: Matched, values: tuple[str, ...], shop: Shop) -> None:
    """Show what importing the file would do, and the button that imports it."""
    if (importing := st.session_state.get(_IMPORTING)) is not None:
        _show_importing(importing)
        return
    reading = _reading(asked, values)
    if not reading.is_over:
        work.watch(reading, "cat_reading")
    elif reading.found is None or reading.file is None:
        work.show_problem(reading)
    else:
        preview.show(reading.found)
        if not reading.found.problems:
            _show_apply(reading.file, reading.found, asked, values, shop)


def _reading(asked: Matched, values: tuple[str, ...]) -> Reading:
    """Return the reading of this file. A small file is read at once and each time, a large one once in a thread."""
    person = session.actor()
    known: Reading | None = st.session_state.get(_READING)
    of = (asked.file_id, values)
    if known is not None and known.of == of:
        return known
    reading = Reading(who=person.name, person=person, of=of)

    def do() -> None:
        reading.file = catalog_of(asked.match, reading.tell)
        reading.step(tr("Comparing with the shop"))
        reading.found = reading.run(catalog.preview_file, file=reading.file, values=values)

    if len(asked.match.sheet.records) <= work.LARGE:
        reading.work(do)
    else:
        st.session_state[_READING] = reading
        long_work.start(reading.work, do)
    return reading


def _show_apply(file: CatalogFile, found: CatalogPreview, asked: Matched, values: tuple[str, ...], shop: Shop) -> None:
    form = forms.begin(f"catalog_{asked.file_id}")
    is_done = found.changes_nothing
    label = tr("Nothing to import") if is_done else tr("Import {rows}", rows=words.plural(len(found.rows), "row"))
    with st.form(form.name, border=False):
        if shop.is_sample:
            st.warning(
                tr(
                    "This shop contains sample data, and a ledger keeps everything that was posted. To "
                    "start with an empty shop, an admin presses *Start my own shop* on Overview first. "
                    "To try the import, add the file to the sample data."
                ),
                icon=":material/science:",
            )
            st.checkbox(tr("Add to the sample data"), key=form.input("into_sample"))
        if len(found.rows) > work.LARGE:
            st.form_submit_button(
                label, type="primary", width="stretch", on_click=partial(_begin, form, file, values), key="cat_begin",
                disabled=is_done,
            )  # fmt: skip
        else:

            def post(key: str, typed: forms.Values) -> CatalogImport:
                into_sample = bool(typed.get("into_sample"))
                done: CatalogImport = session.run(
                    catalog.import_file, file=file, key=key, into_sample=into_sample, values=values
                )
                return done

            forms.submit(form, label, post, say=_outcome, is_done=is_done)
    links.to_page("stock", tr("Go to Stock"), icon=":material/inventory_2:")


def _begin(form: forms.Form, file: CatalogFile, values: tuple[str, ...]) -> None:
    """Import a large file in a thread. The form's key is that of the import, so a second click is the same import."""
    person, key = session.actor(), form.draft.key
    box = form.inputs.get("into_sample")  # only while the shop has sample data
    into_sample = box is not None and bool(st.session_state.get(box))
    running: Importing | None = st.session_state.get(_IMPORTING)
    if running is not None and not running.is_over:
        return
    importing = Importing(
        who=person.name, person=person, doing=tr("Importing {rows}", rows=words.plural(len(file.lines), "row"))
    )

    def do() -> None:
        importing.result = importing.run(
            catalog.import_file, file=file, key=key, into_sample=into_sample, values=values
        )

    st.session_state[_IMPORTING] = importing
    long_work.start(importing.work, do)


def _show_importing(importing: Importing) -> None:
    if not importing.is_over:
        work.watch(importing, "cat_importing")
        return
    if importing.result is not None:
        st.success(words.plain(f"{_outcome(importing.result).text}."), icon=":material/check_circle:")
    else:
        work.show_problem(importing)
    st.button(tr("Go on"), key="cat_go_on", on_click=_forget)
    links.to_page("stock", tr("Go to Stock"), icon=":material/inventory_2:")


def _forget() -> None:
    st.session_state.pop(_IMPORTING, None)
    st.session_state.pop(_READING, None)


def _outcome(done: CatalogImport) -> feedback.Notice:
    known = f", {words.plural(done.variants_known, 'existing variant')}" if done.variants_known else ""
    added = f"{words.plural(done.products_added, 'new product')}, {words.plural(done.variants_added, 'new variant')}"
    text = tr(
        "Imported {added}{known}, {units} counted", added=added, known=known, units=words.units(done.units_counted)
    )
    return feedback.Notice(text=text + (tr(" (already recorded)") if done.replayed else ""))
