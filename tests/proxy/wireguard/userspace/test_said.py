from __future__ import annotations

import pytest

from proxy.wireguard.userspace.said import MOST, Said
from tests.support.tunnel_streams import FakeStream


async def test_what_was_read_ahead_comes_first_and_in_pieces_of_the_length_asked_for() -> None:
    stream = FakeStream("tcp", "203.0.113.10", 80, b"abc", b"def", b"ghi")
    said = Said(stream)
    await said.some()
    await said.some()
    await said.more()
    assert said.data == b"abcdef"
    assert [await said.read(4), await said.read(4), await said.read(4)] == [b"abcd", b"ef", b"ghi"]


@pytest.mark.parametrize("what", [b"", b"x" * (MOST + 1)])
async def test_one_that_ends_or_says_too_much_is_given_up(what: bytes) -> None:
    stream = FakeStream("tcp", "203.0.113.10", 80)
    said = Said(stream)
    for start in range(0, len(what) or 1, 60_000):
        stream.say(what[start : start + 60_000])
    with pytest.raises(ConnectionAbortedError):
        while True:
            await said.more()
