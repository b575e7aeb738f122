"""Write the binary AndroidManifest.xml of the test package. Only what that needs: one manifest element and permissions.

Format: Android's ResourceTypes.h (ResChunk_header, ResStringPool_header, ResXMLTree_*). Not a general encoder.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

_NAMESPACE = "http://schemas.android.com/apk/res/android"
_RESOURCES = {"versionCode": 0x0101021B, "versionName": 0x0101021C, "name": 0x01010003}
_XML, _POOL, _RESOURCE_MAP = 0x0003, 0x0001, 0x0180
_START_NAMESPACE, _END_NAMESPACE, _START, _END = 0x0100, 0x0101, 0x0102, 0x0103
_NONE, _LINE = -1, 1
_TEXT, _NUMBER = 0x03, 0x10  # Res_value types


def manifest(package: str, permissions: Sequence[str]) -> bytes:
    r"""Return the manifest of `package`, version 1, asking for `permissions`.

    >>> manifest("com.example.app", ()).startswith(b"\x03\x00\x08\x00")
    True
    """
    texts = (*_RESOURCES, _NAMESPACE, "android", "manifest", "package", "uses-permission", "application", "1.0",
             package, *permissions)  # fmt: skip
    pool = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    body = b"".join(_nodes(pool, package, permissions))
    resources = struct.pack("<HHI", _RESOURCE_MAP, 8, 8 + 4 * len(_RESOURCES))
    resources += struct.pack(f"<{len(_RESOURCES)}I", *_RESOURCES.values())
    whole = _string_pool(list(pool)) + resources + body
    return struct.pack("<HHI", _XML, 8, 8 + len(whole)) + whole


def _nodes(pool: dict[str, int], package: str, permissions: Sequence[str]) -> Iterator[bytes]:
    space = struct.pack("<ii", pool["android"], pool[_NAMESPACE])
    yield _node(_START_NAMESPACE, space)
    yield _start(
        pool,
        "manifest",
        _attribute(pool, "versionCode", None, _NUMBER, 1),
        _attribute(pool, "versionName", "1.0", _TEXT),
        _attribute(pool, "package", package, _TEXT, plain=True),
    )
    for permission in permissions:
        yield _start(pool, "uses-permission", _attribute(pool, "name", permission, _TEXT))
        yield _end(pool, "uses-permission")
    yield _start(pool, "application")
    yield _end(pool, "application")
    yield _end(pool, "manifest")
    yield _node(_END_NAMESPACE, space)


def _node(kind: int, payload: bytes) -> bytes:
    return struct.pack("<HHIIi", kind, 16, 16 + len(payload), _LINE, _NONE) + payload


def _start(pool: dict[str, int], name: str, *attributes: bytes) -> bytes:
    head = struct.pack("<iiHHHHHH", _NONE, pool[name], 20, 20, len(attributes), 0, 0, 0)
    return _node(_START, head + b"".join(attributes))


def _end(pool: dict[str, int], name: str) -> bytes:
    return _node(_END, struct.pack("<ii", _NONE, pool[name]))


def _attribute(
    pool: dict[str, int], name: str, text: str | None, kind: int, value: int = 0, *, plain: bool = False
) -> bytes:
    said = _NONE if text is None else pool[text]
    space = _NONE if plain else pool[_NAMESPACE]
    return struct.pack("<iiiHBBI", space, pool[name], said, 8, 0, kind, value if text is None else said)


def _string_pool(texts: Sequence[str]) -> bytes:
    """Return the pool in UTF-16: offsets, then each text with its length before and a zero behind it."""
    held = [struct.pack("<H", len(text)) + text.encode("utf-16-le") + b"\0\0" for text in texts]
    offsets = [sum(map(len, held[:number])) for number in range(len(held))]
    data = b"".join(held)
    data += b"\0" * (-len(data) % 4)
    start = 28 + 4 * len(texts)
    head = struct.pack("<HHIIIIII", _POOL, 28, start + len(data), len(texts), 0, 0, start, 0)
    return head + struct.pack(f"<{len(offsets)}I", *offsets) + data
