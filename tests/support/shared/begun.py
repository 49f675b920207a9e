"""What a process would do at its start in the same way each time. The server of `processes` imports this once."""

from __future__ import annotations

import gc
import importlib
from functools import cache
from pathlib import Path

from streamlit.components.v2 import manifest_scanner

_DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard"
# They read the settings, or draw.
_OF_A_PROCESS = ("__main__", "app", "server")

for _name in ("lifespan.on", "loops.auto", "protocols.http.auto", "protocols.websockets.auto"):
    importlib.import_module(f"uvicorn.{_name}")
for _path in sorted(_DASHBOARD.rglob("*.py")):
    if _path.stem not in _OF_A_PROCESS:
        _parts = _path.relative_to(_DASHBOARD.parent).with_suffix("").parts
        importlib.import_module(".".join(_parts).removesuffix(".__init__"))
# It reads the metadata of every installed package, which do not change.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
manifest_scanner.scan_component_manifests()
gc.collect()
gc.freeze()  # no process walks these objects again
