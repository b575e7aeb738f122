"""The PAC file sends everything to the gateway; what could break out of it is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from proxy.profiles.pac import text_of


@pytest.mark.parametrize(
    ("host", "answer"),
    [("evil.example", "PROXY 192.0.2.1:8080"), ("printer", "DIRECT"), ("127.0.0.1", "DIRECT"),
     ("seawall.internal", "DIRECT"), ("x.seawall.internal", "PROXY 192.0.2.1:8080")],
)  # fmt: skip
def test_what_a_browser_would_be_told(host: str, answer: str, require_program: Callable[[str], str]) -> None:
    node = require_program("node")
    plain = "const isPlainHostName = (host) => !host.includes('.') && !host.includes(':');"
    call = f"console.log(FindProxyForURL('http://x/', {json.dumps(host)}))"
    program = "\n".join([plain, text_of("192.0.2.1:8080", "seawall.internal"), call])
    told = subprocess.run([node, "-e", program], capture_output=True, text=True, timeout=30, check=True)
    assert told.stdout.strip() == answer


@pytest.mark.parametrize("bad", ["a:1; DIRECT", "a:1\n", "a'b:1", 'a"b:1', "a\\b", "a b"])
def test_what_could_break_out_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a PAC file"):
        text_of(bad)
    with pytest.raises(ValueError, match="cannot stand in a PAC file"):
        text_of("a:1", bad)


def test_it_never_ends_with_direct() -> None:
    assert text_of("192.0.2.1:8080").rstrip().endswith('return "PROXY 192.0.2.1:8080";\n}')
