"""Bodies: what is taken from a response, what ends at this hop, and how a reply is put together."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from dnslib import EDNS0, QTYPE, RCODE, RR, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns import composed
from proxy.dns.answers import ExtendedError, read_body, reply
from proxy.dns.codes import Rcode
from proxy.dns.composed import BlockedAnswer
from proxy.dns.question import read_query
from proxy.dns.records import BadReplyError
from tests.support.resolver import addresses, extended_errors, question

SIZE = 15  # octets of the question a.example


def response(*zone: str, opt: EDNS0 | None = None, after: str = "") -> bytes:
    record = DNSRecord.question("a.example").reply(aa=0)
    for line in zone:
        record.add_answer(*RR.fromZone(line))
    if opt:
        record.add_ar(opt)
    if after:
        record.add_ar(*RR.fromZone(after))
    return bytes(record.pack())


@given(st.lists(st.integers(0, 2**31 - 1), max_size=5), st.booleans(), st.integers(0, 65535))
def test_a_body_behind_any_question_of_its_name(ttls: list[int], edns: bool, qid: int) -> None:
    """What dnslib reads from the reply is what the upstream said, whatever the client's id, case and EDNS."""
    packet = response(*(f"a.example {ttl} A 192.0.2.{number}" for number, ttl in enumerate(ttls)))
    query = read_query(question("A.eXample", qid=qid, edns=1232 if edns else 0))
    made = DNSRecord.parse(reply(query, read_body(packet, SIZE)))
    assert made.header.id == qid
    assert made.q.qname.label == (b"A", b"eXample")
    assert [(rr.ttl, str(rr.rdata)) for rr in made.rr] == [(rr.ttl, str(rr.rdata)) for rr in DNSRecord.parse(packet).rr]
    assert len(made.ar) == edns


def test_the_upstreams_opt_ends_here_but_not_what_it_explains() -> None:
    opt = EDNS0(udp_len=4096, opts=[EDNSOption(10, b"12345678"), EDNSOption(15, b"\0\6bogus\0")])
    body = read_body(response("a.example 60 A 192.0.2.1", opt=opt), SIZE)
    assert (body.counts, body.error) == ((1, 0, 0), ExtendedError(6, "bogus"))
    made = DNSRecord.parse(reply(read_query(question("a.example", edns=1232)), body))
    assert (extended_errors(made), made.ar[0].edns_len) == ([(6, "bogus")], 1232)
    assert not DNSRecord.parse(reply(read_query(question("a.example")), body)).ar


def test_what_follows_the_opt_is_dropped() -> None:
    body = read_body(response("a.example 60 A 192.0.2.1", opt=EDNS0(), after="ns.a.example 60 A 192.0.2.2"), SIZE)
    assert (body.counts, len(body.ttls)) == ((1, 0, 0), 1)
    assert read_body(response(opt=EDNS0(opts=[EDNSOption(15, b"\0")])), SIZE).error is None


def test_an_extended_response_code_is_no_answer() -> None:
    with pytest.raises(BadReplyError):
        read_body(response(opt=EDNS0(ext_rcode=1)), SIZE)


@pytest.mark.parametrize(
    ("asks", "gets"), [({}, 0), ({"ad": True}, 1), ({"edns": 1232}, 0), ({"edns": 1232, "do": True}, 1)]
)
def test_ad_is_given_to_who_asks_for_it(asks: dict[str, int], gets: int) -> None:
    packet = bytearray(response("a.example 60 A 192.0.2.1"))
    packet[3] |= 0x20
    made = DNSRecord.parse(reply(read_query(question("a.example", **asks)), read_body(bytes(packet), SIZE)))  # type: ignore[arg-type]
    assert made.header.ad == gets


def test_an_extended_errors_text_is_cut_between_characters() -> None:
    made = reply(
        read_query(question("a.example", edns=1232)),
        composed.negative(Rcode.NXDOMAIN),
        error=ExtendedError(15, "ä" * 150 + "…"),
    )
    assert extended_errors(DNSRecord.parse(made)) == [(15, "ä" * 100)]


@pytest.mark.parametrize("how", ["zero", "nxdomain", "refused", "page"])
@pytest.mark.parametrize("qtype", ["A", "AAAA", "HTTPS", "TXT"])
def test_blocked_answers_are_well_formed(how: BlockedAnswer, qtype: str) -> None:
    page = (ip_address("10.0.0.1"), ip_address("fd00::1"))
    made = DNSRecord.parse(
        reply(read_query(question("a.example", qtype)), composed.blocked(how, getattr(QTYPE, qtype), page))
    )
    listed = {"zero": ("0.0.0.0", "::"), "page": ("10.0.0.1", "fd00::1")}.get(how, ())
    assert addresses(made) == [one for one in listed if qtype == ("AAAA" if ":" in one else "A")]
    assert RCODE[made.header.rcode] == {"nxdomain": "NXDOMAIN", "refused": "REFUSED"}.get(how, "NOERROR")
    assert len(made.auth) == (how != "refused" and not made.rr)


def test_pointers_are_never_compressed_against_the_stand_in() -> None:
    body = composed.pointers(("x.example", "y.x.example"))
    made = DNSRecord.parse(reply(read_query(question("1.2.0.192.in-addr.arpa", "PTR")), body))
    assert addresses(made) == ["x.example.", "y.x.example."]
    assert {str(rr.rname) for rr in made.rr} == {"1.2.0.192.in-addr.arpa."}
