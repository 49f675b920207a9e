"""Passwords as argon2id hashes, tokens as sha256, and checks of new passwords and email addresses. All pure."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.foundation.errors import invalid
from core.people.guessing import is_easy_to_guess

HASHER = PasswordHasher()
"""The library's defaults: RFC 9106 for machines with little memory (64 MiB, 3 passes)."""
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
LONGEST_EMAIL = 254
LONGEST_NAME = 80

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")


def new_token() -> str:
    """Return a new token of 256 random bits."""
    return secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Return whether `text` has the form of a token. Anything else need not reach the database."""
    return _TOKEN.fullmatch(text) is not None


def token_hash(token: str) -> bytes:
    """Return what the database stores of a token. A plain hash is enough: a token is random and cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its salt and parameters."""
    return HASHER.hash(_bytes(password))


def password_matches(password: str, known: str | None) -> bool:
    """Return whether `password` matches the hash `known`. Without a hash it takes just as long and returns False."""
    try:
        HASHER.verify(known or _nobodys_hash(), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def stronger_hash(password: str, known: str) -> str | None:
    """Return a new hash if `known` was made with other parameters than the current ones, else None."""
    return hash_password(password) if HASHER.check_needs_rehash(known) else None


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return HASHER.hash(secrets.token_bytes(32))


def _bytes(password: str) -> bytes:
    # Keyboards compose an é in different ways. A lone surrogate has no bytes and becomes `?`.
    return unicodedata.normalize("NFKC", password[:LONGEST_PASSWORD]).encode("utf-8", "replace")


def clean_password(password: str, email: str, *words: str) -> str:
    """Return `password`. Raises InvalidInput if it is too short, too long or too easy to guess.

    `words` are others that a stranger would try first: the person's name and the shop's.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise invalid("password", f"must have at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise invalid("password", f"must have at most {LONGEST_PASSWORD} characters")
    if len(set(password)) < 4:
        raise invalid("password", "must have at least four different characters")
    if password.lower() in (email, email.partition("@")[0]):
        raise invalid("password", "must not be the email address")
    if is_easy_to_guess(password, (email, *words)):
        raise invalid(
            "password",
            "is easy to guess, because it is common or made of a name or word with a few additions. Four words that "
            "have nothing to do with each other are better",
        )
    return password


def clean_email(text: str) -> str:
    """Return an email address in lower case. Raises InvalidInput unless it looks like one."""
    email = text.strip().lower()
    if not (3 <= len(email) <= LONGEST_EMAIL and _EMAIL.fullmatch(email)):
        raise invalid("email", "must look like name@example.com")
    return email
