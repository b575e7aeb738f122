from __future__ import annotations

import socket
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.pages.entries import page_entries, page_hosts


def config(*addresses: str, **pages: Any) -> Config:
    return Config.model_validate(
        {"dns": {"page_address": addresses}, "pages": {"http_port": 0, "https_port": 0, **pages}}
    )


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        (config(), ()),
        (config(host="127.0.0.1"), ()),
        (config("192.0.2.1", "2001:db8::1"), ("192.0.2.1", "2001:db8::1")),
        (config("192.0.2.1", host="127.0.0.1"), ("127.0.0.1",)),
    ],
)
def test_the_page_listens_where_it_is_unless_told_otherwise(given: Config, hosts: tuple[str, ...]) -> None:
    assert page_hosts(given) == hosts


def test_both_ports_are_bound_at_each_address() -> None:
    made = page_entries(config("127.0.0.1", "::1"))
    bound = [(entry.name, entry.listener, entry.sock.getsockname()[0]) for entry in made]
    assert bound == [
        ("page_http", "page_http", "127.0.0.1"),
        ("page_https", "page_https", "127.0.0.1"),
        ("page_http_::1", "page_http", "::1"),
        ("page_https_::1", "page_https", "::1"),
    ]
    for entry in made:
        entry.sock.close()


def test_a_port_in_use_names_the_section_and_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=r"see `pages` in config\.yaml"):
            page_entries(config("127.0.0.1", https_port=port))
