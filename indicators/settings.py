"""What the user's policy asks of the classifier. Values only; `decide.py` applies them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from indicators.words import Action, Mode, OnError


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """Hold the settings of `policy:` in the form that judging needs.

    `warn_without_page` is what a warning becomes where no page can be shown: BLOCK or ALLOW. `bodies` says that policy
    names bodies to be hashed on inspected flows; without it no verdict asks for a body. `group_audit` says that
    audit mode is the device group's.
    """

    mode: Mode = Mode.ENFORCE
    on_error: OnError = OnError.CLOSED
    convert_warn_to_block: bool = False
    warn_without_page: Action = Action.BLOCK
    waiver: timedelta = timedelta(hours=24)
    bodies: bool = False
    group_audit: bool = False

    def __post_init__(self) -> None:
        if self.warn_without_page not in (Action.BLOCK, Action.ALLOW):
            raise ValueError(f"warn_without_page: expected block or allow, got {self.warn_without_page!s}")
