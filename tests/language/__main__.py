"""Lists what the catalogues do not translate yet; with `--write` brings them in step, with `fill` adds translations."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboard.language.texts import DOMAIN, SAID
from tests.language import catalogue

if sys.argv[1:2] == ["fill"]:
    catalogue.fill(Path(sys.argv[2]))
elif "--write" in sys.argv:
    for language in catalogue.TRANSLATED:
        for domain in (DOMAIN, SAID):
            catalogue.write(language, domain)
for language in catalogue.TRANSLATED:
    for domain in (DOMAIN, SAID):
        print(catalogue.show(catalogue.missing(language, domain)))
