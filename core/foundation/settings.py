"""The settings, read once from environment variables. Stripe's secrets may be in a file instead."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from core.foundation import addresses
from core.foundation.addresses import IdentityProvider
from core.foundation.errors import InvalidSetting
from core.foundation.journal import MODES, QUIET

YES, NO = ("1", "yes", "true", "on"), ("0", "no", "false", "off")
SECRETS = Path(__file__).parents[2] / ".streamlit" / "secrets.toml"
NOTIFY = "STOCKROOM_NOTIFY_"
EVERYDAY_KEY, GUARD_KEY = "STRIPE_SECRET_KEY", "STOCKROOM_STRIPE_GUARD_KEY"
IN_A_FILE = (EVERYDAY_KEY, "STRIPE_WEBHOOK_SECRET", GUARD_KEY, "STOCKROOM_OIDC_CLIENT_SECRET")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The configuration; without `database_url` the embedded PostgreSQL is used. The repr has no secret."""

    database_url: str | None = field(repr=False)
    owner_url: str | None = field(repr=False)
    read_urls: tuple[str, ...] = field(default=(), repr=False)
    data_dir: Path
    port: int
    address: str
    sample: bool
    worker: bool = True
    trusted_proxies: tuple[str, ...] = ()
    stripe_secret_key: str | None = field(default=None, repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    stripe_api_base: str | None = None
    stripe_guard_key: str | None = field(default=None, repr=False)
    sell_unverified: bool = False
    cors_origins: tuple[str, ...] = ()
    destinations: Mapping[str, str] = field(default_factory=dict, repr=False)
    mail_url: str | None = field(default=None, repr=False)
    public_url: str | None = None
    identity: IdentityProvider | None = None
    private_hooks: bool = False
    log: str = QUIET
    backups: Path | None = None
    backups_kept: int = 14

    @property
    def backup_dir(self) -> Path:
        """The folder of the backups: its own setting, else a folder in the data folder."""
        return self.backups or self.data_dir / "backups"

    @property
    def embedded(self) -> bool:
        """Whether Stockroom runs the embedded PostgreSQL."""
        return self.database_url is None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings. An empty variable counts as unset. Raises InvalidSetting for a wrong one.

    Without `environ` they come from the process's environment, Stripe's secrets also from `.streamlit/secrets.toml`.
    """
    if environ is None:
        environ = with_secrets(os.environ)
    database_url = _database_url(environ, "DATABASE_URL")
    owner_url = _database_url(environ, "STOCKROOM_OWNER_URL")
    if owner_url and not database_url:
        raise InvalidSetting(
            "STOCKROOM_OWNER_URL is set but DATABASE_URL is not: set both, or neither to use the embedded PostgreSQL."
        )
    return Settings(
        database_url=database_url,
        owner_url=owner_url or database_url,
        read_urls=addresses.read_urls("STOCKROOM_READ_URL", _value(environ, "STOCKROOM_READ_URL")),
        data_dir=_data_dir(environ),
        port=_number(environ, "STOCKROOM_PORT", 8501, 65_535, "a number from 1 to 65535"),
        address=_value(environ, "STOCKROOM_ADDRESS") or "127.0.0.1",
        sample=_answer(environ, "STOCKROOM_SAMPLE", "use 1 for the sample shop or 0 for an empty one"),
        worker=_answer(environ, "STOCKROOM_WORKER", "use 1 to run jobs in the dashboard or 0 for separate workers"),
        trusted_proxies=_trusted_proxies(environ),
        stripe_secret_key=_stripe_key(environ),
        stripe_webhook_secrets=_webhook_secrets(environ),
        stripe_api_base=addresses.stripe_api_base(
            _value(environ, "STRIPE_API_BASE"),
            "_live_" in _value(environ, "STRIPE_SECRET_KEY") + _value(environ, GUARD_KEY),
        ),
        stripe_guard_key=_guard_key(environ),
        sell_unverified=_answer(
            environ, "STOCKROOM_SELL_UNVERIFIED", "use 1 to sell while the database is down or 0 to refuse", usual="0"
        ),
        cors_origins=addresses.origins(_value(environ, "STOCKROOM_CORS_ORIGINS")),
        destinations=addresses.destinations(environ, NOTIFY),
        mail_url=addresses.mail_url(_value(environ, "STOCKROOM_MAIL_URL")),
        public_url=addresses.public_url(_value(environ, "STOCKROOM_PUBLIC_URL")),
        identity=addresses.identity_provider(
            _value(environ, "STOCKROOM_OIDC_ISSUER"),
            _value(environ, "STOCKROOM_OIDC_CLIENT_ID"),
            _value(environ, "STOCKROOM_OIDC_CLIENT_SECRET"),
            addresses.public_url(_value(environ, "STOCKROOM_PUBLIC_URL")),
        ),
        private_hooks=_answer(environ, "STOCKROOM_PRIVATE_HOOKS", "use 1 to allow private networks or 0", usual="0"),
        backups=_folder(environ, "STOCKROOM_BACKUPS"),
        backups_kept=_number(environ, "STOCKROOM_BACKUPS_KEPT", 14, 9_999, "how many backups to keep"),
        log=_log(environ),
    )


def with_secrets(environ: Mapping[str, str], path: Path = SECRETS) -> Mapping[str, str]:
    """Return the environment with Stripe's secrets added from a TOML file. A variable that is set wins."""
    found = {name: value for name, value in _secrets(path).items() if not _value(environ, name)}
    return {**environ, **found}


def _secrets(path: Path) -> dict[str, str]:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):  # the reason could contain a secret
        raise InvalidSetting(f".streamlit/{path.name} cannot be read: see secrets.example.toml next to it.") from None
    found = {name: written[name] for name in IN_A_FILE if name in written}
    for name, value in found.items():
        if not isinstance(value, str):
            raise InvalidSetting(f"{name} in .streamlit/{path.name} is not text: write it between quotation marks.")
    return found


