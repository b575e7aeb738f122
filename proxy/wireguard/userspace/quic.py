"""Refuse QUIC so that a browser falls back to TCP at once: answer its first packet with a close of our own.

This stack cannot send *port unreachable*. Anybody can make an Initial packet's keys from the connection id that the
client chose (RFC 9001, section 5.2), so the close is read as the server's. Pure.
"""

from __future__ import annotations

from aioquic.buffer import Buffer, BufferReadError  # type: ignore[attr-defined]
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import QuicPacketType, QuicProtocolVersion, pull_quic_header

_SERVER_ID = b"seawall!"  # any connection id of ours: the connection ends here
_FIRST_BYTE = 0xC1  # long header, Initial, packet number of two bytes (RFC 9000, section 17.2.2)
_TAG = 16  # bytes of the AEAD
_NUMBER = bytes(2)  # of the packet
_REFUSED = b"\x1c\x02\x00\x00"  # CONNECTION_CLOSE, CONNECTION_REFUSED, of no frame, without a reason (19.19, 20.1)
_PLAIN = _REFUSED.ljust(32, b"\0")  # with PADDING: what is too short cannot be protected


def refusal(datagram: bytes) -> bytes:
    """Return the close to answer a client's first datagram with; nothing for one that begins no QUIC version 1."""
    try:
        header = pull_quic_header(Buffer(data=datagram), host_cid_length=len(_SERVER_ID))
    except (ValueError, BufferReadError):
        return b""
    if header.packet_type is not QuicPacketType.INITIAL or header.version != QuicProtocolVersion.VERSION_1:
        return b""
    length = len(_NUMBER) + len(_PLAIN) + _TAG
    head = b"".join(
        (
            bytes((_FIRST_BYTE,)),
            header.version.to_bytes(4),
            bytes((len(header.source_cid),)) + header.source_cid,
            bytes((len(_SERVER_ID),)) + _SERVER_ID,
            b"\0",  # no token
            (0x4000 | length).to_bytes(2),
            _NUMBER,
        )
    )
    keys = CryptoPair()
    keys.setup_initial(cid=header.destination_cid, is_client=False, version=header.version)
    return keys.encrypt_packet(head, _PLAIN, 0)
