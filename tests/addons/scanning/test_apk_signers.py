"""Whoever signed a package is told, by whichever scheme; a broken signature is of nobody."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons import harmless
from addons.scanning import apk
from addons.scanning.apk_signers import signers_of
from tests.support.signed_apk import SCHEMES, Signer, before_directory

SIGNER = Signer()
SIGNED = {"1": SIGNER.by_jar(), **{name: SIGNER.by_block(scheme) for name, scheme in SCHEMES.items()}}


@pytest.mark.parametrize("scheme", SIGNED)
def test_each_scheme_tells_who_signed(scheme: str) -> None:
    data = SIGNED[scheme]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
    assert signers_of(data) == (SIGNER.thumbprint,)
    assert signers_of(memoryview(data)) == (SIGNER.thumbprint,)
    assert apk.package_of(data).signers == (SIGNER.thumbprint,)


def test_several_signers_are_told_each_once_whatever_stands_before_the_archive() -> None:
    other = Signer()
    both = b"#!stub" + other.by_block(SCHEMES["3"], SIGNER.by_jar())
    assert signers_of(both) == tuple(sorted({SIGNER.thumbprint, other.thumbprint}))
    again = SIGNER.by_block(SCHEMES["2"], SIGNER.by_jar())
    assert signers_of(again) == (SIGNER.thumbprint,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        harmless.package(),
        harmless.package(extra={"META-INF/CERT.RSA": b"no signature"}),
        before_directory(harmless.package(), b"\xff" * 24 + b"APK Sig Block 42"),
        before_directory(harmless.package(), bytes(24) + b"APK Sig Block 42"),
        SIGNER.by_block(0x11111111),
    ],
    ids=["nothing", "no archive", "unsigned", "a broken signature", "a block too long", "an empty one", "another kind"],
)
def test_what_nobody_signed(data: bytes) -> None:
    assert signers_of(data) == ()


def test_a_scheme_that_is_broken_does_not_hide_the_other() -> None:
    jar_broken = SIGNER.by_block(SCHEMES["2"], harmless.package(extra={"META-INF/CERT.RSA": b"no signature"}))
    assert signers_of(jar_broken) == (SIGNER.thumbprint,)
    block_broken = before_directory(SIGNER.by_jar(), bytes(40) + b"APK Sig Block 42")
    assert signers_of(block_broken) == (SIGNER.thumbprint,)


@given(st.lists(st.tuples(st.integers(1, 1200), st.integers(0, 255)), min_size=1, max_size=20))
def test_any_bytes_are_looked_at(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes are changed, thumbprints or nothing come back, and never many."""
    data = bytearray(SIGNED["3"])
    for at, value in changes:
        data[-at % len(data)] = value
    assert all(len(one) == 40 for one in signers_of(bytes(data)))
