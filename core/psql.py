"""`python -m core.psql ARGUMENTS`: a SQL prompt on the shop's database, with any arguments of psql."""

from __future__ import annotations

import sys

from core.commands.psql import main
from core.foundation.errors import SetupError

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        sys.exit(f"Stockroom cannot open its database. {error}")
