"""The codes of authenticator apps (RFC 6238). The only importer of `pyotp`."""

from __future__ import annotations

import re
import time

import pyotp

ISSUER = "Stockroom"
_STEPS_OFF = 1
"""How many half minutes the clock of a phone may be wrong."""
_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """Return a new secret of 160 random bits, as an app reads it."""
    return pyotp.random_base32()


def address(secret: str, email: str) -> str:
    """Return what the QR code of a secret holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def plain(code: str) -> str | None:
    """Return the six digits that somebody typed, or None if it cannot be a code."""
    digits = "".join(code.split())
    return digits if _CODE.fullmatch(digits) else None


def step_of(secret: str, code: str, now: float | None = None) -> int | None:
    """Return the time step of a code of this secret, or None if it is wrong or of another time."""
    digits, app = plain(code), pyotp.TOTP(secret)
    if digits is None:
        return None
    middle = app.timecode(time.time() if now is None else now)
    steps = range(middle - _STEPS_OFF, middle + _STEPS_OFF + 1)
    return next((step for step in steps if pyotp.utils.strings_equal(digits, app.generate_otp(step))), None)
