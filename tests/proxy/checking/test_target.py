"""What a person types becomes the right observation, or a clear refusal."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.observation import Device
from indicators.words import Stage, Visibility
from proxy.checking.target import MAX_TARGET, observation

DEVICE = Device("check", "check")


@pytest.mark.parametrize(
    ("text", "stage", "host", "port"),
    [
        ("Evil.Example.", Stage.DNS, "evil.example", None),
        (" evil.example ", Stage.DNS, "evil.example", None),
        ("BÜCHER.example", Stage.DNS, "xn--bcher-kva.example", None),
        ("evil[.]example", Stage.DNS, "evil.example", None),
        ("evil.example:8443", Stage.DNS, "evil.example", 8443),
        ("http://evil.example", Stage.HTTP, "evil.example", None),
        ("hxxps://evil[.]example/x", Stage.HTTP, "evil.example", None),
        ("evil.example/x", Stage.HTTP, "evil.example", None),
        ("evil.example?x", Stage.HTTP, "evil.example", None),
        ("http://evil.example:81/", Stage.HTTP, "evil.example", 81),
        ("http://user@[::1]:81/", Stage.HTTP, "::1", 81),
        ("192.0.2.1", Stage.CONNECTION, "192.0.2.1", None),
        ("192.0.2.1:25", Stage.CONNECTION, "192.0.2.1", 25),
        ("0xC0.0.0x2.1", Stage.CONNECTION, "192.0.2.1", None),
        ("2001:DB8::1", Stage.CONNECTION, "2001:db8::1", None),
        ("[2001:db8::1]:443", Stage.CONNECTION, "2001:db8::1", 443),
        ("[2001:db8::1]", Stage.CONNECTION, "2001:db8::1", None),
        ("::ffff:192.0.2.1", Stage.CONNECTION, "192.0.2.1", None),
    ],
)
def test_names_urls_and_addresses(text: str, stage: Stage, host: str, port: int | None) -> None:
    seen = observation(text, DEVICE)
    assert (seen.stage, seen.hosts, seen.port) == (stage, (host,), port)
    assert seen.addresses == ((ip_address(host),) if stage is Stage.CONNECTION else ())
    assert seen.reach is Visibility.BODY


@pytest.mark.parametrize(("digits", "certificate"), [(32, False), (40, True), (64, False)])
def test_hashes(digits: int, certificate: bool) -> None:
    seen = observation("Ab" * (digits // 2), DEVICE)
    assert (seen.stage, seen.hashes) == (Stage.DOWNLOAD, ("ab" * (digits // 2),))
    assert seen.certificate == ("ab" * 20 if certificate else None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a domain, URL, address or file hash, got nothing"),
        ("a b", "not a host name"),
        ("192.0.2.0/24", "got a network; give one address of it"),
        ("ftps://x/", "not an http"),
        ("mailto:a@b.example/", "not an http"),
        ("evil.example:0", "expected a port from 1 to 65535"),
        ("evil.example:65536", "expected a port from 1 to 65535"),
        ("http://", "not a URL"),
        ("a" * (MAX_TARGET + 1), f"got more than {MAX_TARGET} characters"),
    ],
)
def test_refusals(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="(?i)" + says.replace("(", r"\(")):
        observation(text, DEVICE)


@given(st.text(max_size=40))
def test_any_text_is_an_observation_or_a_refusal(text: str) -> None:
    """Any text gives an observation with something to look at, or ValueError."""
    try:
        seen = observation(text, DEVICE)
    except ValueError:
        return
    assert seen.hosts or seen.hashes
