"""The harmless files that malware protection is tried with: the EICAR test file, alone, in an archive and in an app.

EICAR is made of two halves, so that no virus scanner takes this source for the test file. Made anew each time and the
same each time: their hashes are stable.
"""

from __future__ import annotations

import io
import zipfile

from addons.binary_manifest import manifest

EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*").encode()
PACKAGE = "com.androidantivirus.testvirus"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_CODE = b"dex\n035\0" + b"\0" * 104


def zipped() -> bytes:
    """Return EICAR in a ZIP archive."""
    return _zip({"eicar.com": EICAR})


def package(name: str = PACKAGE, permissions: tuple[str, ...] = (), extra: dict[str, bytes] | None = None) -> bytes:
    """Return an Android package that holds EICAR in its assets; `extra` are further members.

    Android would refuse to install it: it is not signed, and its code holds nothing.
    """
    members = {"AndroidManifest.xml": manifest(name, permissions), "classes.dex": _CODE, "assets/eicar.com": EICAR}
    return _zip({**members, **(extra or {})})


def _zip(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return held.getvalue()
