"""The harmless files are what they are called, and the same each time."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

from addons import harmless


def test_eicar_is_the_test_file() -> None:
    assert sha256(harmless.EICAR).hexdigest() == "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"


def test_archive_and_package_hold_it() -> None:
    for data, name in ((harmless.zipped(), "eicar.com"), (harmless.package(), "assets/eicar.com")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.read(name) == harmless.EICAR


def test_they_are_the_same_each_time() -> None:
    assert harmless.package() == harmless.package()
    assert len(harmless.package()) < 1000
