from __future__ import annotations

from proxy.protect.system_settings import Gate, Settings, Values, change


class Kept:
    """Keep settings in memory."""

    name = "kept"

    def __init__(self, **now: Values) -> None:
        self.now: Settings = dict(now)
        self.written: list[str] = []

    def read(self) -> Settings:
        return dict(self.now)

    def wanted(self, now: Settings, gate: Gate) -> Settings:
        return now

    def write(self, name: str, values: Values) -> None:
        self.written.append(name)
        self.now[name] = values

    def in_force(self) -> dict[str, tuple[str, int]]:
        return {}


def test_only_what_differs_and_is_still_there_is_written() -> None:
    kept = Kept(web=("off",), secure=("on",))
    change(kept, kept.read(), [("web", ("on",)), ("secure", ("on",)), ("gone", ("on",))])
    assert kept.written == ["web"]
    assert kept.now == {"web": ("on",), "secure": ("on",)}
