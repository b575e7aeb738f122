"""What an Android package says of itself, and which permissions together are the mark of stalkerware and bankers.

The manifest is read by apkInspector, which takes packages that were tampered with to stop other readers. A combination
is suspicious, never proof: a screen reader needs some of these permissions too, so it warns and gives its reasons.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from apkInspector.axml import get_manifest
from apkInspector.headers import ZipEntry

from addons.scanning.apk_signers import signers_of
from addons.scanning.report import Engine, Finding, Package, Weight
from addons.scanning.windows import Bytes, opened

MANIFEST = "AndroidManifest.xml"
_MAX_MANIFEST = 8 << 20  # bytes
_ANDROID = "{http://schemas.android.com/apk/res/android}"


class ManifestError(ValueError):
    """A package's manifest cannot be read."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """Name permissions that are suspicious together, and what they allow together."""

    name: str
    permissions: frozenset[str]
    reason: str


_ACCESSIBILITY, _OVERLAY = "BIND_ACCESSIBILITY_SERVICE", "SYSTEM_ALERT_WINDOW"
_SIGNS = (
    _Sign(
        "banker permissions",
        frozenset({_ACCESSIBILITY, "RECEIVE_SMS", _OVERLAY}),
        "it can read the screen, draw over other apps and take codes sent by SMS, as banking trojans do",
    ),
    _Sign(
        "banker permissions",
        frozenset({_ACCESSIBILITY, "READ_SMS"}),
        "it can read the screen and text messages, as banking trojans do",
    ),
    _Sign(
        "stalkerware permissions",
        frozenset({"RECORD_AUDIO", "ACCESS_BACKGROUND_LOCATION", "READ_SMS", "READ_CALL_LOG"}),
        "it can listen, follow the device and read messages and calls, as stalkerware does",
    ),
    _Sign(
        "stalkerware permissions",
        frozenset({_ACCESSIBILITY, "BIND_DEVICE_ADMIN", "ACCESS_FINE_LOCATION"}),
        "it can read the screen, follow the device and resist removal, as stalkerware does",
    ),
    _Sign(
        "notification theft permissions",
        frozenset({"BIND_NOTIFICATION_LISTENER_SERVICE", "RECEIVE_SMS", "REQUEST_INSTALL_PACKAGES"}),
        "it can read notifications and messages and install further apps",
    ),
)


def package_of(data: Bytes) -> Package:
    """Read a package. Raises ManifestError where its manifest cannot be read."""
    root = _manifest(data)
    return Package(
        name=root.get("package", ""),
        version=root.get(f"{_ANDROID}versionName", "") or root.get(f"{_ANDROID}versionCode", ""),
        permissions=tuple(sorted(_permissions(root))),
        signers=signers_of(data),
    )


def suspicious(package: Package, path: str) -> Iterator[Finding]:
    """Give the combinations of permissions that warrant a warning, each name once."""
    held = {permission.rpartition(".")[2] for permission in package.permissions}
    told: set[str] = set()
    for sign in _SIGNS:
        if sign.permissions <= held and sign.name not in told:
            told.add(sign.name)
            listed = ", ".join(sorted(sign.permissions))
            yield Finding(Engine.APK, sign.name, path, Weight.SUSPICIOUS, f"{sign.reason} ({listed})")


def _manifest(data: Bytes) -> ElementTree.Element:
    try:
        raw = _raw_manifest(data)
        return ElementTree.fromstring(get_manifest(io.BytesIO(raw)))  # noqa: S314 - made by apkInspector, no entities
    except Exception as error:  # a hostile file makes a parser raise whatever it likes
        raise ManifestError(f"the manifest cannot be read ({type(error).__name__})") from error


def _raw_manifest(data: Bytes) -> bytes:
    try:
        with zipfile.ZipFile(opened(data)) as archive, archive.open(MANIFEST) as member:
            return _bounded(member.read(_MAX_MANIFEST + 1))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, KeyError, ValueError):
        return _bounded(ZipEntry.parse_single(opened(data), MANIFEST).read(MANIFEST))


def _bounded(manifest: bytes) -> bytes:
    if len(manifest) > _MAX_MANIFEST:
        raise ManifestError("the manifest is larger than any real one")
    return manifest


def _permissions(root: ElementTree.Element) -> Iterator[str]:
    """Give what is asked for, and what services bind: accessibility is declared by the service, not asked for."""
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        if tag.startswith("uses-permission"):
            yield element.get(f"{_ANDROID}name", "")
        elif tag in {"service", "receiver"} and (bound := element.get(f"{_ANDROID}permission")):
            yield bound
