"""Keys are those that `wg` makes and reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from proxy.profiles.keys import checked_public, keys_of, new_keys


def test_a_private_key_gives_its_public_one() -> None:
    pair = new_keys()
    assert keys_of(pair.private) == pair
    assert new_keys() != pair


def test_wg_derives_the_same_public_key(require_program: Callable[[str], str]) -> None:
    pair = new_keys()
    wg = require_program("wg")
    told = subprocess.run([wg, "pubkey"], input=pair.private, capture_output=True, text=True, check=True, timeout=20)
    assert told.stdout.strip() == pair.public


@pytest.mark.parametrize("text", ["", "x", "AAAA", "A" * 43, "é" * 44, "A" * 40])
def test_what_is_no_key_is_refused(text: str) -> None:
    for read in (keys_of, checked_public):
        with pytest.raises(ValueError, match="44 characters"):
            read(text)


def test_blanks_around_a_key_do_not_count() -> None:
    pair = new_keys()
    assert checked_public(f" {pair.public}\n") == pair.public
