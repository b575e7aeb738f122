from __future__ import annotations

import gzip
import hashlib
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from addons.bodies import digests, plain

BODY = b"what is inside " * 500


def three(body: bytes) -> tuple[str, ...]:
    return tuple(hashlib.new(name, body).hexdigest() for name in ("sha256", "sha1", "md5"))


PACKED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "br": brotli.compress(BODY),
    "zstd": zstandard.compress(BODY),
}


@pytest.mark.parametrize("encoding", PACKED)
def test_both_forms_are_hashed(encoding: str) -> None:
    assert digests(PACKED[encoding], encoding.upper(), 10**6) == (*three(BODY), *three(PACKED[encoding]))


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip, br", brotli.compress(gzip.compress(BODY))),
        ("identity, zstd,GZIP ", gzip.compress(zstandard.compress(BODY))),
        ("br, br, br, br", brotli.compress(brotli.compress(brotli.compress(brotli.compress(BODY))))),
    ],
)
def test_several_codings_are_undone_from_the_last_to_the_first(encoding: str, sent: bytes) -> None:
    assert plain(sent, encoding, 10**6) == BODY
    assert digests(sent, encoding, 10**6) == (*three(BODY), *three(sent))
    assert plain(sent, "br, " * 5, 10**6) is None
    assert plain(sent, "compress", 10**6) is None
    assert plain(sent, "utf-8, gzip", 10**6) is sent
    assert plain(sent, encoding, 1000) is None


def test_deflate_comes_without_its_header_too() -> None:
    machine = zlib.compressobj(wbits=-15)
    raw = machine.compress(BODY) + machine.flush()
    assert digests(raw, "deflate", 10**6)[:3] == three(BODY)


@pytest.mark.parametrize("encoding", ["", "identity", "compress", "gzip, br", "nonsense"])
def test_what_is_not_packed_in_a_way_we_know_is_hashed_as_it_is(encoding: str) -> None:
    assert digests(BODY, encoding, 10**6) == three(BODY)


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("spoil", ["cut", "rubbish"])
def test_what_cannot_be_unpacked_is_hashed_as_it_was_sent(encoding: str, spoil: str) -> None:
    body = PACKED[encoding][: len(PACKED[encoding]) // 2] if spoil == "cut" else b"\x01\x02 no such thing"
    found = digests(body, encoding, 10**6)
    assert found[-3:] == three(body)
    assert three(BODY)[0] not in found


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("zstd", zstandard.compress)],
)
def test_a_body_that_unpacks_without_end_is_left_alone(encoding, pack) -> None:
    bomb = pack(bytes(50_000_000))
    assert digests(bomb, encoding, 1_000_000) == three(bomb)


@given(st.binary(), st.sampled_from(sorted(PACKED)))
def test_any_bytes_have_their_own_hashes(body: bytes, encoding: str) -> None:
    """Invariant: the hashes of what was sent are always among the answers, whatever it claims to be."""
    assert set(three(body)) <= set(digests(body, encoding, 10**6))
