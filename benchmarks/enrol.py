"""Benchmark `enrol`: how soon a new device is protected, and what those that are there notice of it; both backends.

`devices add` to the first blocked page counts all a person waits for: the command, the phone's tunnel (wireguard-go in
a namespace, from the file that was written), the name and the page. The download runs in the first device's tunnel,
20 ms away; beside it stand the same download with nobody enrolled (the machine's own noise) and with `devices list`
at the gateway (what any command costs there).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.download_windows import downloading, lowest_share
from benchmarks.enrolling import LISTED, Handed, add, attached, seawall, wait_for_page
from benchmarks.harness import OURS, Comparison, Missing, Probe, Spread, interleave
from benchmarks.setting import Setting
from benchmarks.tunnel_gateway import tunnel_gateway
from benchmarks.tunnel_network import Network, delayed, network
from benchmarks.tunnel_origin import origin

_BACKENDS = {OURS: "kernel", "userspace": "userspace"}
_ORIGIN = "203.0.113.11"
_ONE_WAY = 0.01  # seconds
_SETTLING, _AFTER = 3, 5  # seconds of a download that are left out at its beginning; that count after a change
_PAGE_GOAL = "to be reached: under 10 s; seawall is the kernel backend"
_SHARE_GOAL = "to be reached: 0.8; `nobody` is the same download with nobody enrolled"
_LIST = ", `list` with `devices list` at the gateway"


@dataclass(frozen=True, slots=True)
class Site:
    """Hold one gateway that runs."""

    made: Network
    config: Path
    folder: Path

    def add(self, name: str) -> Handed:
        return add(self.made, self.config, name, self.folder)

    def revoke(self, name: str) -> None:
        seawall(self.made, self.config, "revoke", name)


def compare(setting: Setting) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory() as text, network() as made, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)  # nginx gives up its rights
        stack.enter_context(origin(made, folder, [_ORIGIN]))
        sites, missing = _start(stack, made, folder)
        if not sites:
            raise Missing("; ".join(f"{name}: {why}" for name, why in missing.items()))
        numbers = count()
        pages: dict[str, Probe] = {name: partial(_first_page, site, numbers) for name, site in sites.items()}
        interleave(pages, 1)  # warm
        found = interleave(pages, setting.rounds)
        yield Comparison("from `devices add` to the first blocked page", "s", "low", found, missing, _PAGE_GOAL)
        for name, site in sites.items():
            yield from _disturbed(site, _BACKENDS[name], setting)


def _start(stack: ExitStack, made: Network, folder: Path) -> tuple[dict[str, Site], dict[str, str]]:
    """Start both gateways, and say why one is missing."""
    sites, missing = {}, {}
    for name, backend in _BACKENDS.items():
        own = folder / backend
        own.mkdir()
        try:
            more = {"indicators": [{"block": LISTED}]}
            config, _ = stack.enter_context(tunnel_gateway(backend, made, own, more))
            sites[name] = Site(made, config, own)
        except Missing as why:
            missing[name] = str(why)
    return sites, missing


def _first_page(site: Site, numbers: Iterator[int]) -> float:
    """Enrol a phone, have it ask for a listed host; return the seconds until it has the page."""
    name = f"new{next(numbers)}"
    began = time.monotonic()
    handed = site.add(name)
    with attached(site.made, _interface("new"), handed, ["default"], handed.path.parent):
        wait_for_page(site.made)
        taken = time.monotonic() - began
    site.revoke(name)
    return taken


def _disturbed(site: Site, backend: str, setting: Setting) -> Iterator[Comparison]:
    """Enrol the others while the first device downloads; then the last one again, in rounds."""
    last = 5 if setting.quick else 50
    first = site.add("device1")
    name = _interface("one")
    with (
        attached(site.made, name, first, [f"{_ORIGIN}/32"], first.path.parent),
        delayed(site.made, name, first.tunnel, _ONE_WAY),
    ):
        title = f"lowest second of a download while {{}}, {backend} backend"
        probes = _probes(site, setting, partial(_enrol, site, range(2, last + 1)))
        found = interleave({name: probes[name] for name in (OURS, "nobody")}, 1)  # it takes minutes
        yield _shares(title.format(f"devices 2 to {last} are enrolled"), found)
        again = interleave(_probes(site, setting, partial(_again, site, last)), setting.rounds)
        yield _shares(title.format(f"device {last} is enrolled"), again)


def _shares(title: str, found: Mapping[str, Spread]) -> Comparison:
    note = f"{_SHARE_GOAL}{_LIST if 'list' in found else ''}"
    return Comparison(title, "share of the median second before", "high", found, {}, note)


def _probes(site: Site, setting: Setting, change: Callable[[], Callable[[], object]]) -> dict[str, Probe]:
    """Return the enrolment and what stands beside it; those last as long as the enrolment did last."""
    lasted = [0.0]
    before = 3 if setting.quick else 10

    def enrolled() -> float:
        share, lasted[0] = _lowest(site, before, change())
        return share

    return {
        OURS: enrolled,
        "list": lambda: _lowest(site, before, partial(_list, site, lasted[0]))[0],
        "nobody": lambda: _lowest(site, before, partial(time.sleep, lasted[0]))[0],
    }


def _lowest(site: Site, before: int, change: Callable[[], object]) -> tuple[float, float]:
    """Change something while a download runs; return its lowest second as a share, and how long the change took."""
    with downloading(site.made, _ORIGIN) as download:
        download.watch(time.monotonic() + _SETTLING + before)
        began = time.monotonic()
        change()
        ended = time.monotonic()
        download.watch(ended + _AFTER)
    return lowest_share(download.seen, began, ended + _AFTER, before), ended - began


def _enrol(site: Site, numbers: range) -> Callable[[], object]:
    def change() -> None:
        for number in numbers:
            site.add(f"device{number}")

    return change


def _again(site: Site, number: int) -> Callable[[], object]:
    """Revoke a device, and return what enrols it once more."""
    name = f"device{number}"
    site.revoke(name)
    folder = site.folder / name
    folder.rename(folder.with_name(f"{name}.{time.monotonic_ns()}"))
    return partial(site.add, name)


def _list(site: Site, seconds: float) -> None:
    """Run a command that changes nothing, as often as there is time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seawall(site.made, site.config, "list")


def _interface(word: str) -> str:
    return f"b{os.getpid() % 100_000}{word}"
