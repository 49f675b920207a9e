"""The uploader of every page that takes a file: preview, columns to correct, questions, and a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core import sheets
from core.foundation.errors import StockError, Unreadable
from core.sheets import Field, Format, Match, Sheet
from core.sheets.model import DECIMAL, LOCATION, MEANING
from core.shop import file_shapes
from dashboard.door import session
from dashboard.frame import feedback, words
from dashboard.language.said import translated
from dashboard.language.texts import marked, tr

TYPES = ["csv", "tsv", "txt", "xlsx", "xls", "ods"]
NO_COLUMN = marked("Not in the file")
_SHOWN_ROWS = 3
_SHOWN_TITLES = 12
_KEPT = (DECIMAL, LOCATION, MEANING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """An uploaded file about which nothing is left to ask."""

    match: Match
    file_name: str
    file_id: str


@dataclass(slots=True, kw_only=True)
class _Upload:
    """What this tab has done with one uploaded file."""

    file_id: str
    opened: Sheet | None = None
    tab: str = ""
    problem: Unreadable | None = None
    chosen: dict[str, str | None] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    remembered_by: str = ""
    is_changed: bool = False
    matched: tuple[str, Match, Match] | None = None


def show(
    purpose: str,
    fields: Sequence[Field],
    *,
    key: str,
    label: str = "File",
    examples: Sequence[Sequence[Any]] = (),
    check: Callable[[Match], str] = lambda _: "",
) -> Matched | None:
    """Draw the uploader and everything there is to ask about the file. Return it when nothing is left.

    `purpose` names what the file is for (`catalogue`, `bulk`): choices are remembered for it. `examples` are rows of
    the template. `check` returns why the matched columns do not do, or nothing.
    """
    _show_templates(purpose, fields, examples, key)
    file = st.file_uploader(tr(label), type=TYPES, key=f"{key}_file")
    if file is None:
        st.session_state.pop(f"_upload_{key}", None)
        return None
    upload = _upload(purpose, key, file)
    if upload.problem is not None or upload.opened is None:
        feedback.show(upload.problem or Unreadable())
        return None
    _show_notes(upload, key)
    try:
        plain, found = _matched(upload, fields)
    except StockError as error:
        feedback.show(error)
        return None
    _show_columns(upload, found, key)
    _show_questions(upload, plain, found, key)
    if found.missing:
        names = words.listing([f"“{each.called}”" for each in found.missing])
        st.warning(
            tr("Which column is {names}? Choose it under *Change columns*.", names=names), icon=":material/help:"
        )
        return None
    if found.questions:
        st.caption(tr("Answer the questions above to go on."))
        return None
    if why := check(found):
        st.warning(why, icon=":material/help:")
        return None
    _remember(purpose, upload, found)
    return Matched(match=found, file_name=file.name, file_id=f"{file.file_id}_{upload.tab}_{_choices(upload)}")


def _show_templates(purpose: str, fields: Sequence[Field], examples: Sequence[Sequence[Any]], key: str) -> None:
    with st.container(horizontal=True, key=f"{key}_templates"):
        for kind, called in ((Format.CSV, tr("Template (CSV)")), (Format.XLSX, tr("Template (Excel)"))):
            st.download_button(
                called, sheets.template(fields, examples, kind), f"{purpose}-template.{kind}", key=f"{key}_{kind}",
                on_click="ignore", icon=":material/download:", type="tertiary",
            )  # fmt: skip


def _upload(purpose: str, key: str, file: Any) -> _Upload:
    """Return what this tab knows about the file. It is opened once."""
    known: _Upload | None = st.session_state.get(f"_upload_{key}")
    tab = st.session_state.get(f"{key}_tab_{file.file_id}", "") or ""
    if known is not None and known.file_id == file.file_id and tab in ("", known.tab):
        return known
    upload = _Upload(file_id=file.file_id)
    st.session_state[f"_upload_{key}"] = upload
    try:
        upload.opened = sheets.open_sheet(file.getvalue(), file.name, tab=tab)
    except Unreadable as error:
        upload.problem = error
        return upload
    upload.tab = upload.opened.tab
    shape = session.run(file_shapes.recall_shape, purpose=purpose, shape=sheets.fingerprint(upload.opened))
    if shape is not None:
        upload.chosen, upload.answers = dict(shape.columns), dict(shape.answers)
        upload.remembered_by = shape.remembered_by
    return upload


def _matched(upload: _Upload, fields: Sequence[Field]) -> tuple[Match, Match]:
    """Return the match with every question, and the match with the answers."""
    assert upload.opened is not None
    state = _choices(upload)
    if upload.matched is None or upload.matched[0] != state:
        try:
            plain = sheets.match(upload.opened, fields, chosen=upload.chosen)
        except Unreadable:
            if not upload.remembered_by or upload.is_changed:
                raise
            upload.chosen, upload.answers, upload.remembered_by = {}, {}, ""
            return _matched(upload, fields)
        found = sheets.match(upload.opened, fields, chosen=upload.chosen, answers=upload.answers)
        upload.matched = (state, plain, found)
    return upload.matched[1:]


def _choices(upload: _Upload) -> str:
    return str(hash((tuple(sorted(upload.chosen.items(), key=str)), tuple(sorted(upload.answers.items())))))


def _show_notes(upload: _Upload, key: str) -> None:
    assert upload.opened is not None
    if upload.opened.others:
        tabs = [upload.opened.tab, *upload.opened.others]
        st.selectbox(tr("Sheet"), tabs, key=f"{key}_tab_{upload.file_id}", width=320)
    for note in upload.opened.notes:
        st.caption(f":material/info: {words.plain(translated(note))}")


def _show_columns(upload: _Upload, found: Match, key: str) -> None:
    """Show which column is which with three rows, and let people choose others."""
    said = [tr("Recognised as {source}.", source=words.plain(found.source)) if found.source else ""]
    if upload.remembered_by and not upload.is_changed:
        said.append(
            tr(
                "Read as {remembered_by} chose for files with these columns.",
                remembered_by=words.plain(upload.remembered_by),
            )
        )
    said += [
        words.plain(translated(note)) for note in found.sheet.notes[len(upload.opened.notes) if upload.opened else 0 :]
    ]
    if any(said):
        st.caption(" ".join(filter(None, said)))
    if found.columns:
        st.dataframe(
            _three_rows(found), hide_index=True, alt=tr("Our fields, their columns, and three rows of the file")
        )
    if found.left_out:
        more = len(found.left_out) - _SHOWN_TITLES
        titles = ", ".join(title or tr("(no name)") for title in found.left_out[:_SHOWN_TITLES])
        st.caption(
            words.plain(
                tr(
                    "Not read: {titles}{part}.",
                    titles=titles,
                    part=tr(" and {more} more", more=more) if more > 0 else "",
                )
            )
        )
    with st.expander(tr("Change columns"), expanded=bool(found.missing or found.guessed), icon=":material/tune:"):
        if found.guessed:
            names = words.listing([found.field(name).called for name in sorted(found.guessed)])
            st.caption(tr("Guessed from the values, because no title names them: {names}. Check them.", names=names))
        choices = [NO_COLUMN, *(title for title in found.sheet.header if title)]
        places = st.columns(3)
        for number, each in enumerate(found.fields):
            _show_choice(upload, found, each, choices, f"{key}_col_{each.name}_{upload.file_id}", places[number % 3])


def _show_choice(upload: _Upload, found: Match, each: Field, titles: list[str], widget: str, where: Any) -> None:
    now = found.title(each.name) or NO_COLUMN
    st.session_state[widget] = now

    def choose() -> None:
        title = st.session_state[widget]
        for name in list(found.columns):  # a column holds one field
            if name != each.name and found.title(name) == title:
                upload.chosen[name] = None
        upload.chosen[each.name] = None if title == NO_COLUMN else title
        upload.is_changed = True

    where.selectbox(_label(each), titles, key=widget, on_change=choose)


def _label(each: Field) -> str:
    called = translated(each.called)
    return called[:1].upper() + called[1:]


def _three_rows(found: Match) -> pd.DataFrame:
    width = len(found.sheet.header)
    rows = [record for record in found.sheet.records[:50] if len(record) == width][:_SHOWN_ROWS]
    read = [each for each in found.fields if each.name in found.columns]
    table: dict[str, list[str]] = {
        tr("Field"): [_label(each) for each in read],
        tr("Column"): [found.title(each.name) for each in read],
    }
    for number, record in enumerate(rows, start=1):
        row = tr("Row {number}", number=number)
        table[row] = [str(record[found.columns[each.name]]) for each in read]
    return pd.DataFrame(table)


def _show_questions(upload: _Upload, plain: Match, found: Match, key: str) -> None:
    asked = {question.name: question for question in (*plain.questions, *found.questions)}
    for number, question in enumerate(asked.values()):
        widget = f"{key}_q{number}_{question.name}_{upload.file_id}"
        with st.container(border=True):
            st.markdown(f"**{words.plain(translated(question.sentence))}**")
            if question.examples:
                st.caption("  \n".join(map(words.plain, question.examples)))
            choices = list(question.choices)
            answer = upload.answers.get(question.name)
            if answer in choices:
                st.session_state[widget] = answer
            _show_answer(upload, question.name, question.choices, widget)


def _show_answer(upload: _Upload, name: str, choices: Mapping[str, str], widget: str) -> None:
    def answer() -> None:
        upload.answers[name] = st.session_state[widget]
        upload.is_changed = True

    st.radio(
        tr("Answer"), list(choices), index=None, key=widget, on_change=answer, label_visibility="collapsed",
        format_func=lambda each: words.plain(translated(choices[each])),
    )  # fmt: skip


def _remember(purpose: str, upload: _Upload, found: Match) -> None:
    """Remember what was chosen or accepted, once each time something was."""
    if upload.opened is None or not upload.is_changed:
        return
    upload.chosen |= {name: found.title(name) for name in found.guessed}
    kept = {name: answer for name, answer in upload.answers.items() if name.startswith(_KEPT)}
    shape = sheets.fingerprint(upload.opened)
    session.run(file_shapes.remember_shape, purpose=purpose, shape=shape, columns=upload.chosen, answers=kept)
    upload.is_changed, upload.remembered_by = False, session.actor().name
