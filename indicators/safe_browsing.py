"""The Safe Browsing canonical form of URLs (v5, which differs from v4 in IPv6 only): paths, queries, whole URLs.

Source: developers.google.com/safe-browsing/reference/URLs.and.Hashing. Bytes are carried as Latin-1 characters, since
what escapes stand for need not be UTF-8. What a client connects to is decided by the WHATWG parser in `urls.py`; whole
URLs are read here only by the published rules, for lists that were made with them.
"""

from __future__ import annotations

import re

from indicators.addresses import parse_address, unmap
from indicators.hosts import whatwg_host

_MAX_PASSES = 4  # further nesting is an attempt to cost us time, and goes the linear way
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNSAFE = re.compile(r"[^!-~]|[#%]")
_UNTIDY = re.compile(r"//|/\.\.?(?:/|$)").search
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PORT = re.compile(r":[0-9]*$")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+").fullmatch


def unescape(text: str) -> str:
    """Undo percent escapes until none is left; linear in the length, however deep they are nested."""
    for _ in range(_MAX_PASSES):
        if "%" not in text:
            return text
        text, count = _ESCAPE.subn(_decode, text)
        if not count:
            return text
    return _unescape_nested(text)


def _decode(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


def _unescape_nested(text: str) -> str:
    done: list[str] = []
    for letter in text:
        done.append(letter)
        while len(done) >= 3 and (escape := _ESCAPE.fullmatch("".join(done[-3:]))):
            done[-3:] = [_decode(escape)]
    return "".join(done)


def escape(text: str) -> str:
    """Escape what Safe Browsing escapes: bytes up to 0x20, from 0x7f, `#` and `%`, in upper-case hex."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", text)


def tail(path: str, query: str | None) -> tuple[str, str | None]:
    """Return path and query in canonical form; both are given as sent, escapes and all, in Latin-1 characters.

    An escaped `?` ends the path once it is unescaped, and a backslash is a slash there, as in Chromium, so that what
    comes out means the same when it is read again. Dots and runs of slashes are resolved in the path only.
    """
    text = unescape(path)
    if "?" in text:
        text, _, rest = text.partition("?")
        query = rest if query is None else f"{rest}?{query}"
    text = text.replace("\\", "/")
    return escape(_tidy(text)), None if query is None else escape(unescape(query))


def _tidy(path: str) -> str:
    if not _UNTIDY(path):
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    ends_open = kept and segments[-1] in ("", ".", "..")
    return "/" + "/".join(kept) + ("/" if ends_open else "")


def canonical_form(url: str | bytes) -> str:
    """Return the canonical form of a whole URL by the published rules; the scheme defaults to `http`.

    Bytes are taken as they are; a string stands for its UTF-8. Raises ValueError when there is no host.
    """
    raw = (url if isinstance(url, bytes) else url.encode()).decode("latin-1")
    text = re.sub(r"[\t\r\n]", "", raw).strip(" ").partition("#")[0]
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    host = _PORT.sub("", authority.rpartition("@")[2])
    path, mark, query = rest[len(authority) :].partition("?")
    path, end = tail(path, query if mark else None)
    name = scheme[1].lower() if scheme else "http"
    return f"{name}://{canonical_name(host)}{path}" + ("" if end is None else f"?{end}")


def canonical_name(host: str) -> str:
    """Return the canonical form of a URL's host by the published rules, IPv6 in brackets; ValueError if empty."""
    if host.startswith("["):
        address = unmap(parse_address(host))
        return f"[{address}]" if address.version == 6 else str(address)
    name = re.sub(r"\.{2,}", ".", unescape(host)).strip(".")
    if not name:
        raise ValueError("the URL has no host")
    return escape(legacy_ipv4(name) or _to_ascii(name))


def _to_ascii(name: str) -> str:
    if name.isascii():
        return name.lower()
    try:
        return whatwg_host(name.encode("latin-1").decode())
    except ValueError:  # not UTF-8, or no valid IDNA name: the rules know bytes alone
        return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def legacy_ipv4(host: str) -> str | None:
    """Return the dotted quad of an IPv4 address as old resolvers read it, or nothing when it is a name.

    One to four parts, decimal, octal or hexadecimal; a part that is too great is cut to its low bits, and what follows
    a blank is ignored in a text of at most 15 characters. Clients differ: see `hosts.canonical_host`.
    """
    if " " in host:
        if len(host) > 15:
            return None
        host = host.partition(" ")[0]
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER(part) for part in parts):
        return None
    try:
        *heads, last = (_number(part) for part in parts)
    except ValueError:  # an 8 or 9 in an octal number
        return None
    room = 8 * (4 - len(heads))
    value = last & ((1 << room) - 1)
    for at, head in enumerate(heads):
        value |= (head & 0xFF) << (24 - 8 * at)
    return ".".join(str(value >> shift & 0xFF) for shift in (24, 16, 8, 0))


def _number(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part, 16)
    return int(part, 8 if part[0] == "0" else 10)
