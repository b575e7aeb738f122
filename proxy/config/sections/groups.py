"""`groups:` who is in a device group, and what differs for its devices. Nothing is read or resolved here."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from indicators.schedules import DAYS, Day, read_time
from indicators.words import Category, Mode
from proxy.config.values import Network, Section

LOCAL = "local"


def _time(text: str) -> str:
    read_time(text)
    return text


def _zone(text: str) -> str:
    if text == LOCAL:
        return text
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"expected `local` or a time zone such as Europe/Berlin, got {text!r:.60}") from None


TimeOfDay = Annotated[str, AfterValidator(_time)]
TimeZone = Annotated[str, AfterValidator(_zone)]


class MemberConfig(Section):
    """One way of being a member: all that is named must fit, and of each list one item."""

    names: tuple[str, ...] = ()
    """Names of registered devices; `*` and `?` are wildcards, letter case does not count."""
    tags: tuple[str, ...] = ()
    """Tags of registered devices (`seawall devices tag`)."""
    networks: tuple[Network, ...] = ()
    """Networks that devices connect from."""
    platforms: tuple[str, ...] = ()
    """What devices were registered as, such as android or ios."""


class SlotConfig(Section):
    """One slot of the week."""

    start: TimeOfDay = "00:00"
    """When it begins, as the clock on the wall shows it."""
    end: TimeOfDay = "24:00"
    """When it ends; not after `start`, it runs past midnight into the next day."""
    days: tuple[Day, ...] = DAYS
    """The days on which it begins."""


class ScheduleConfig(Section):
    """What holds during some hours of the week."""

    name: str = Field(min_length=1, max_length=64)
    """What it is called where a verdict is explained."""
    time_zone: TimeZone = LOCAL
    """The time zone of its slots: `local` is this machine's, or a name such as Europe/Berlin."""
    slots: tuple[SlotConfig, ...] = Field(min_length=1)
    """When it is on; any number of slots."""
    everything: bool = False
    """Block every destination but those of `allow`."""
    block: tuple[str, ...] = ()
    """Domains, URLs, addresses and networks that are blocked then."""
    allow: tuple[str, ...] = ()
    """Those that are allowed then, whatever else says of them."""
    feeds: tuple[str, ...] = ()
    """Feeds that are off for the group otherwise and count then."""
    categories: tuple[Category, ...] = ()
    """Categories that are off for the group otherwise and count then."""


class GroupConfig(Section):
    """Who is in a group, and what differs for its devices. A device is in one: the first in this file that fits."""

    members: tuple[MemberConfig, ...] = ()
    """Who is in it, beside those put there with `seawall devices group`, which goes first; one of these must fit."""
    mode: Mode | None = None
    """`enforce` or `audit`, whatever `policy.mode` says."""
    feeds: dict[str, bool] = Field(default={})
    """Feeds that are `off` for the group, by name; all others count."""
    categories: dict[Category, bool] = Field(default={})
    """Categories of feeds' entries that are `off` for the group; all others count."""
    inspect: tuple[str, ...] = ()
    """Hosts that are always decrypted for the group, beside those of `inspect` for all."""
    never_inspect: tuple[str, ...] = ()
    """Hosts that are never decrypted for the group, beside those of `never_inspect` for all."""
    schedules: tuple[ScheduleConfig, ...] = ()
    """What holds at some hours only."""
    encrypted_dns: Literal["block", "allow"] | None = None
    """Whether the names of other resolvers exist for the group, whatever `dns.encrypted_dns` says."""
    allowed_encrypted_dns: tuple[str, ...] = ()
    """Other resolvers that exist for the group even where they are blocked, with their subdomains."""
    strip_ech_h3: Literal["never", "inspected", "always"] | None = None
    """Whose HTTPS and SVCB answers lose `ech` and `h3`, for this group's devices."""
