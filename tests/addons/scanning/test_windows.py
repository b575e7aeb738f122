"""A window reads as a file of the same bytes does, and the walk finds the same in it."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons import harmless
from addons.scanning.kinds import kind_of
from addons.scanning.limits import Limits
from addons.scanning.members import Member, walk
from addons.scanning.scan import FileScan
from addons.scanning.windows import opened
from tests.support.archives import tarred, zipped

STORED = zipped(("a/in.zip", harmless.zipped()), ("b", b"1" * 99), kind=0)
FILES = [b"", b"plain", harmless.package(), STORED, zipped(("a", STORED)), tarred(("a", STORED)),
         gzip.compress(tarred(("a", b"1"))), harmless.package()[:-30]]  # fmt: skip


@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(-300, 300), st.integers(0, 2), st.integers(0, 300))))
def test_a_window_is_read_as_a_file_of_its_bytes(data: bytes, steps: list[tuple[int, int, int]]) -> None:
    window, file = opened(memoryview(data)), io.BytesIO(data)
    for offset, whence, size in steps:
        if (
            whence == io.SEEK_CUR and offset < 0
        ):  # the one clamps, the other refuses; readers of archives ask for neither
            continue
        if whence == io.SEEK_SET and offset < 0:
            with pytest.raises(ValueError, match="negative"):
                window.seek(offset, whence)
            continue
        assert window.seek(offset, whence) == file.seek(offset, whence)
        assert window.read(size) == file.read(size)
        assert window.tell() == file.tell()


@pytest.mark.parametrize("data", FILES)
def test_a_window_holds_what_its_bytes_hold(data: bytes) -> None:
    assert kind_of(memoryview(data)) is kind_of(data)
    seen = [list(walk("f", one, Limits())) for one in (data, memoryview(data))]
    assert seen[0] == seen[1]
    reports = [FileScan(Limits()).scan("f", one) for one in (data, memoryview(data))]
    assert reports[0] == reports[1]


def test_a_stored_member_is_not_copied() -> None:
    data = zipped(("media", bytes(range(200))), kind=0)
    found = [one for one in walk("f", data, Limits()) if isinstance(one, Member)]
    assert isinstance(found[1].data, memoryview)
    assert found[1].data.obj is data
