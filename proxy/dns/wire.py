"""What the resolver and the rest of the gateway say to each other over its Unix socket: JSON objects, length first.

Both sides of the protocol stand here, so that they cannot drift apart: frames, devices, and what a lookup returns.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from typing import Any

from indicators.observation import Address, Device
from indicators.words import IdentifiedBy

MAX_FRAME = 262_144  # octets


@dataclass(frozen=True, slots=True)
class Lookup:
    """Hold the judged addresses of a name, or why there are none.

    `addresses` are judged and may be connected to. `chain` holds the names that the answer went through. When
    `blocked`, `addresses` is empty, `reason` says why, and `refused` holds the addresses that were judged, so that
    the caller can come to the same verdict with its evidence. `error` is empty, or `nxdomain`, `nodata`, `servfail`,
    `refused`, `bad_name`. `ttl` is in seconds.
    """

    addresses: tuple[Address, ...] = ()
    chain: tuple[str, ...] = ()
    ttl: int = 0
    blocked: bool = False
    reason: str = ""
    refused: tuple[Address, ...] = ()
    error: str = ""


def lookup_to_json(found: Lookup) -> dict[str, Any]:
    """Turn a lookup into its JSON object."""
    body = asdict(found)
    body["addresses"] = [str(address) for address in found.addresses]
    body["refused"] = [str(address) for address in found.refused]
    return body


def lookup_from_json(body: dict[str, Any]) -> Lookup:
    """Read a lookup. Raises ValueError, KeyError or TypeError for what is none."""
    return Lookup(
        tuple(ip_address(text) for text in body["addresses"]),
        tuple(str(name) for name in body["chain"]),
        int(body["ttl"]),
        bool(body["blocked"]),
        str(body["reason"]),
        tuple(ip_address(text) for text in body["refused"]),
        str(body["error"]),
    )


def device_to_json(device: Device) -> dict[str, str]:
    """Turn a device into its JSON object."""
    return {name: str(getattr(device, name)) for name in Device.__slots__}


def device_from_json(body: Any) -> Device:
    """Read a device. Raises ValueError, KeyError or TypeError for what is none."""
    fields = {name: str(body[name]) for name in Device.__slots__ if name != "identified_by"}
    return Device(identified_by=IdentifiedBy(body["identified_by"]), **fields)


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read one object. Raises IncompleteReadError at the end, ValueError for anything but an object."""
    size = int.from_bytes(await reader.readexactly(4))
    if size > MAX_FRAME:
        raise ValueError(f"a frame of {size} octets")
    body = json.loads(await reader.readexactly(size))
    if not isinstance(body, dict):
        raise ValueError("a frame that is no object")
    return body


def frame(body: dict[str, Any]) -> bytes:
    """Write one object."""
    packed = json.dumps(body, separators=(",", ":")).encode()
    return len(packed).to_bytes(4) + packed
