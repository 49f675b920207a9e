"""Signing in at the shop's own identity provider (OpenID Connect). The only importer of `authlib`.

The code flow with PKCE, a state and a nonce. The provider says who somebody is: their number there and a verified email
address. Accounts are made here alone, and sessions are the same as after a password. The rules are in
core/sql/10_people/9_identities.sql.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from sqlalchemy import Connection

from core.database import engine as database
from core.database.engine import call
from core.foundation.addresses import IdentityProvider
from core.foundation.errors import InvalidInput, Unavailable
from core.people import passwords
from core.people.accounts import NewSession, entered, scalar
from core.people.browsers import hash_of, printable
from core.people.factors.half import HalfSession

SECONDS = 8.0
"""How long the provider may take for one answer."""
_SAFE = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""The signatures that are accepted: those with a public key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A sign-in on its way: where to send the browser, its state, and what is needed when it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """Whom the provider named: their number there, and their email address if it is verified."""

    subject: str
    email: str | None


class NotSignedIn(Exception):
    """The provider's answer was refused, or it refused the person."""


class _Client(OpenIDMixin):  # type: ignore[misc]  # the library has no types
    """What is known of a provider; read once for each sign-in, which is rare."""

    def __init__(self, provider: IdentityProvider) -> None:
        self.provider, self.client_id = provider, provider.client_id
        self.server_metadata: dict[str, Any] = {}

    def _get_session(self) -> AbstractContextManager[Any]:
        session = OAuth2Session(
            self.provider.client_id, self.provider.client_secret, scope=" ".join(("openid", "email", "profile")),
            redirect_uri=self.provider.back, code_challenge_method="S256",
        )  # fmt: skip
        session.request = _in_time(session.request)
        return session  # type: ignore[no-any-return]

    def load_server_metadata(self) -> dict[str, Any]:
        """Return what the provider says of itself, after a check that it is the one of the settings."""
        if not self.server_metadata:
            with self._get_session() as session:
                url = f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration"
                answer = session.request("GET", url, withhold_token=True)
                answer.raise_for_status()
                found = answer.json()
            if found["issuer"] != self.provider.issuer:
                raise NotSignedIn("the provider calls itself by another address")
            algorithms = found.get("id_token_signing_alg_values_supported") or ["RS256"]
            self.server_metadata = found | {
                "id_token_signing_alg_values_supported": [each for each in algorithms if each in _SAFE]
            }
        return self.server_metadata


def _in_time(request: Any) -> Any:
    def bounded(method: str, url: str, **values: Any) -> Any:
        return request(method, url, **({"timeout": SECONDS} | values))

    return bounded


def depart(provider: IdentityProvider) -> Trip:
    """Return where to send a browser to sign in at the provider. Raises Unavailable."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    client = _Client(provider)
    try:
        endpoint = client.load_server_metadata()["authorization_endpoint"]
        with client._get_session() as session:
            url, _ = session.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)
    except (OSError, ValueError, KeyError, AuthlibBaseError, NotSignedIn) as error:
        raise Unavailable("The identity provider does not answer. Try again, or use your password.") from error
    return Trip(url=url, state=state, nonce=nonce, verifier=verifier)


def arrive(provider: IdentityProvider, *, code: str, nonce: str, verifier: str) -> Somebody:
    """Return whom the provider named with this code. Raises NotSignedIn for an answer that is not to be believed."""
    client = _Client(provider)
    try:
        metadata = client.load_server_metadata()
        with client._get_session() as session:
            token = session.fetch_token(metadata["token_endpoint"], code=code, code_verifier=verifier)
            options = {
                "iss": {"essential": True, "values": [provider.issuer]},
                "aud": {"essential": True, "values": [provider.client_id]},
                "nonce": {"essential": True, "value": nonce},
            }
            claims = client.parse_id_token(token, nonce=nonce, claims_options=options)
            if claims is None:
                raise NotSignedIn("the provider sent no id_token")
            if "email" not in claims and "userinfo_endpoint" in metadata:
                more = session.request("GET", metadata["userinfo_endpoint"]).json()
                claims = {**claims, **(more if more.get("sub") == claims["sub"] else {})}
    except NotSignedIn:
        raise
    except Exception as error:  # the libraries below raise many kinds, each for an answer that is not to be believed
        raise NotSignedIn(type(error).__name__) from error
    return Somebody(subject=str(claims["sub"])[:300], email=_verified(claims))


def _verified(claims: Mapping[str, Any]) -> str | None:
    if claims.get("email_verified") is not True:
        return None
    try:
        return passwords.clean_email(str(claims.get("email", "")))
    except InvalidInput:
        return None


# ---------------------------------------------------------------- what is kept


@database.one_statement
def keep(connection: Connection, *, trip: Trip, next_path: str) -> None:
    """Keep what a sign-in has to bring back."""
    facts = {"nonce": trip.nonce, "verifier": trip.verifier, "next": next_path}
    values = {"state": _hash(trip.state), "facts": json.dumps(facts)}
    call(connection, "select stockroom_api.begin_identity(%(state)s, cast(%(facts)s as jsonb))", values)


@database.one_statement
def take(connection: Connection, *, state: str) -> dict[str, str] | None:
    """Return what was kept under this state, once."""
    found: dict[str, str] | None = scalar(
        connection, "select stockroom_api.take_identity(%(state)s)", state=_hash(state)
    )
    return found


@database.one_statement
def enter_as(
    connection: Connection, *, provider: IdentityProvider, who: Somebody, user_agent: str | None, previous: str | None
) -> NewSession | HalfSession | None:
    """Begin a session for the person whom the provider named; None where nobody here is meant."""
    token = passwords.new_token()
    values = {
        "issuer": provider.issuer, "subject": who.subject, "email": who.email, "token": passwords.token_hash(token),
        "user_agent": printable(user_agent), "previous": hash_of(previous),
    }  # fmt: skip
    return entered(token, call(connection, _ENTER_AS, values))


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "replace")).digest()


_ENTER_AS = """select expires_at, step
                 from stockroom_api.enter_as(%(issuer)s, %(subject)s, %(email)s, %(token)s, %(user_agent)s,
                      %(previous)s)"""
