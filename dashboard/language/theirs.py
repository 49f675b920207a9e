"""The words of Streamlit's own parts, which it has in English only. `dashboard/static/theirs.js` replaces them."""

from __future__ import annotations

import json
from functools import cache

from dashboard.language.reader import reader
from dashboard.language.texts import is_english, marked, tr

WORDS = marked(
    (
        "Show/hide columns", "Download as CSV", "Search", "Fullscreen", "Exit fullscreen", "Close fullscreen",
        "Sort ascending", "Sort descending", "Pin column", "Unpin column", "Hide column", "Autosize", "Format",
        "Skip to main content", "Navigate to home page", "Link to heading", "Copy to clipboard", "Copied",
        "Choose date", "Choose an option", "Choose options", "Select all", "No results", "No options", "Clear entry",
        "Clear value", "Clear all", "Remove {it}", "Increment", "Decrement", "Close", "Upload", "file upload",
        "{it} per file", "(required)",
        "Drag and drop files here", "Drag and drop a file here", "Press Enter to apply", "Press Enter to submit form",
        "This field is required.", "Next month", "Previous month", "Show password text", "Hide password text",
        "Open sidebar", "Close sidebar", "Main menu", "Rerun", "Settings", "Print", "Record screen", "Stop",
    )
)  # fmt: skip


def words() -> str:
    """Return these words with the reader's as JSON; an empty object for who reads English."""
    return _in_language(reader().language)


@cache
def _in_language(_: str) -> str:
    # Once for each language: every run of a page sends them.
    return json.dumps({} if is_english() else {word: _said(word) for word in WORDS}, ensure_ascii=False)


def _said(word: str) -> str:
    return tr(word, it="{it}") if "{it}" in word else tr(word)
