"""Password hashes that take no effort: a real one takes 64 MiB and 0.1 s, and the tests make hundreds."""

from __future__ import annotations

from argon2 import PasswordHasher

from core.people import passwords

STRONG = passwords.HASHER
"""How Stockroom hashes passwords."""


def weaken() -> None:
    """Hash passwords in this process without effort. What reads a hash takes its strength from it."""
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=512, parallelism=1)
    passwords._nobodys_hash.cache_clear()
