"""Keys of names: the quick way gives what `hosts.reverse_key` gives, and both are undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.hosts import canonical_host, reverse_key
from indicators.snapshot.keys import host_key, host_of, host_part

HOSTS = [
    "evil.com",
    "a.b.c.evil.com",
    "com",
    "192.0.2.1",
    "1.1.1.1",
    "2001:db8::1",
    "2001:db8::a",
    "1.2.3.4.example",
    "x.c0",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_key_is_the_reverse_and_is_undone(host: str) -> None:
    assert host_key(host) == reverse_key(host)
    assert host_of(host_key(host)) == host
    assert host_part(host_key(host) + "/a/b") == host_key(host)


@given(st.text(st.sampled_from("ab01.-:"), min_size=1, max_size=12))
def test_both_ways_agree_on_every_canonical_host(text: str) -> None:
    """Invariant: for a canonical host the quick key equals the plain one, and gives the host back."""
    try:
        host = canonical_host(text)
    except ValueError:
        return
    assert host_key(host) == reverse_key(host)
    assert host_of(host_key(host)) == host
