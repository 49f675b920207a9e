"""Recovery codes: ten, each of 80 random bits, for a person whose phone is lost. Each works once."""

from __future__ import annotations

import hashlib
import re
import secrets

COUNT = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike in print."""
_CODE = re.compile(r"[a-z0-9]{16}")


def new_codes() -> tuple[str, ...]:
    """Return new codes, as a person reads them."""
    return tuple("-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(COUNT))


def code_hash(typed: str) -> bytes | None:
    """Return what is stored of a code, or None if `typed` cannot be one. A plain hash is enough: a code is random."""
    code = re.sub(r"[\s-]", "", typed.lower())
    return hashlib.sha256(code.encode()).digest() if _CODE.fullmatch(code) else None


def hashes(codes: tuple[str, ...]) -> list[bytes]:
    """Return what is stored of these codes."""
    return [found for code in codes if (found := code_hash(code)) is not None]
