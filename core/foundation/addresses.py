"""URLs in the settings: of database, dashboard and message services. Errors never show one, as it may hold a secret.

A database may have several hosts, of which one takes changes. SQLAlchemy and PostgreSQL's own programs agree on one
spelling of them, `host=a,b&port=5432,5433`; `database_url` gives every other spelling that form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.pq import Conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.foundation.errors import InvalidSetting

DRIVER = "postgresql+psycopg"
MOST_REPLICAS = 8
# Hosting panels add these options for other clients. PostgreSQL's own client would refuse the whole URL.
FOREIGN_OPTIONS = ("pgbouncer", "connection_limit", "pool_timeout", "pool_size", "supa", "workaround")
USUAL_PORT = "5432"
SEVERAL = {"target_session_attrs": "read-write", "connect_timeout": "2"}
"""Options of a URL with several hosts that names none: only the primary is used, and a dead host costs two seconds."""
_SEVERAL_AT_FRONT = re.compile(r"(?P<begin>[\w+]+://(?:[^/?#]*@)?)(?P<hosts>[^/?#@]*,[^/?#@]*)(?P<rest>[/?#].*|)")
_AFTER_ACCOUNT = re.compile(r"[\w+]+://(?:[^:/]*(?::[^@]*)?@)?(?P<rest>.*)", re.DOTALL)
IDENTITY_BACK = "/sign-in/oidc/back"
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """The shop's own identity provider, and the address to which it sends people back. The repr has no secret."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    back: str


def destinations(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the URLs of the alert destinations by name, in lower case. Raises InvalidSetting."""
    found: dict[str, str] = {}
    for variable in sorted(environ):
        address = environ[variable].strip()
        if not variable.startswith(prefix) or not address:
            continue
        name = variable.removeprefix(prefix).lower()
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name == "orders" or name in found:
            raise InvalidSetting(
                f"{variable} is not a valid name of a destination: use letters, digits and underscores after "
                "STOCKROOM_NOTIFY_, each name once. ORDERS is reserved: STOCKROOM_MAIL_URL mails order confirmations."
            )
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", address, re.IGNORECASE):
            raise InvalidSetting(f"{variable} is not an Apprise URL: begin it with the service, as in json://.")
        found[name] = address
    return found


def read_urls(name: str, text: str) -> tuple[str, ...]:
    """Return the URLs of the replicas, which spaces separate: one server each, at most `MOST_REPLICAS`."""
    if "," in text:
        raise InvalidSetting(f"{name} has a comma: separate URLs by spaces, and name one server in each.")
    urls = tuple(database_url(name, each) for each in text.split())
    if any("," in str(make_url(url).query.get("host", "")) for url in urls):
        raise InvalidSetting(f"{name} has a URL with several hosts: name one server in each.")
    if len(urls) > MOST_REPLICAS:
        raise InvalidSetting(f"{name} names {len(urls)} replicas: name at most {MOST_REPLICAS}.")
    return urls


def database_url(name: str, text: str) -> str:
    """Return the URL of a database for SQLAlchemy and libpq. Messages never show it: it holds a password."""
    url = _parsed(name, text)
    if url.drivername.partition("+")[0] not in ("postgres", "postgresql"):
        raise InvalidSetting(f"{name} begins with {url.drivername}://, but Stockroom needs PostgreSQL: {_EXAMPLE}")
    if not url.database:
        raise InvalidSetting(f"{name} names no database: {_EXAMPLE}")
    url = url.set(drivername=DRIVER).difference_update_query(FOREIGN_OPTIONS)
    unknown = sorted(set(url.query) - {option.keyword.decode() for option in Conninfo.get_defaults()})
    if unknown:
        raise InvalidSetting(f"{name} has the option {unknown[0]}, which PostgreSQL does not have: remove it.")
    rendered = render(_with_hosts(name, url))
    if not is_readable(rendered):
        raise InvalidSetting(_not_valid(name))
    return rendered


def render(url: URL) -> str:
    """Return a URL with its password, in a form that SQLAlchemy and PostgreSQL's own programs read alike.

    SQLAlchemy writes a space as it is, or in an option as a plus. PostgreSQL refuses the one, with the password in its
    message, and reads the other as a plus.
    """
    base, mark, options = url.render_as_string(hide_password=False).partition("?")
    return base.replace(" ", "%20") + mark + options.replace("+", "%20").replace("%2C", ",")


def is_readable(url: str) -> bool:
    """Return whether PostgreSQL's client can read this URL. What it says about another one may show the password."""
    try:
        Conninfo.parse(libpq_url(url).encode())
    except (psycopg.Error, ValueError):
        return False
    return True


_EXAMPLE = "use the form postgresql://user:password@host:5432/database."


def _not_valid(name: str) -> str:
    return (
        f"{name} is not a valid address of a database. Special characters of a password must be percent-encoded, such "
        f"as @ as %40: {_EXAMPLE}"
    )


def _has_raw_at(text: str) -> bool:
    """Whether a URL has an @ after that of the account. It usually belongs to the password, and cuts it in two."""
    found = _AFTER_ACCOUNT.match(text)
    place, _, options = found["rest"].partition("?") if found else ("", "", "")
    return "@" in place or bool(re.search("@[^@/&]*/", options))


def _parsed(name: str, text: str) -> URL:
    """Return the parts of a URL. Hosts with commas before the path, as libpq writes several, become options."""
    if _has_raw_at(text):
        raise InvalidSetting(_not_valid(name))
    found = _SEVERAL_AT_FRONT.fullmatch(text)
    hosts = found["hosts"].split(",") if found else []
    try:
        url = make_url(found["begin"] + found["rest"] if found else text)
        return url.update_query_pairs([("host", unquote(host)) for host in hosts])
    except (ArgumentError, ValueError):
        # Without the cause, which shows a part of the URL.
        raise InvalidSetting(f"{name} is not the URL of a database: {_EXAMPLE}") from None


def _with_hosts(name: str, url: URL) -> URL:
    """Return the URL with its options `host` and `port` in one spelling: each once, with commas."""
    if "host" not in url.query:
        return url
    hosts, named = zip(*map(_host_and_port, _listed(url, "host")), strict=True)
    apart = _listed(url, "port") or ([str(url.port)] if url.port else [])
    ports = apart * len(hosts) if len(apart) == 1 else apart or list(named)
    is_odd = any(host.count(":") == 1 for host in hosts) or not all(port.isdigit() for port in ports if port)
    if is_odd or len(ports) != len(hosts) or (apart and any(named)):
        raise InvalidSetting(f"{name} has ports that do not fit its hosts: name one for each, as in host=a:5432.")
    query = dict(url.query) | {"host": ",".join(hosts)}
    if any(ports):
        query["port"] = ",".join(port or USUAL_PORT for port in ports)
    return url._replace(host=None, port=None).set(query={**SEVERAL, **query} if len(hosts) > 1 else query)


def _listed(url: URL, option: str) -> list[str]:
    """Return the values of an option that may be given several times, or once with commas."""
    given = url.query.get(option, ())
    return [part for each in ([given] if isinstance(given, str) else given) for part in each.split(",")]


def _host_and_port(text: str) -> tuple[str, str]:
    """Return a host and its port, or an empty text. An IPv6 address that has a port is in brackets."""
    bracketed = re.fullmatch(r"\[(?P<host>[^\]]+)\](?::(?P<port>\d*))?", text)
    if bracketed:
        return bracketed["host"], bracketed["port"] or ""
    host, colon, port = text.rpartition(":")
    is_split = bool(colon) and port.isdigit() and ":" not in host
    return (host, port) if is_split else (text, "")


def hosts_of(url: URL) -> tuple[str, ...]:
    """Return the hosts of a database's URL that may answer: several, if one may take over from another."""
    return tuple(_listed(url, "host")) or ((url.host,) if url.host else ())


def seconds_to_connect(url: str, usual: int) -> int:
    """Return how long to wait for a host of this URL: what it says itself, else `usual`."""
    said = str(make_url(url).query.get("connect_timeout", ""))
    return int(said) if said.isdigit() else usual


def mail_url(address: str) -> str | None:
    """Return the URL of the mail account for order confirmations, or None if it is empty."""
    if address and not re.fullmatch(r"mailtos?://\S+", address, re.IGNORECASE):
        raise InvalidSetting("STOCKROOM_MAIL_URL is not a mail account: begin it with mailto:// or mailtos://.")
    return address or None


def public_url(address: str) -> str | None:
    """Return the URL of the dashboard for links in messages, or None if it is empty."""
    address = address.rstrip("/")
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.netloc or "@" in address or parts.query):
        raise InvalidSetting("STOCKROOM_PUBLIC_URL is not the URL of a dashboard: use the form https://stock.example.")
    return address or None


