"""How easy a password is to guess. The only importer of `zxcvbn`."""

from __future__ import annotations

import re

from zxcvbn import zxcvbn

LONGEST_LOOK = 72
"""How many characters are estimated: the time grows faster than the length."""
SAFE = 3
"""The least score that is accepted, of 0 to 4: at least a hundred million guesses."""

_BREAK = re.compile(r"[^\w]+")


def is_easy_to_guess(password: str, words: tuple[str, ...] = ()) -> bool:
    """Return whether a password can be guessed quickly. `words` are the person's and the shop's: they add nothing."""
    known = sorted({part for text in words for part in _BREAK.split(text) if len(part) > 2}, key=len, reverse=True)
    seen = password[:LONGEST_LOOK]
    rest = re.sub("|".join(map(re.escape, known)), "", seen, flags=re.IGNORECASE) if known else seen
    return not rest or int(zxcvbn(rest, user_inputs=list(words))["score"]) < SAFE
