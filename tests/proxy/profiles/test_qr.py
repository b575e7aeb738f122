"""Codes are decoded again by a reader, whole."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import zxingcpp

from proxy.profiles.keys import new_keys
from proxy.profiles.qr import as_svg, for_terminal
from proxy.profiles.wireguard import text_of
from tests.proxy.profiles.test_wireguard import PROFILE

BLOCKS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
SCALE = 4


def read(rows: list[list[int]]) -> str:
    """Decode a matrix in which 1 is light, drawn large enough for a reader."""
    wide = [bytes(255 * cell for cell in row for _ in range(SCALE)) for row in rows for _ in range(SCALE)]
    image = memoryview(b"".join(wide)).cast("B", shape=(len(wide), len(wide[0])))
    [found] = zxingcpp.read_barcodes(image)
    return found.text


def decoded(shown: str) -> str:
    """Read a code that was printed on a terminal."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    rows: list[list[int]] = []
    for line in plain.splitlines():
        if line.strip():
            rows += [list(half) for half in zip(*(BLOCKS[sign] for sign in line), strict=True)]
    return read(rows)


def test_the_code_on_a_terminal_is_the_configuration() -> None:
    text = text_of(PROFILE)
    assert decoded(for_terminal(text)) == text


def test_the_svg_is_an_element_for_pages() -> None:
    root = ElementTree.fromstring(as_svg(new_keys().public))
    assert root.tag.endswith("svg")
