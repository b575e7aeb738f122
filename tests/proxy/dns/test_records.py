"""The record walker, held to dnslib, and what it finds that a verdict needs."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from dnslib import DNSError, DNSRecord
from dnslib.label import DNSLabelError
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns.records import BadReplyError, read_evidence, read_name, read_records, service_parameters

ZONES = [
    "a.example 60 A 192.0.2.1",
    "a.example 60 AAAA 2001:db8::1",
    "a.example 60 CNAME b.c.example",
    "a.example 60 MX 10 mail.a.example",
    "a.example 60 TXT 'some text'",
    "a.example 60 NS ns.a.example",
    "a.example 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.7,192.0.2.8 ipv6hint=2001:db8::7",
    "a.example 60 SOA ns.a.example admin.a.example 1 2 3 4 5",
]
END = 12 + 11 + 4


def reply(*zone: str) -> bytes:
    record = DNSRecord.question("a.example").reply()
    for line in zone:
        from dnslib import RR

        record.add_answer(*RR.fromZone(line))
    return bytes(record.pack())


@given(st.lists(st.sampled_from(ZONES), max_size=6))
def test_what_dnslib_writes_is_walked(zone: list[str]) -> None:
    """Types, classes and TTLs are those that dnslib reads, and the walk ends at the packet's end."""
    packet = reply(*zone)
    theirs = DNSRecord.parse(packet)
    ours = read_records(packet, END)
    assert [(one.type, one.class_, one.ttl) for one in ours] == [(rr.rtype, rr.rclass, rr.ttl) for rr in theirs.rr]
    assert [read_name(packet, one.owner) for one in ours] == [str(rr.rname).rstrip(".") for rr in theirs.rr]


@given(st.data())
def test_spoilt_packets_raise_nothing_else(data: st.DataObject) -> None:
    """Whatever the bytes: read, or BadReplyError; and addresses that are read are those dnslib reads."""
    packet = bytearray(reply(*data.draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=4))))
    for _ in range(data.draw(st.integers(0, 4))):
        packet[data.draw(st.integers(6, len(packet) - 1))] = data.draw(st.integers(0, 255))
    spoilt = bytes(packet[: data.draw(st.integers(12, len(packet)))])
    try:
        records = read_records(spoilt, END)
        evidence = read_evidence(spoilt, records)
    except BadReplyError:
        return
    try:
        theirs = DNSRecord.parse(spoilt)
    except (DNSError, DNSLabelError, ValueError, IndexError):
        return
    if len(theirs.questions) == 1:
        listed = {str(ip_address(str(rr.rdata))) for rr in theirs.rr if rr.rtype in (1, 28) and rr.rclass == 1}
        assert listed <= {str(address) for address in evidence.addresses}


def test_evidence() -> None:
    packet = reply(ZONES[2], "b.c.example 60 CNAME d.example", "d.example 60 A 192.0.2.1", ZONES[1], ZONES[6])
    chain, addresses = read_evidence(packet, read_records(packet, END))
    assert chain == ("b.c.example", "d.example")
    assert [str(one) for one in addresses] == [
        "192.0.2.1",
        "2001:db8::1",
        "192.0.2.7",
        "192.0.2.8",
        "2001:db8::7",
    ]


def test_addresses_of_another_class_are_no_evidence() -> None:
    packet = bytearray(reply(ZONES[0]))
    packet[END + 5] = 3
    assert read_evidence(bytes(packet), read_records(bytes(packet), END)) == ((), ())


def test_a_ttl_with_its_high_bit_is_zero() -> None:
    packet = bytearray(reply(ZONES[0]))
    packet[END + 6] = 0x80
    assert read_records(bytes(packet), END)[0].ttl == 0


def raw(kind: int, data: str) -> bytes:
    body = bytes.fromhex(data)
    head = bytes.fromhex("1234 8180 0001 0001 0000 0000") + b"\1a\7example\0" + b"\0\1\0\1"
    return head + b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1" + bytes(4) + len(body).to_bytes(2) + body


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        (1, "c00002", "an address of three octets"),
        (28, "c0000201", "an IPv6 address of four octets"),
        (5, "c0ff", "a pointer forwards"),
        (5, "c027", "a pointer at itself"),
        (5, "c002", "a pointer into the header"),
        (5, "0161", "a name without end"),
        (5, "0000", "bytes behind the name"),
        (5, "016100ff", "bytes behind the name"),
        (5, "80", "a label of a reserved kind"),
        (65, "00", "less than a priority"),
        (65, "0001 00 0004", "a parameter without length"),
        (65, "0001 00 0004 0008 c0000201", "a parameter cut off"),
        (65, "0001 00 0004 0003 c00002", "a hint of three octets"),
        (65, "0001 00 0006 0000", "an empty hint"),
        (64, "0001 01", "a target without end"),
    ],
)
def test_broken_data(kind: int, data: str, why: str) -> None:
    packet = raw(kind, data)
    with pytest.raises(BadReplyError):
        read_evidence(packet, read_records(packet, END))
        pytest.fail(why)


def test_a_target_that_runs_past_its_record() -> None:
    packet = raw(65, "0001 03 6162") + b"c\0"
    packet = packet[:10] + b"\0\0" + packet[12:]
    with pytest.raises(BadReplyError):
        read_records(packet, END)
    longer = raw(65, "0001 02 61")[:-2] + b"\2ab\0"
    with pytest.raises(BadReplyError):
        service_parameters(longer, read_records(raw(65, "0001 02 61"), END)[0])


@pytest.mark.parametrize("cut", [1, 5, 12, 16])
def test_cut_off(cut: int) -> None:
    with pytest.raises(BadReplyError):
        read_records(reply(ZONES[0])[:-cut], END)


def test_a_name_through_pointers_is_limited() -> None:
    labels = b"".join(b"\x3f" + bytes([97 + n]) * 63 for n in range(3)) + b"\0"
    packet = bytes(12) + labels + b"\x3f" + b"z" * 63 + b"\xc0\x0c"
    with pytest.raises(BadReplyError):
        read_name(packet, 12 + len(labels))
    assert read_name(packet, 12).startswith("a" * 63)
