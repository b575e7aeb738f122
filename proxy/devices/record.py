"""One device of the registry as a value, and its JSON. No secret stands here: of what a device shows, only hashes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from indicators.membership import DEFAULT_GROUP

MAX_NAME = 64  # characters
MAX_TAGS = 16
_NO_TEXT = ("created", "tunnel_port", "tags")
_GROUP = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """Describe one device.

    `id` is what events and alerts speak of; it outlives renaming and new credentials. `token` (DoH path, DoT name)
    and `password` (proxy) are hashes, empty where the device has none. `peer_key` is its WireGuard public key,
    `address` and `address6` are its own inside the tunnel, `tunnel_port` is the UDP port that is its alone, or 0.
    `lent_...` are hashes of a second token and password, for trying things as this device until then (ISO 8601).
    `platform` and `tags` are what its owner says of it; rules of device groups may name them.
    """

    id: str
    name: str
    created: datetime
    group: str = DEFAULT_GROUP
    token: str = ""
    user: str = ""
    password: str = ""
    peer_key: str = ""
    address: str = ""
    address6: str = ""
    tunnel_port: int = 0
    lent_token: str = ""
    lent_password: str = ""
    lent_until: str = ""
    platform: str = ""
    tags: tuple[str, ...] = ()

    @property
    def credentials(self) -> tuple[str, ...]:
        """Name the kinds of credential that it has: `token`, `proxy`, `wireguard`."""
        held = (("token", self.token), ("proxy", self.password), ("wireguard", self.peer_key))
        return tuple(kind for kind, found in held if found)

    @property
    def lent_user(self) -> str:
        """Return the user name of the lent password."""
        return f"pilot-{self.id[:8]}"

    def has(self, secret: str, now: datetime) -> bool:
        """Say whether a hash is one of this device's now: its own, or a lent one in its time."""
        if secret in (self.lent_token, self.lent_password):
            return now < datetime.fromisoformat(self.lent_until)
        return secret in (self.token, self.password)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return its addresses inside the tunnel, IPv4 first."""
        return tuple(one for one in (self.address, self.address6) if one)


def checked_name(text: str) -> str:
    """Return a device's name without blanks around it. Raises ValueError saying what a name may be."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"a device's name has 1 to {MAX_NAME} printable characters, got {text!r:.80}")
    return name


def checked_group(text: str) -> str:
    """Return a group's name. Raises ValueError saying what it may be."""
    if not _GROUP.fullmatch(text):
        raise ValueError(f"a group's name is written with a-z, 0-9, `.`, `-` and `_`, got {text!r:.80}")
    return text


def checked_tags(written: Iterable[str]) -> tuple[str, ...]:
    """Return tags in lower case, each once. Raises ValueError saying what a tag may be."""
    tags = tuple(dict.fromkeys(text.strip().casefold() for text in written))
    wrong = next((tag for tag in tags if not _GROUP.fullmatch(tag)), None)
    if wrong is not None:
        raise ValueError(f"a tag is written with a-z, 0-9, `.`, `-` and `_`, got {wrong!r:.80}")
    if len(tags) > MAX_TAGS:
        raise ValueError(f"a device has at most {MAX_TAGS} tags, got {len(tags)}")
    return tags


def to_json(record: DeviceRecord) -> dict[str, Any]:
    """Turn a record into its JSON object."""
    return {**asdict(record), "created": record.created.isoformat(timespec="seconds")}


def from_json(body: Any) -> DeviceRecord:
    """Read a record; keys of later versions are passed over. Raises ValueError, KeyError or TypeError for none."""
    texts = (name for name in DeviceRecord.__slots__ if name in body and name not in _NO_TEXT)
    fields = {name: str(body[name]) for name in texts}
    port, tags = int(body.get("tunnel_port", 0)), tuple(str(tag) for tag in body.get("tags", ()))
    return DeviceRecord(created=datetime.fromisoformat(body["created"]), tunnel_port=port, tags=tags, **fields)


def described(record: DeviceRecord) -> dict[str, Any]:
    """Return what people and programs may be told: everything but hashes."""
    return {
        "id": record.id,
        "name": record.name,
        "group": record.group,
        "created": record.created.isoformat(timespec="seconds"),
        "platform": record.platform,
        "tags": list(record.tags),
        "user": record.user,
        "credentials": list(record.credentials),
        "addresses": list(record.addresses),
        "peer_key": record.peer_key,
    }