def identity_provider(issuer: str, client_id: str, client_secret: str, home: str | None) -> IdentityProvider | None:
    """Return the identity provider, or None if nothing of it is set. Raises InvalidSetting."""
    if not (issuer or client_id or client_secret):
        return None
    if not (issuer and client_id and client_secret):
        raise InvalidSetting(
            "STOCKROOM_OIDC_ISSUER, STOCKROOM_OIDC_CLIENT_ID and STOCKROOM_OIDC_CLIENT_SECRET belong together: set all "
            "of them, or none."
        )
    parts = urlsplit(issuer)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)):
        raise InvalidSetting("STOCKROOM_OIDC_ISSUER is not the URL of an identity provider: begin it with https://.")
    if home is None:
        raise InvalidSetting("STOCKROOM_OIDC_ISSUER needs STOCKROOM_PUBLIC_URL, where the provider sends people back.")
    return IdentityProvider(issuer=issuer, client_id=client_id, client_secret=client_secret, back=home + IDENTITY_BACK)


def origins(text: str) -> tuple[str, ...]:
    """Return the origins that may call the API from a browser: scheme, host and port, and nothing after them."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            raise InvalidSetting(f"STOCKROOM_CORS_ORIGINS has {origin!r}: name sites such as https://shop.example.")
    return found


def libpq_url(url: str) -> str:
    """Return the URL in the form that PostgreSQL's own programs and its driver read."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def stripe_api_base(written: str, is_live: bool) -> str | None:
    """Return the URL of another server than Stripe's own, such as a fake for tests. A live key needs https."""
    text = written.rstrip("/")
    if not text:
        return None
    try:
        url = urlsplit(text)
        fits = (
            url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not (url.query + url.fragment)
        )
    except ValueError:
        fits = False
    if not fits or "@" in text:
        raise InvalidSetting("STRIPE_API_BASE is not the URL of a server: use the form http://127.0.0.1:8420.")
    if text.startswith("http:") and is_live:
        raise InvalidSetting(
            "STRIPE_API_BASE begins with http://, over which others could read your live key: use https://."
        )
    return text
