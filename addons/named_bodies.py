"""Which bodies policy names: those that a browser would save rather than show. They are withheld and looked into.

One rule for the front, which hands such a response over, and for the inspector, which withholds it. It is decided by
what the sender claims and without mitmproxy; what a body really is, is found out when it is looked into.
"""

from __future__ import annotations

import re

_SMALL_TEXT = 1024 * 1024  # bytes; plain text of a known length up to this is cheap to hold
_PAGE_LIKE = re.compile(
    r"text/(?!plain)|image/|audio/|video/|font/|multipart/|message/|"
    r"application/(?:[\w.+-]*\+)?(?:xml|json)\b|application/(?:x-)?(?:javascript|ecmascript|font[\w-]*|www-form\S*)|"
    r"application/(?:wasm|xhtml\+xml|manifest\S*|grpc\S*|dns-message|dash\+xml|vnd\.apple\.mpegurl|x-mpegurl|"
    r"x-ndjson|jsonl|ocsp-response|pkix-crl|protobuf|x-protobuf|ohttp\S*|vnd\.ms-fontobject)\b"
).match
_ENDINGS = frozenset(
    "7z apk apkm apks bat bz2 cab cmd com deb dex dmg doc docm docx elf exe gz ipa iso jar lnk mobileconfig msi pdf "
    "pkg ppt pptm pptx ps1 rar rpm rtf scr sh tar tgz vbs xapk xls xlsm xlsx xz zip zst".split()
)


def is_file(path: str) -> bool:
    """Say whether a request's path names a file of a kind that is looked into; a claim, which only adds to the search.

    >>> is_file("/get/App.apk?mirror=2"), is_file("/apk")
    (True, False)
    """
    return path.partition("?")[0].rpartition(".")[2].lower() in _ENDINGS


def is_named(path: str, kind: str, disposition: str, size: int | None) -> bool:
    """Say whether a body is named, by its Content-Type and Content-Disposition; `size` is nothing where it is unknown.

    >>> is_named("/", "text/html; charset=utf-8", "", None), is_named("/", "", "", None)
    (False, True)
    """
    if disposition.strip().lower().startswith("attachment") or is_file(path):
        return True
    kind = kind.strip().lower()
    if kind.startswith("text/plain"):
        return size is not None and 0 < size <= _SMALL_TEXT
    return not _PAGE_LIKE(kind)
