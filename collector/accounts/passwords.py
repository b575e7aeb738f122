"""Hash and check passwords with argon2id, a few at a time: each costs 64 MiB for a moment. Nothing is stored here."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST = 12  # characters
LONGEST = 1024
_AT_ONCE = 2


def objection(password: str, name: str = "") -> str:
    """Say what is wrong with a password that somebody chose; nothing when it will do.

    >>> objection("short")
    'password: at least 12 characters are needed'
    """
    if len(password) < SHORTEST:
        return f"password: at least {SHORTEST} characters are needed"
    if len(password) > LONGEST:
        return f"password: at most {LONGEST} characters are taken"
    if len(set(password)) < 5 or (name and password.lower() in (name.lower() * 9)):
        return "password: choose one that is harder to guess"
    return ""


def alike(password: str, again: str) -> None:
    """Raise ValueError where a password was typed twice in two ways."""
    if password != again:
        raise ValueError("the two passwords differ")


class Passwords:
    """Hash and check. `hasher` is given by tests that have no time for real costs."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # argon2id with RFC 9106's low-memory parameters
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody = ""

    async def hashed(self, password: str) -> str:
        """Return the hash to store."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _octets(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Say whether a password is the one; without a stored hash it takes as long and is never."""
        if not self._nobody:
            self._nobody = await self.hashed("nobody has this password")
        async with self._turn:
            found = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return found and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, _octets(password[: LONGEST + 1]))
        except (Argon2Error, InvalidHashError):
            return False


def _octets(password: str) -> bytes:
    return password.encode("utf-8", "replace")
