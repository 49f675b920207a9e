"""The pages of which views are saved, and the query string of a view: read, checked, and written in one form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, quote, urlencode

from core.foundation.errors import InvalidInput, invalid

OVERVIEW = "overview"
"""The page at the root, unless a person begins elsewhere."""
PAGES = {
    "overview": "Overview",
    "stock": "Stock",
    "counts": "Counts",
    "deliveries": "Deliveries",
    "movements": "Movements",
    "reports": "Reports",
    "orders": "Orders",
    "alerts": "Alerts",
    "reconciliation": "Reconciliation",
}
"""The pages that can be a view or a start page, with their titles in mails."""
MAILED = ("stock", "counts", "deliveries", "movements", "reports", "orders", "alerts")
"""The pages whose views have numbers for a mail."""
VIEW = "view"
"""The parameter that names the view with which a page was opened."""
LONGEST_QUERY, MOST_PARAMETERS = 2_000, 60
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def query_of(parameters: Iterable[tuple[str, str]]) -> str:
    """Return parameters as the query string of a view, sorted by name, without the place in a list.

    Raises InvalidInput if they are too many or too long.
    """
    kept = sorted((pair for pair in parameters if _belongs(pair[0])), key=lambda pair: pair[0])
    query = urlencode(kept, quote_via=quote, safe="")
    if len(kept) > MOST_PARAMETERS or len(query) > LONGEST_QUERY:
        raise invalid("view", "has too many filters to be saved")
    return query


def _belongs(name: str) -> bool:
    """Return whether a parameter is part of a view: not the cursor of a page of a list, nor the view itself."""
    return bool(_NAME.fullmatch(name)) and not name.endswith("_page") and name != VIEW


def checked(query: str) -> str:
    """Return a query string from outside in the form of `query_of`. Raises InvalidInput."""
    try:
        parameters = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS * 2)
    except ValueError:
        raise invalid("view", "has too many filters to be saved") from None
    if any("\0" in value for _, value in parameters):
        raise invalid("view", "must not contain control characters")
    return query_of(parameters)


def parameters(query: str) -> dict[str, list[str]]:
    """Return the values of a saved query string by parameter."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def path(page: str, query: str, view_id: int) -> str:
    """Return the path under which a view opens."""
    return f"/{page}?" + "&".join(filter(None, (f"{VIEW}={view_id}", query)))


def page_named(page: str) -> str:
    """Return the name of a page if it can be a view. Raises InvalidInput."""
    if page not in PAGES:
        raise InvalidInput("This page cannot be saved as a view.", field="page", why="cannot be a view")
    return page


def chosen(values: Mapping[str, list[str]], name: str) -> str:
    """Return the only value of a parameter, or an empty text."""
    return next(iter(values.get(name, ())), "")
