"""Packages are read, tampered ones too; combinations of permissions warn with their reasons."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons import harmless
from addons.scanning import apk
from addons.scanning.report import Package, Weight

P = "android.permission."


def test_a_package_tells_its_name_version_and_permissions() -> None:
    made = harmless.package("com.example.app", (P + "READ_SMS", P + "CAMERA"))
    assert apk.package_of(made) == Package("com.example.app", "1.0", (P + "CAMERA", P + "READ_SMS"))


def test_a_manifest_whose_directory_entry_lies_is_read_all_the_same() -> None:
    data = bytearray(harmless.package())
    entry = data.find(b"PK\x01\x02")
    data[entry + 10 : entry + 12] = b"\x63\x00"  # a method that does not exist: Android takes it for deflate
    with pytest.raises(NotImplementedError), zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.read("AndroidManifest.xml")
    assert apk.package_of(bytes(data)).name == harmless.PACKAGE


@pytest.mark.parametrize(
    "manifest", [b"", b"<manifest/>", b"\x03\x00\x08\x00\xff\xff\xff\xff"], ids=["empty", "text", "cut"]
)
def test_a_manifest_that_cannot_be_read_is_an_error(manifest: bytes) -> None:
    with pytest.raises(apk.ManifestError, match="cannot be read"):
        apk.package_of(harmless.package(extra={"AndroidManifest.xml": manifest}))


def test_a_manifest_larger_than_any_is_not_read() -> None:
    with pytest.raises(apk.ManifestError):
        apk.package_of(harmless.package(extra={"AndroidManifest.xml": bytes(9 << 20)}))


@pytest.mark.parametrize(
    ("permissions", "names"),
    [
        ("BIND_ACCESSIBILITY_SERVICE RECEIVE_SMS SYSTEM_ALERT_WINDOW", ["banker permissions"]),
        ("BIND_ACCESSIBILITY_SERVICE READ_SMS RECEIVE_SMS SYSTEM_ALERT_WINDOW", ["banker permissions"]),
        ("BIND_ACCESSIBILITY_SERVICE", []),
        ("READ_SMS CAMERA INTERNET", []),
        ("RECORD_AUDIO ACCESS_BACKGROUND_LOCATION READ_SMS READ_CALL_LOG", ["stalkerware permissions"]),
        ("BIND_ACCESSIBILITY_SERVICE BIND_DEVICE_ADMIN ACCESS_FINE_LOCATION", ["stalkerware permissions"]),
        (
            "BIND_NOTIFICATION_LISTENER_SERVICE RECEIVE_SMS REQUEST_INSTALL_PACKAGES",
            ["notification theft permissions"],
        ),
        ("", []),
    ],
)
def test_combinations_are_suspicious_and_say_why(permissions: str, names: list[str]) -> None:
    package = Package("p", permissions=tuple(P + name for name in permissions.split()))
    found = list(apk.suspicious(package, "f.apk"))
    assert [one.name for one in found] == names
    for one in found:
        assert one.weight is Weight.SUSPICIOUS
        assert "as " in one.reason or "can" in one.reason
        assert set(one.reason[one.reason.index("(") + 1 : -1].split(", ")) <= set(permissions.split())


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 255)), min_size=1, max_size=30))
def test_a_mutated_package_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes are changed, the answer is a package or ManifestError."""
    data = bytearray(harmless.package())
    for at, value in changes:
        data[at % len(data)] = value
    try:
        assert isinstance(apk.package_of(bytes(data)), Package)
    except apk.ManifestError as error:
        assert "manifest" in str(error)
