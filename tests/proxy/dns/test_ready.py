"""Ready answers: the same bytes as the long way gives, for equal packets from equal clients only."""

from __future__ import annotations

import pytest
from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from proxy.dns import ready as ready_module
from proxy.dns.ready import MAX_PACKET, Ready, ReadyAnswers
from tests.support.resolver import question

REPLY = DNSRecord.parse(question("www.example.org", qid=1)).replyZone("www.example.org 300 A 192.0.2.1")
TTLS = ((6, 300),)


def put(ready: ReadyAnswers, packet: bytes, until: float = 10.0) -> None:
    ready.put(b"tag", packet, Ready.of(bytes(REPLY.pack()), 0.0, until, TTLS))


@given(st.integers(0, 65535), st.lists(st.booleans(), min_size=15, max_size=15))
def test_id_and_letter_case_are_the_clients(qid: int, upper: list[bool]) -> None:
    """The reply carries the id and the name exactly as this client sent them."""
    ready = ReadyAnswers()
    put(ready, question("www.example.org", qid=1))
    name = "".join(letter.upper() if up else letter for letter, up in zip("www.example.org", upper, strict=True))
    packet = question(name, qid=qid)
    reply = ready.answer(b"tag", packet, 0.5)
    assert reply is not None
    assert reply[:2] == packet[:2]
    assert reply[12 : len(packet)] == packet[12:]
    assert DNSRecord.parse(reply).rr == REPLY.rr


def test_anything_else_must_be_equal() -> None:
    ready = ReadyAnswers()
    packet = question("www.example.org", qid=1)
    put(ready, packet)
    assert ready.answer(b"tag", packet, 0.0) is not None
    assert ready.answer(b"other", packet, 0.0) is None
    for other in (
        question("www.example.org", "HTTPS"),
        question("ww.example.org"),
        question("www.example.org", edns=1232),
        question("www.example.org", cd=True),
        packet + b"\0",
        packet[:-1],
        packet[:12],
        b"",
    ):
        assert ready.answer(b"tag", other, 0.0) is None


def test_type_65_is_not_type_97() -> None:
    """Lower case touches the name only: type 65 is the letter A as an octet, 97 is a."""
    ready = ReadyAnswers()
    put(ready, question("www.example.org")[:-4] + b"\0\x41\0\1")
    assert ready.answer(b"tag", question("www.example.org")[:-4] + b"\0\x61\0\1", 0.0) is None


def test_ttls_count_down_and_end() -> None:
    ready = ReadyAnswers()
    packet = question("www.example.org", qid=1)
    put(ready, packet)
    seen = []
    for now in (0.0, 0.9, 1.0, 2.5, 9.9):
        reply = ready.answer(b"tag", packet, now)
        assert reply is not None
        seen.append(DNSRecord.parse(reply).rr[0].ttl)
    assert seen == [300, 300, 299, 298, 291]
    assert ready.answer(b"tag", packet, 10.0) is None


def test_a_truncated_answer_has_no_ttls() -> None:
    ready = ReadyAnswers()
    packet = question("www.example.org", qid=1)
    cut = packet[:2] + b"\x83\x80" + packet[4:]
    ready.put(b"tag", packet, Ready.of(cut, 0.0, 10.0, TTLS))
    assert ready.answer(b"tag", packet, 5.0) == cut


def test_another_epoch_forgets_everything() -> None:
    ready = ReadyAnswers()
    packet = question("www.example.org", qid=1)
    ready.follow(1)
    put(ready, packet)
    ready.follow(1)
    assert ready.answer(b"tag", packet, 0.0) is not None
    ready.follow(2)
    assert ready.answer(b"tag", packet, 0.0) is None


def test_two_generations_bound_it() -> None:
    ready = ReadyAnswers(max_bytes=9_000)
    hot = question("www.example.org", qid=1)
    put(ready, hot)
    for number in range(200):
        put(ready, question(f"n{number}.example", qid=1))
        assert ready.answer(b"tag", hot, 0.0) is not None  # in use: it moves to the young generation
        assert len(ready) <= 28  # of about 350 octets each
    assert ready.answer(b"tag", question("n0.example"), 0.0) is None


def test_an_answer_larger_than_all_room_is_not_kept() -> None:
    ready = ReadyAnswers(max_bytes=600)
    put(ready, question("www.example.org", qid=1))
    assert len(ready) == 0


def test_the_same_question_again_does_not_take_more_than_its_room() -> None:
    """An answer that is put again and again counts each time, so a turn comes early, never late."""
    ready = ReadyAnswers(max_bytes=9_000)
    for _ in range(100):
        put(ready, question("www.example.org", qid=1))
    assert len(ready) in (1, 2)  # once a generation
    assert ready.answer(b"tag", question("www.example.org"), 0.0) is not None


def test_long_packets_are_not_kept() -> None:
    ready = ReadyAnswers()
    put(ready, question("www.example.org", qid=1) + bytes(MAX_PACKET))
    assert len(ready) == 0


def test_answers_that_never_change_share_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready_module, "_MAX_COMMON", 3)
    ready = ReadyAnswers()
    made = [Ready.of(bytes(REPLY.pack()), 0.0, 10.0) for _ in range(3)]
    for number, one in enumerate(made):
        ready.put(b"tag", question(f"n{number}.example"), one)
    assert made[0].tail is made[1].tail is made[2].tail
    for number in range(20):
        reply = bytes(REPLY.pack()) + bytes((number,))
        ready.put(b"tag", question(f"m{number}.example"), Ready.of(reply, 0.0, 10.0))
        found = ready.answer(b"tag", question(f"m{number}.example", qid=1), 0.0)
        assert found is not None
        assert found[-1] == number
