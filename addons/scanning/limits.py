"""How much of an archive is looked at. What goes beyond is said, never silently left out."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound one scan. Bytes are inflated ones; `ratio` is inflated to packed, checked beyond `ratio_from` bytes."""

    entries: int = 20_000
    nesting: int = 3
    member_bytes: int = 128 * MIB
    total_bytes: int = 512 * MIB
    ratio: int = 200
    ratio_from: int = 8 * MIB
    seconds: float = 20.0


@dataclass(slots=True)
class Budget:
    """Count what one scan has used of its limits."""

    limits: Limits
    packed: int
    entries: int = 0
    inflated: int = 0

    def entry(self) -> bool:
        """Count a member; false when there are more than may be looked at."""
        self.entries += 1
        return self.entries <= self.limits.entries

    def room(self) -> int:
        """Return how many bytes the next member may have."""
        left = self.limits.total_bytes - self.inflated
        by_ratio = max(self.limits.ratio_from, self.packed * self.limits.ratio) - self.inflated
        return max(0, min(self.limits.member_bytes, left, by_ratio))

    def took(self, size: int) -> None:
        """Count inflated bytes."""
        self.inflated += size
