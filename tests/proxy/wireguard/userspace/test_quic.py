"""What is answered to QUIC, read by a real client of it."""

from __future__ import annotations

import ssl

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated
from aioquic.quic.packet import QuicErrorCode

from proxy.wireguard.userspace.quic import refusal


def client() -> QuicConnection:
    made = QuicConnection(configuration=QuicConfiguration(is_client=True, verify_mode=ssl.CERT_NONE))
    made.connect(("203.0.113.10", 443), now=0.0)
    return made


def test_a_client_is_told_that_its_connection_is_refused() -> None:
    connection = client()
    (first, _), *_ = connection.datagrams_to_send(now=0.0)
    connection.receive_datagram(refusal(first), ("203.0.113.10", 443), now=0.1)
    connection.handle_timer(now=60.0)
    found = connection.next_event()
    while found is not None and not isinstance(found, ConnectionTerminated):
        found = connection.next_event()
    assert found is not None
    assert found.error_code == QuicErrorCode.CONNECTION_REFUSED


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"?",
        b"\x40" + bytes(30),  # a short header
        b"\xc0\x00\x00\x00\x02" + bytes(30),  # another version
        b"\xe0\x00\x00\x00\x01\x08" + bytes(60),  # 0-RTT
        b"\xff" * 1200,
    ],
)
def test_what_begins_no_connection_of_version_1_is_not_answered(datagram: bytes) -> None:
    assert refusal(datagram) == b""
