"""What a gateway reports of how well its devices are covered. Parsed strictly; what it means was decided there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

type Id = Annotated[str, Field(min_length=1, max_length=128)]
type Words = Annotated[str, Field(max_length=1000)]
type Count = Annotated[int, Field(ge=0, lt=2**53)]

_LENIENT = ConfigDict(extra="ignore")
_MOST = 1000  # devices in one report


@dataclass(frozen=True, slots=True, config=_LENIENT)
class DeviceCoverage:
    """Say how one device is covered: a score of 100, with its reasons, and when it was last met by which way."""

    device: Id
    score: Annotated[int, Field(ge=0, le=100)]
    protected: bool
    reasons: Annotated[tuple[Words, ...], Field(max_length=20)] = ()
    in_tunnel: bool = False
    last_handshake: AwareDatetime | None = None
    last_dns: AwareDatetime | None = None
    last_connection: AwareDatetime | None = None
    signs: Annotated[dict[Id, Count], Field(max_length=20)] = Field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """Return what is kept beside score and verdict, as JSON values."""
        times = ("last_handshake", "last_dns", "last_connection")
        return {
            "reasons": list(self.reasons),
            "in_tunnel": self.in_tunnel,
            "signs": dict(self.signs),
            **{name: _text(getattr(self, name)) for name in times},
        }


@dataclass(frozen=True, slots=True, config=_LENIENT)
class CoverageReport:
    """Hold one report of a gateway."""

    gateway: Id
    devices: Annotated[tuple[DeviceCoverage, ...], Field(max_length=_MOST)] = ()


_REPORT = TypeAdapter(CoverageReport)


def read_coverage(body: object) -> CoverageReport:
    """Read a report; unknown keys are ignored, so that a newer gateway can tell more.

    Raises ValueError naming the field and what was expected.
    """
    try:
        return _REPORT.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from None


def _text(when: datetime | None) -> str | None:
    return when.isoformat(timespec="seconds") if when else None
