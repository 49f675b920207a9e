"""What Streamlit does each time that a page is drawn, done once. The `conftest` of tests of pages imports it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import app_test, local_script_runner


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Each tab would read the metadata of every installed package again, for a second. They do not change."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        scan = cache(manifest_scanner.scan_component_manifests)
        monkeypatch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session", autouse=True)
def pages_are_compiled_once() -> Iterator[None]:
    """Each run of a tab would compile its pages again."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        compiled = ScriptCache()
        monkeypatch.setattr(app_test, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(scope="session", autouse=True)
def a_tab_waits_for_its_script() -> Iterator[None]:
    """Streamlit asks every millisecond whether the script has ended, which costs a tenth of the script's own time."""
    ask = local_script_runner.require_widgets_deltas

    def wait(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
        if runner._script_thread is not None:
            runner._script_thread.join(timeout)
        if not runner.script_stopped():
            ask(runner, 0.1)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield
