"""Passkeys (WebAuthn): setting one up, and signing in with one. The only importer of `webauthn`.

A browser signs a challenge of ours for one site, that of the public address. A page of another site gets no signature
for this one, so a passkey cannot be given away to a copy of the sign-in form.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import Connection, Engine
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core.database import engine as database
from core.database.engine import call, rows_of
from core.foundation.errors import invalid
from core.foundation.text import clean_line
from core.people import passwords
from core.people.accounts import NewSession, at_the_door, scalar
from core.people.browsers import hash_of, printable
from core.people.factors import recovery
from core.people.factors.own import Begun
from core.people.factors.steps import Proof

LONGEST_ANSWER = 12_000


class Purpose(StrEnum):
    """What a challenge is for: a new passkey, the second step, or signing in with nothing else."""

    REGISTER = "register"
    SECOND = "second"
    ALONE = "alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The site for which browsers sign: its name, and the origin of its pages."""

    name: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One of a person's own passkeys."""

    passkey_id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


def site_of(public_url: str | None) -> Site | None:
    """Return the site of the public address, or None where browsers make no passkeys: without a name, or http."""
    parts = urlsplit(public_url or "")
    name = parts.hostname or ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        is_safe = parts.scheme == "https" or name == "localhost"
        return Site(name=name, origin=f"{parts.scheme}://{parts.netloc}") if name and is_safe else None
    return None


@database.one_statement
def begin(
    connection: Connection, *, site: Site, purpose: Purpose, token: str | None = None, proof: Proof | None = None
) -> str:
    """Return what the browser needs to make or give a passkey, as JSON. Raises InvalidInput, SignInRequired."""
    challenge = secrets.token_bytes(32)
    [(user_id, email, name, credentials)] = call(connection, _BEGIN, {
        "challenge": hashlib.sha256(challenge).digest(), "purpose": str(purpose), "token": hash_of(token),
        "attempt": proof.attempt_id if proof else None, "known": proof.password_hash if proof else None,
        "at_step": proof.at_step if proof else None, "code_hash": proof.code_hash if proof else None,
    })  # fmt: skip
    known = [PublicKeyCredentialDescriptor(id=bytes(each)) for each in credentials or ()]
    if purpose == Purpose.REGISTER:
        wanted = AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        )
        return webauthn.options_to_json(
            webauthn.generate_registration_options(
                rp_id=site.name, rp_name="Stockroom", user_id=str(user_id).encode(), user_name=email,
                user_display_name=name, challenge=challenge, authenticator_selection=wanted, exclude_credentials=known,
            )
        )  # fmt: skip
    need = UserVerificationRequirement
    return webauthn.options_to_json(
        webauthn.generate_authentication_options(
            rp_id=site.name, challenge=challenge, allow_credentials=known or None,
            user_verification=need.REQUIRED if purpose == Purpose.ALONE else need.PREFERRED,
        )
    )  # fmt: skip


def add(
    engine: Engine, *, site: Site, token: str, answer: str, name: str, user_agent: str | None, previous: str | None
) -> Begun:
    """Add the passkey that a browser has made to the person behind a token. Raises InvalidInput, SignInRequired."""
    called = clean_line(name, "name", 80)
    challenge = _taken(engine, Purpose.REGISTER, token, answer)
    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=site.name, expected_origin=site.origin
        )
    except WebAuthnException:
        raise invalid("passkey", "was not made for this site; try again") from None
    codes, new = recovery.new_codes(), passwords.new_token()
    is_first, expires_at = at_the_door(
        engine, _add, token=hash_of(token), credential=made.credential_id, public_key=made.credential_public_key,
        count=made.sign_count, called=called, codes=recovery.hashes(codes), new=passwords.token_hash(new),
        user_agent=printable(user_agent), previous=hash_of(previous),
    )  # fmt: skip
    session = NewSession(token=new, expires_at=expires_at) if expires_at else None
    return Begun(codes=codes if is_first else (), session=session)


