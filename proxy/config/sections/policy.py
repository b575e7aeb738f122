"""`policy:` how verdicts become enforcement. Nothing is read or resolved here."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from indicators.words import Mode, OnError
from proxy.config.values import Duration, Section


class PolicyConfig(Section):
    """How verdicts become enforcement."""

    mode: Mode = Mode.ENFORCE
    """`enforce`, or `audit` to record what would have been done and let it pass."""
    on_error: OnError = OnError.CLOSED
    """What happens when judging itself fails: `open` lets pass, `closed` blocks."""
    convert_warn_to_block: bool = False
    """Turn every warning into a block, so that nobody can continue."""
    warn_without_page: Literal["block", "allow"] = "block"
    """What a warning becomes where no page can be shown (DNS only, no CA, raw TCP)."""
    large_download: Literal["allow", "block"] = "allow"
    """What becomes of a download too long to be looked into (32 MiB)."""
    waiver: Duration = timedelta(hours=24)
    """How long a person's `continue` past a warning holds."""
    pushed_allows_override: bool = False
    """Whether an allow from the collector (an indicator, an approved request) overrides a block in your own YAML."""
    pinning: Literal["inspect", "splice"] = "inspect"
    """What becomes of an app that refuses our certificate on a host with blocked URLs: still inspected, or spliced."""
    pinned_for: Duration = timedelta(days=1)
    """How long an app that refuses our certificate is passed undecrypted before that is tried again."""
