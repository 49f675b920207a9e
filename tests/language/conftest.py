"""What every test shares that draws pages in another language."""

from __future__ import annotations

from tests.support.shared.drawing import (
    a_tab_waits_for_its_script,
    components_are_looked_for_once,
    pages_are_compiled_once,
)

__all__ = ["a_tab_waits_for_its_script", "components_are_looked_for_once", "pages_are_compiled_once"]
