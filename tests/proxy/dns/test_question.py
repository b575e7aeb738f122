"""The question reader, held to dnslib: what both read is the same, and no bytes make it raise anything of its own."""

from __future__ import annotations

import pytest
from dnslib import EDNS0, DNSError, DNSLabel, DNSQuestion, DNSRecord, EDNSOption
from dnslib.label import DNSLabelError
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns.codes import Option, Rcode
from proxy.dns.question import BadQueryError, read_query
from tests.support.resolver import question

HEAD = bytes.fromhex("1234 0100 0001 0000 0000 0000")
labels = st.lists(st.binary(min_size=1, max_size=20), max_size=8)
OPT = bytes.fromhex("00 0029 04d0 00000000 0000")


@given(labels, st.integers(0, 65535), st.integers(0, 65535), st.booleans(), st.binary(max_size=20))
def test_what_dnslib_writes_is_read_as_it_was_meant(
    name: list[bytes], qtype: int, qclass: int, edns: bool, option: bytes
) -> None:
    """Every well-formed query is read, with the fields it was made of."""
    record = DNSRecord(q=DNSQuestion(DNSLabel(name), qtype, qclass))
    if edns:
        record.add_ar(EDNS0(udp_len=1400, flags="do", opts=[EDNSOption(10, option)]))
    query = read_query(bytes(record.pack()))
    assert (query.id, query.qtype, query.qclass) == (record.header.id, qtype, qclass)
    assert query.question[:-4] == b"".join(bytes([len(one)]) + one for one in name) + b"\0"
    assert query.key[:-4] == query.question[:-4].lower()
    assert query.key[-4:] == query.question[-4:]
    assert len(query.host.split(".")) == max(len(name), 1)
    assert (query.edns is not None) == edns
    if query.edns:
        assert (query.edns.size, query.edns.do, query.edns.option(Option.COOKIE)) == (1400, True, option)
        assert query.edns.option(Option.EXTENDED_ERROR) is None


@given(st.binary(max_size=80) | st.builds(lambda tail: HEAD + tail, st.binary(max_size=60)))
def test_any_bytes_are_read_or_refused(packet: bytes) -> None:
    """What is read is what dnslib reads; anything else is BadQueryError and no other exception."""
    try:
        query = read_query(packet)
    except BadQueryError:
        return
    try:
        theirs = DNSRecord.parse(packet)
    except (DNSError, DNSLabelError):  # dnslib wants UTF-8 labels and data in each record
        return
    assert query.question[:-4] == b"".join(bytes([len(one)]) + one for one in theirs.q.qname.label) + b"\0"
    assert (query.qtype, query.qclass) == (theirs.q.qtype, theirs.q.qclass)


@given(st.data())
def test_a_spoilt_query_is_read_or_refused(data: st.DataObject) -> None:
    """Cut, stretched or with octets changed, a query raises nothing but BadQueryError."""
    packet = bytearray(question("www.example.org", "AAAA", edns=1232, options=[EDNSOption(10, b"12345678")]))
    for _ in range(data.draw(st.integers(1, 3))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    spoilt = bytes(packet)[: data.draw(st.integers(0, len(packet)))] + data.draw(st.binary(max_size=4))
    try:
        read_query(spoilt)
    except BadQueryError as problem:
        assert problem.rcode in (None, Rcode.FORMERR, Rcode.NOTIMP)


@pytest.mark.parametrize(
    ("packet", "rcode", "why"),
    [
        ("", None, "nothing"),
        ("1234 0100 0001 0000 0000 00", None, "less than a header"),
        ("1234 8100 0001 0000 0000 0000 00 0001 0001", None, "a response"),
        ("1234 2900 0001 0000 0000 0000 00 0001 0001", Rcode.NOTIMP, "an update"),
        ("1234 0100 0000 0000 0000 0000", Rcode.FORMERR, "no question"),
        ("1234 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", Rcode.FORMERR, "two questions"),
        ("1234 0100 0001 0001 0000 0000 00 0001 0001", Rcode.FORMERR, "an answer in a query"),
        ("1234 0100 0001 0000 0000 0005 00 0001 0001", Rcode.FORMERR, "too many additional records"),
        ("1234 0100 0001 0000 0000 0000", Rcode.FORMERR, "no name"),
        ("1234 0100 0001 0000 0000 0000 03 6162", Rcode.FORMERR, "a label cut off"),
        ("1234 0100 0001 0000 0000 0000 c00c 0001 0001", Rcode.FORMERR, "a compressed name"),
        ("1234 0100 0001 0000 0000 0000 00 0001", Rcode.FORMERR, "no class"),
        ("1234 0100 0001 0000 0000 0000 00 0001 0001 00", Rcode.FORMERR, "bytes behind"),
        ("1234 0100 0001 0000 0000 0001 00 0001 0001", Rcode.FORMERR, "an OPT that is not there"),
        ("1234 0100 0001 0000 0000 0001 00 0001 0001 40", Rcode.FORMERR, "an owner that is no name"),
        ("1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0", Rcode.FORMERR, "an OPT cut off"),
        ("1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 0004", Rcode.FORMERR, "its data cut off"),
        ("1234 0100 0001 0000 0000 0002 00 0001 0001" + 2 * OPT.hex(), Rcode.FORMERR, "two OPT"),
        ("1234 0100 0001 0000 0000 0001 00 0001 0001 0161" + OPT.hex(), Rcode.FORMERR, "OPT not at the root"),
        ("1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 0003 000a00", Rcode.FORMERR, "option cut"),
        (
            "1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 0005 000a000401",
            Rcode.FORMERR,
            "an option's data cut off",
        ),
    ],
)
def test_malformed(packet: str, rcode: Rcode | None, why: str) -> None:
    with pytest.raises(BadQueryError) as caught:
        read_query(bytes.fromhex(packet))
    assert caught.value.rcode == rcode, why


def test_a_name_may_have_255_octets_and_no_more() -> None:
    longest = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3d" + b"b" * 61 + b"\0"
    assert len(longest) == 255
    assert len(read_query(HEAD + longest + b"\0\1\0\1").host) == 253
    with pytest.raises(BadQueryError):
        read_query(HEAD + b"\x01x" + longest + b"\0\1\0\1")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"\3WwW\2eX\0", "www.ex"),
        (b"\5a.b c\3com\0", "a\\046b\\032c.com"),
        (b"\2\xff\\\0", "\\255\\092"),
        (b"\5_dmar\4a-b1\0", "_dmar.a-b1"),
        (b"\0", ""),
    ],
)
def test_text_never_means_two_names(name: bytes, text: str) -> None:
    assert read_query(HEAD + name + b"\0\1\0\1").host == text


def test_other_additional_records_are_passed_over() -> None:
    packet = HEAD[:10] + b"\0\2" + b"\1a\0\0\1\0\1" + b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4" + bytes(4) + OPT
    query = read_query(packet)
    assert query.edns is not None
    assert query.edns.size == 1232


def test_edns_size_is_never_below_512() -> None:
    query = read_query(question("a.example", edns=100))
    assert query.edns is not None
    assert query.edns.size == 512