def enter(
    engine: Engine, *, site: Site, token: str | None, answer: str, user_agent: str | None, previous: str | None
) -> NewSession | None:
    """Begin a session with a passkey: that of a half session, or without one, if the device verified its owner.

    None when the passkey is unknown, of somebody else, for another site, or repeated.
    """
    purpose = Purpose.ALONE if token is None else Purpose.SECOND
    challenge = _taken(engine, purpose, token, answer)
    credential = _credential_of(answer)
    known = at_the_door(engine, _find, credential=credential)
    if known is None:
        return None
    try:
        given = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=site.name, expected_origin=site.origin,
            credential_public_key=known[0], credential_current_sign_count=known[1],
            require_user_verification=purpose == Purpose.ALONE,
        )  # fmt: skip
    except WebAuthnException:
        return None
    new = passwords.new_token()
    expires_at: datetime | None = at_the_door(
        engine, scalar, _FINISH, half=hash_of(token), credential=credential, count=given.new_sign_count,
        new=passwords.token_hash(new), user_agent=printable(user_agent), previous=hash_of(previous),
    )  # fmt: skip
    return NewSession(token=new, expires_at=expires_at) if expires_at else None


@database.one_statement
def own_passkeys(connection: Connection, *, token: str) -> tuple[Passkey, ...]:
    """Return the passkeys of a signed-in person."""
    return rows_of(Passkey, call(connection, "select * from stockroom_api.own_passkeys(%(token)s)", _of(token)))


def _taken(engine: Engine, purpose: Purpose, token: str | None, answer: str) -> bytes:
    """Return the challenge that an answer is for, and use it up. Raises InvalidInput if it is old or another's."""
    try:
        if len(answer) > LONGEST_ANSWER:
            raise ValueError
        said = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
        challenge = base64url_to_bytes(said["challenge"])
    except (ValueError, KeyError, TypeError):
        raise invalid("passkey", "did not arrive; try again") from None
    values = {"challenge": hashlib.sha256(challenge).digest(), "purpose": str(purpose), "token": hash_of(token)}
    if not at_the_door(engine, scalar, _TAKE, **values):
        raise invalid("passkey", "was asked for too long ago; try again")
    return challenge


def _credential_of(answer: str) -> bytes:
    try:
        return base64url_to_bytes(json.loads(answer)["rawId"])
    except (ValueError, KeyError, TypeError):
        raise invalid("passkey", "did not arrive; try again") from None


def _of(token: str) -> dict[str, bytes | None]:
    return {"token": hash_of(token)}


@database.one_statement
def _add(connection: Connection, /, **values: object) -> tuple[bool, datetime | None]:
    [(is_first, expires_at)] = call(connection, _ADD, values)
    return is_first, expires_at


@database.one_statement
def _find(connection: Connection, /, **values: object) -> tuple[bytes, int] | None:
    rows = call(connection, "select * from stockroom_api.find_passkey(%(credential)s)", values)
    return next(((bytes(key), int(count)) for key, count in rows), None)


_BEGIN = """select user_id, email, name, credentials
              from stockroom_api.begin_passkey(%(challenge)s, %(purpose)s, %(token)s, %(attempt)s, %(known)s,
                   %(at_step)s, %(code_hash)s)"""
_TAKE = "select stockroom_api.take_challenge(%(challenge)s, %(purpose)s, %(token)s)"
_ADD = """select is_first, expires_at
            from stockroom_api.add_passkey(%(token)s, %(credential)s, %(public_key)s, %(count)s, %(called)s,
                 cast(%(codes)s as bytea[]), %(new)s, %(user_agent)s, %(previous)s)"""
_FINISH = """select stockroom_api.finish_passkey(%(half)s, %(credential)s, %(count)s, %(new)s, %(user_agent)s,
                    %(previous)s)"""
