"""Read a signed report on a device's posture: who says so, of which device, when, and what. Pure; keys are given.

A report is a JWS (RFC 7515) of a configured issuer. It must be about the device it is handed in for, fresh, and of an
algorithm with a public key: a report that anybody could have made is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import jwt

from collector.settings import PostureIssuer

FRESH = timedelta(minutes=10)
_AHEAD = timedelta(minutes=2)  # what clocks may differ
_ALGORITHMS = ["ES256", "ES384", "RS256", "PS256", "EdDSA"]
_LONGEST = 64 * 1024  # characters


class PostureError(ValueError):
    """Say why a report is not believed."""


@dataclass(frozen=True, slots=True)
class Posture:
    """Hold what one report says. `compromised` means a jailbreak or root."""

    device_id: str
    issuer: str
    issued: datetime
    compromised: bool
    os_platform: str = ""
    os_version: str = ""
    patch_level: str = ""


def read_report(report: str, device: str, issuers: Sequence[PostureIssuer], now: datetime) -> Posture:
    """Check and read a report. Raises PostureError."""
    claims = _checked(report, issuers)
    if claims.get("sub") != device:
        raise PostureError("sub: the report is about another device")
    issued = claims["iat"]
    if isinstance(issued, bool) or not isinstance(issued, int | float) or isnan(issued):
        raise PostureError("iat: expected a number of seconds")
    when = datetime.fromtimestamp(min(max(issued, 0), 2**33), UTC)
    if not now - FRESH <= when <= now + _AHEAD:
        raise PostureError(f"iat: expected a report of the last {FRESH.seconds // 60} minutes")
    flags = [claims.get(name, False) for name in ("jailbroken", "rooted", "compromised")]
    if not all(isinstance(flag, bool) for flag in flags):
        raise PostureError("jailbroken, rooted: expected true or false")
    return Posture(
        device,
        str(claims["iss"]),
        when,
        any(flags),
        _text(claims, "os_platform", 32),
        _text(claims, "os_version", 64),
        _text(claims, "patch_level", 64),
    )


def _checked(report: str, issuers: Sequence[PostureIssuer]) -> dict[str, Any]:
    """Return the claims of a report that one of its issuer's keys has signed."""
    if len(report) > _LONGEST:
        raise PostureError(f"report: longer than {_LONGEST} characters")
    try:
        name = jwt.decode(report, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise PostureError("report: not a signed report (a compact JWS)") from None
    keys = [key for issuer in issuers if issuer.name == name for key in issuer.keys]
    if not keys:
        raise PostureError("iss: no such issuer is configured (collector.posture_issuers)")
    options: Any = {"require": ["iss", "sub", "iat"], "verify_iat": False, "verify_aud": False, "verify_exp": False}
    for key in keys:
        try:
            claims: dict[str, Any] = jwt.decode(report, key, algorithms=_ALGORITHMS, options=options)
        except jwt.MissingRequiredClaimError as error:
            raise PostureError(f"{error.claim}: is required") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            continue
        return claims
    raise PostureError("report: its signature does not fit the issuer's keys")


def _text(claims: dict[str, Any], key: str, most: int) -> str:
    value = claims.get(key, "")
    if not isinstance(value, str) or len(value) > most:
        raise PostureError(f"{key}: expected text of at most {most} characters")
    return value.replace("\0", "")
