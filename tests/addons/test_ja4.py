from __future__ import annotations

import pytest
from mitmproxy.tls import ClientHello

from addons.ja4 import ja4, of_fields
from tests.proxy.front.test_client_hello import real_hello

# The worked example of FoxIO's technical description.
CIPHERS = tuple(int(word, 16) for word in (
    "1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035"
).split())  # fmt: skip
KINDS = "001b 0000 0033 0010 4469 0017 002d 000d 0005 0023 0012 002b ff01 000b 000a 0015".split()
SIGNATURES = bytes.fromhex("0010" + "0403 0804 0401 0503 0805 0501 0806 0601".replace(" ", ""))
GREASE = 0x3A3A


def extensions(grease: bool) -> tuple[tuple[int, bytes], ...]:
    bodies = {0x000D: SIGNATURES, 0x002B: bytes.fromhex("06" + ("3a3a" if grease else "") + "03040303")}
    found = tuple((int(kind, 16), bodies.get(int(kind, 16), b"")) for kind in KINDS)
    return ((GREASE, b""), *found) if grease else found


@pytest.mark.parametrize("grease", [False, True])
def test_the_published_example(grease: bool) -> None:
    ciphers = (GREASE, *CIPHERS) if grease else CIPHERS
    assert of_fields(ciphers, extensions(grease), b"h2") == "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("alpn", "ends"), [(b"", "00"), (b"h2", "h2"), (b"http/1.1", "h1"), (b"x", "xx"), (b"\xab\xcd", "ad")]
)
def test_what_stands_for_the_protocol(alpn: bytes, ends: str) -> None:
    assert of_fields((), (), alpn) == f"t12i0000{ends}_000000000000_000000000000"


def test_a_real_hello_has_one_fingerprint_whatever_the_host() -> None:
    one, two = (ja4(ClientHello(real_hello(name)[9:])) for name in ("a.test", "another.test"))
    assert one == two
    assert one.startswith("t13d")
    assert ja4(ClientHello(real_hello("a.test", ("http/1.1",))[9:])) != one
