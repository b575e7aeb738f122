import pytest

from indicators.hosts import canonical_host, is_address, is_this_machine, parents, reverse_key

OWN_ADDRESS = """
    127.0.0.1 127.1 0x7f.1 0x7f000001 2130706433 0177.0.0.1 017700000001 127.0.0.1. 127.0.0.1.. 127.255.255.254
    ::1 [::1] [::1%25lo] 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1 [::ffff:7f00:1] 64:ff9b::127.0.0.1 １２７.0.0.1 ①②⑦.⓪.⓪.①
    %31%32%37.0.0.1 0 0x0 0.0.0.0 :: [::] ::ffff:0.0.0.0
    localhost LOCALHOST localhost. app.localhost ip6-localhost localhost.localdomain
""".split()


@pytest.mark.parametrize("text", OWN_ADDRESS)
def test_every_spelling_of_this_machine_is_recognised(text: str) -> None:
    assert is_this_machine(canonical_host(text))


@pytest.mark.parametrize("text", ["localhost.example", "mylocalhost", "128.0.0.1", "::2", "0.0.0.1", "10.0.0.1"])
def test_other_hosts_are_not_this_machine(text: str) -> None:
    assert not is_this_machine(canonical_host(text))


def test_parents_and_key_of_a_name_and_of_an_address() -> None:
    assert list(parents("www.evil.com")) == ["www.evil.com", "evil.com", "com"]
    assert list(parents("1.2.3.4")) == ["1.2.3.4"]
    assert reverse_key("www.evil.com") == "com.evil.www."
    assert reverse_key("2001:db8::1") == "2001:db8::1."
    assert is_address("1.2.3.4") and not is_address("1.2.3.4.example")
