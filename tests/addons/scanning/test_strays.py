"""Whatever any program would unpack of a ZIP is looked at, also what its directory does not tell, or tells wrongly."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons import harmless
from addons.scanning.limits import MIB, Limits
from addons.scanning.members import Member, Obstacle, walk
from addons.scanning.unpacking import Trouble
from tests.support.archives import zipped

EVIL = harmless.EICAR
PACKED = zipped(("evil.com", EVIL), ("clean", b"words" * 50))
PLAIN = zipped(("evil.com", EVIL), ("clean", b"words" * 50), kind=zipfile.ZIP_STORED)
LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def changed(data: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """Return the archive with bytes set at places behind the first sign of a kind."""
    made = bytearray(data)
    for sign, offset, value in changes:
        at = data.index(sign) + offset
        made[at : at + len(value)] = value
    return bytes(made)


UNKNOWN = b"\x63\0"
ARCHIVES = {
    "another name in its header": changed(PACKED, (LOCAL, 30, b"other.co")),
    "an unknown method": changed(PACKED, (LOCAL, 8, UNKNOWN), (CENTRAL, 10, UNKNOWN)),
    "an unknown method in the directory": changed(PACKED, (CENTRAL, 10, UNKNOWN)),
    "no size in the directory": changed(PACKED, (CENTRAL, 24, bytes(4))),
    "too small a size in the directory": changed(PACKED, (CENTRAL, 24, struct.pack("<I", 10))),
    "too small a size, stored": changed(PLAIN, (CENTRAL, 20, struct.pack("<I", 10))),
    "another place in the directory": changed(PACKED, (CENTRAL, 42, struct.pack("<I", 7))),
    "encrypted, says the directory alone": changed(PACKED, (CENTRAL, 8, b"\1")),
    "no directory": PACKED[: PACKED.index(CENTRAL)],
    "no directory, stored": PLAIN[: PLAIN.index(CENTRAL)],
    "no directory, stored, no size": changed(PLAIN[: PLAIN.index(CENTRAL)], (LOCAL, 18, bytes(4))),
    "no directory, stored, a size of ZIP64": changed(PLAIN[: PLAIN.index(CENTRAL)], (LOCAL, 18, b"\xff" * 8)),
    "cut within the last member": PACKED[: PACKED.index(CENTRAL) - 8],
    "another archive behind": PACKED + zipped(("harmless", b"x")),
    "another archive in front": zipped(("harmless", b"x")) + PACKED,
}


@pytest.mark.parametrize("data", ARCHIVES.values(), ids=ARCHIVES)
def test_what_the_directory_does_not_tell_is_found(data: bytes) -> None:
    found = [bytes(one.data) for one in walk("f", data, Limits()) if isinstance(one, Member)]
    if "encrypted" in next(name for name, one in ARCHIVES.items() if one is data):
        assert EVIL not in found, "what is said to be a secret is taken for one"
    else:
        assert found[1:].count(EVIL) == 1
    assert found[1:].count(b"words" * 50) <= 1, "no member is given twice"


@pytest.mark.parametrize(
    "data", [PACKED, PLAIN, zipped(("in.zip", PACKED), kind=zipfile.ZIP_STORED), harmless.package()]
)
def test_a_sound_archive_has_no_strays(data: bytes) -> None:
    """Nested archives are walked as members, and only so."""
    paths = [one.path for one in walk("f", data, Limits())]
    assert len(paths) == len(set(paths))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert next(path for path in paths if path.count("/") == 1) == f"f/{archive.namelist()[0]}"


def test_a_stray_is_bounded_like_any_member() -> None:
    small = Limits(member_bytes=MIB, total_bytes=2 * MIB, ratio_from=MIB, ratio=10)
    bomb = zipped(("big", bytes(3 * MIB)))
    found = list(walk("f", bomb[: bomb.index(CENTRAL)], small))
    assert [(one.path, one.trouble) for one in found if isinstance(one, Obstacle)] == [
        ("f/big", Trouble.BOMB),
        ("f", Trouble.DAMAGED),
    ]
    many = zipped(*((f"{number}", b"x") for number in range(9)))
    cut = list(walk("f", many[: many.index(CENTRAL)], Limits(entries=4)))
    assert Obstacle("f", Trouble.TOO_MANY) in cut
    assert sum(isinstance(one, Member) for one in cut) == 5


def test_secrets_of_a_cut_archive_are_left_and_those_of_an_app_are_none() -> None:
    """Android takes no notice of the flag."""
    secret = changed(PACKED[: PACKED.index(CENTRAL)], (LOCAL, 6, b"\1"))
    assert EVIL not in [bytes(one.data) for one in walk("f", secret, Limits()) if isinstance(one, Member)]
    app = zipped(("evil.com", EVIL), ("AndroidManifest.xml", b"x"), ("classes.dex", b"dex\n035\0"))
    cut = changed(app[: app.index(CENTRAL)], (LOCAL, 6, b"\1"))
    assert EVIL in [bytes(one.data) for one in walk("f", cut, Limits()) if isinstance(one, Member)]


@given(st.binary(max_size=60), st.integers(0, 400), st.binary(max_size=12))
def test_headers_that_lead_to_nothing_harm_nothing(noise: bytes, at: int, value: bytes) -> None:
    """However headers are broken, the walk ends within its limits and raises nothing."""
    data = bytearray(PACKED[: PACKED.index(CENTRAL)] + LOCAL + noise + LOCAL)
    data[at % len(data) : at % len(data) + len(value)] = value
    found = list(walk("f", bytes(data), Limits(entries=10)))
    assert len(found) <= 2 + 2 * 10