def api_key(environ: Mapping[str, str] = os.environ) -> str:
    """Return the API key for `check-api`, or an empty text. In the environment it is not visible in process lists."""
    return _value(environ, "STOCKROOM_API_KEY")


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _database_url(environ: Mapping[str, str], name: str) -> str | None:
    text = _value(environ, name)
    return addresses.database_url(name, text) if text else None


def _data_dir(environ: Mapping[str, str]) -> Path:
    if chosen := _folder(environ, "STOCKROOM_DATA"):
        return chosen
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root. The user that runs it instead cannot enter root's home.
        return Path("/var/lib/stockroom")
    return platformdirs.user_data_path("stockroom", appauthor=False)


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    chosen = _value(environ, name)
    return Path(chosen).expanduser().absolute() if chosen else None


def _number(environ: Mapping[str, str], name: str, usual: int, most: int, choice: str) -> int:
    text = _value(environ, name) or str(usual)
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= most):
        raise InvalidSetting(f"{name} is {text!r}: use {choice}, such as {usual}.")
    return int(text)


def _answer(environ: Mapping[str, str], name: str, choice: str, usual: str = "1") -> bool:
    text = _value(environ, name).lower() or usual
    if text not in YES + NO:
        raise InvalidSetting(f"{name} is {text!r}: {choice}.")
    return text in YES


def _log(environ: Mapping[str, str]) -> str:
    mode = _value(environ, "STOCKROOM_LOG").lower() or QUIET
    if mode not in MODES:
        raise InvalidSetting(f"STOCKROOM_LOG is {mode!r}: use quiet, plain or json.")
    return mode


def _trusted_proxies(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the networks whose X-Forwarded-For and X-Forwarded-Proto are trusted; by default none."""
    names = (part.strip() for part in _value(environ, "STOCKROOM_TRUSTED_PROXIES").split(","))
    return tuple(spelling for name in names if name for spelling in _spellings(name))


def _spellings(proxy: str) -> list[str]:
    """Return a network of proxies, also in the form that a server sees if it listens on IPv6 too."""
    try:
        network = ipaddress.ip_network(proxy)
    except ValueError:
        network = ipaddress.ip_network("0.0.0.0/0")
    if network.prefixlen == 0:
        raise InvalidSetting(
            f"STOCKROOM_TRUSTED_PROXIES has {proxy!r}: list your proxies by address or network, separated by commas, "
            "such as 127.0.0.1, 10.0.0.0/8. A listed proxy decides which address a visitor has, so it cannot be every "
            "address."
        )
    if network.version == 6:
        return [str(network)]
    return [str(network), f"::ffff:{network.network_address}/{96 + network.prefixlen}"]


def _stripe_key(environ: Mapping[str, str]) -> str | None:
    """Return the key of Stripe's API, or None. Messages never show it."""
    key = _value(environ, "STRIPE_SECRET_KEY")
    if key.startswith("pk_"):
        raise InvalidSetting(
            "STRIPE_SECRET_KEY is a publishable key, which cannot read anything: use a restricted key, rk_..."
        )
    if why := _wrong_key(key):
        raise InvalidSetting(f"STRIPE_SECRET_KEY {why}")
    return key or None


def _guard_key(environ: Mapping[str, str]) -> str | None:
    """Return the key that may change Payment Links and Checkout Sessions, or None. Messages never show it."""
    key, everyday = _value(environ, GUARD_KEY), _value(environ, "STRIPE_SECRET_KEY")
    if key and not key.startswith("rk_"):
        raise InvalidSetting(f"{GUARD_KEY} is not a restricted key: create one for the guard alone, rk_...")
    if why := _wrong_key(key):
        raise InvalidSetting(f"{GUARD_KEY} {why}")
    if key and everyday and ("_live_" in key) != ("_live_" in everyday):
        raise InvalidSetting(
            f"{GUARD_KEY} and STRIPE_SECRET_KEY are of different modes: both must be live, or both test."
        )
    return key or None


def _wrong_key(key: str) -> str | None:
    """Return what is wrong with a key of Stripe's API, or None."""
    if not key or re.fullmatch(r"(sk|rk)_(live|test)_[A-Za-z0-9_]{5,250}", key):
        return None
    if not re.match(r"(sk|rk)_(live|test)_", key):
        return "is not a Stripe key: a key begins with rk_live_, rk_test_ or sk_."
    if not re.fullmatch(r"[A-Za-z0-9_]+", key):
        return "has characters that a Stripe key cannot have: copy it again, without spaces, quotes or dots."
    return f"is too {'long' if len(key) > 250 else 'short'}: copy the whole key from Stripe, and nothing else."


def _webhook_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the webhook signing secrets: several while one is being replaced, or for several endpoints."""
    secrets = tuple(part.strip() for part in _value(environ, "STRIPE_WEBHOOK_SECRET").split(",") if part.strip())
    if not all(re.fullmatch(r"whsec_[A-Za-z0-9+/=_-]{5,250}", secret) for secret in secrets):
        raise InvalidSetting(
            "STRIPE_WEBHOOK_SECRET is not a signing secret: one begins with whsec_; separate several with commas."
        )
    return secrets
