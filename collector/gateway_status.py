"""What a gateway tells of itself: feeds, errors, what it compiles, where it listens. Parsed strictly, stored whole."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

type Words = Annotated[str, Field(max_length=1000)]
type Name = Annotated[str, Field(min_length=1, max_length=128)]
type Count = Annotated[int, Field(ge=0, lt=2**53)]

SILENT_AFTER = timedelta(minutes=3)
"""A gateway tells its status at least once a minute; after three it is shown as silent."""

_LENIENT = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True, config=_LENIENT)
class FeedState:
    """Say how one feed is. `updated` is when its content was last taken, `error` why that failed since."""

    name: Name
    state: Literal["fresh", "stale", "failed", "compiling", "held", "off", "waiting"] = "fresh"
    entries: Count | None = None
    updated: AwareDatetime | None = None
    error: Words = ""

    @property
    def is_well(self) -> bool:
        """Say whether nobody needs to look."""
        return self.state in ("fresh", "compiling", "off") and not self.error


@dataclass(frozen=True, slots=True, config=_LENIENT)
class Opened:
    """Count the connections that were decrypted because of one indicator."""

    indicator: Words
    source: Words = ""
    opened: Count = 0


@dataclass(frozen=True, slots=True, config=_LENIENT)
class Decryption:
    """Say what was decrypted since the gateway started: of all connections, and for which indicators."""

    connections: Count = 0
    opened: Count = 0
    not_enforced: Count = 0
    top: Annotated[tuple[Opened, ...], Field(max_length=50)] = ()

    @property
    def share(self) -> float:
        """Return the opened part of all connections, in percent."""
        return 100 * self.opened / self.connections if self.connections else 0.0


@dataclass(frozen=True, slots=True, config=_LENIENT)
class Pinned:
    """Name an app that refuses the gateway's certificate (JA4 of its hello), passed undecrypted until a time."""

    device: Words
    host: Words
    ja4: Words
    until: AwareDatetime
    name: Words = ""


@dataclass(frozen=True, slots=True, config=_LENIENT)
class GatewayStatus:
    """Say how one gateway is. `errors` are those of configuration and indicator files, each with file and line.

    `pinned` holds those of the `pins` that last longest.
    """

    gateway: Name
    name: Words = ""
    version: Words = ""
    mode: Literal["enforce", "audit", ""] = ""
    compiling: bool = False
    indicators: Count | None = None
    waiting_for_ca: Count = 0
    paused_until: AwareDatetime | None = None
    feeds: Annotated[tuple[FeedState, ...], Field(max_length=500)] = ()
    errors: Annotated[tuple[Words, ...], Field(max_length=100)] = ()
    decryption: Decryption | None = None
    pins: Count = 0
    pinned: Annotated[tuple[Pinned, ...], Field(max_length=200)] = ()
    endpoints: Annotated[dict[str, Words], Field(max_length=20)] = Field(default_factory=dict)


_STATUS = TypeAdapter(GatewayStatus)


def read_status(body: object) -> GatewayStatus:
    """Read a status; unknown keys are ignored, so that a newer gateway can tell more.

    Raises ValueError naming the field and what was expected.
    """
    try:
        return _STATUS.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise ValueError(f"{place}: {first['msg']}") from None


def to_row(status: GatewayStatus) -> dict[str, Any]:
    """Turn a status into JSON values for the store; `read_status` reads them again."""
    row: dict[str, Any] = _STATUS.dump_python(status, mode="json")
    return row


def is_silent(told: datetime | None, now: datetime) -> bool:
    """Say whether a gateway has not spoken for so long that its status says nothing any more."""
    return told is None or now - told > SILENT_AFTER
