"""Sentences outside of the pages' Python: those of core, as templates, and those of the scripts in the browser."""

from __future__ import annotations

from collections.abc import Iterator


def templates() -> Iterator[tuple[str, str]]:
    """Each sentence that core says, as a template with names in braces, and its file."""
    yield from ()


def of_scripts() -> Iterator[tuple[str, str]]:
    """Each text of the scripts and of the plain pages, and its file."""
    yield from ()
