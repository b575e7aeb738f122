"""The manifest is read by the reader that is used on real packages."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from apkInspector.axml import get_manifest

from addons.binary_manifest import manifest

NAME = "{http://schemas.android.com/apk/res/android}name"


@pytest.mark.parametrize("permissions", [(), ("a.b.C",), ("a.b.C", "d.E", "a.b.C")], ids=["none", "one", "repeated"])
def test_it_is_read_again(permissions: tuple[str, ...]) -> None:
    root = ElementTree.fromstring(get_manifest(io.BytesIO(manifest("com.example.app", permissions))))
    assert root.get("package") == "com.example.app"
    assert [found.get(NAME) for found in root.iter("uses-permission")] == list(permissions)
    assert root.find("application") is not None
