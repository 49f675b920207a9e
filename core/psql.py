"""`python -m core.psql ARGUMENTS`: a SQL prompt on the shop's database. All arguments are passed to psql."""

from __future__ import annotations

import sys

from core.commands.service import open_prompt
from core.foundation.errors import SetupError

if __name__ == "__main__":
    try:
        sys.exit(open_prompt(sys.argv[1:]))
    except SetupError as error:
        sys.exit(f"Stockroom cannot open its database. {error}")
