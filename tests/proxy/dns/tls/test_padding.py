"""Padding: whole blocks, nothing else changed, and no reply made worse."""

from __future__ import annotations

import dns.message
import pytest
from dnslib import EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns.answers import Body, ExtendedError, bare_error, reply
from proxy.dns.codes import Rcode
from proxy.dns.question import read_query
from proxy.dns.tls.padding import BLOCK, padded
from tests.support.resolver import question

PADS = question("good.example", edns=1232, options=[EDNSOption(12, b"")])
QUERY = read_query(PADS)
TEXT = b"\xc0\x0c\0\x10\0\1\0\0\0\x3c"  # a TXT record but for its data, of the question's name


def txt(size: int) -> Body:
    data = b"".join(bytes((255,)) + b"x" * 255 for _ in range(size // 256))
    return Body(0, (1, 0, 0), TEXT + len(data).to_bytes(2) + data)


@given(st.integers(256, 20_000), st.text(max_size=40), st.binary(min_size=24, max_size=24) | st.just(b""))
def test_replies_have_whole_blocks(size: int, text: str, cookie: bytes) -> None:
    """A padded reply is a multiple of 468 octets and says the same as before."""
    made = reply(QUERY, txt(size), error=ExtendedError(15, text), cookie=cookie)
    found = padded(QUERY, made)
    assert len(found) % BLOCK == 0
    assert len(found) - len(made) < BLOCK + 4
    before, after = dns.message.from_wire(made), dns.message.from_wire(found)
    assert after.answer == before.answer
    assert after.options[:-1] == before.options
    assert int(after.options[-1].otype) == 12


@pytest.mark.parametrize(("size", "becomes"), [(65_500, 65_520), (65_520, 65_535), (65_531, 65_535), (65_532, 65_532)])
def test_no_reply_outgrows_a_message(size: int, becomes: int) -> None:
    room = size - len(reply(QUERY, txt(0)))
    made = reply(QUERY, Body(0, (1, 0, 0), TEXT + room.to_bytes(2) + bytes(room)))
    assert len(made) == size
    assert len(padded(QUERY, made)) == becomes


def test_who_does_not_pad_and_what_has_no_opt_are_left_alone() -> None:
    without = read_query(question("good.example", edns=1232))
    none = read_query(question("good.example"))
    for query in (without, none):
        made = reply(query, txt(256))
        assert padded(query, made) == made
    for made in (bare_error(PADS, Rcode.FORMERR), reply(none, txt(256)), reply(none, Body(0, (0, 0, 0), b""))):
        assert padded(QUERY, made) == made
    assert padded(QUERY, b"\0" * 11 + b"\1") == b"\0" * 11 + b"\1"
