"""Fetch the sources anew and replace the knowledge whole; one that is missing or poorer leaves everything as it was."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from collector.vulnerabilities import gathering
from collector.vulnerabilities.knowledge import Knowledge, Source, write
from proxy.config.sections.vulnerabilities import KnowledgeSources
from proxy.feeds.client import Asking, Hosts
from proxy.feeds.fetch import download
from proxy.feeds.inflate import FeedError

_LEAST = 0.5  # of the releases that are known: fewer is a source that broke


class UpdateError(RuntimeError):
    """Say which source could not be used; nothing was changed."""


async def update(
    sources: KnowledgeSources,
    target: Path,
    known: Knowledge,
    today: date,
    hosts: Hosts,
    told: Callable[[str], None] = lambda _: None,
) -> Knowledge:
    """Return the new knowledge once it is written to `target`; `told` hears of each source. Raises UpdateError."""
    texts = {name: await _fetched(name, url, hosts, told) for name, url in sources.model_dump(mode="json").items()}
    try:
        made = await asyncio.to_thread(_made, texts, sources, today)
    except ValueError as error:
        raise UpdateError(str(error)) from error
    _require_no_less(made, known)
    await asyncio.to_thread(_replace, target, write(made))
    return made


async def _fetched(name: str, url: str, hosts: Hosts, told: Callable[[str], None]) -> str:
    told(f"{name}: {url}")
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / name
        try:
            await download(Asking(url, hosts), into)
        except (FeedError, OSError) as error:
            raise UpdateError(f"{name}: {error} ({url})") from error
        return into.read_text("utf-8", errors="replace")


def _made(texts: dict[str, str], sources: KnowledgeSources, today: date) -> Knowledge:
    return gathering.gather(
        gathering.cycles_of_endoflife(texts["ios_cycles"]),
        (gathering.releases_of_sofa(texts["ios_security"]), gathering.releases_of_endoflife(texts["ios_releases"])),
        gathering.cycles_of_endoflife(texts["android_cycles"]),
        gathering.exploited_of_kev(texts["exploited"]),
        (
            Source("SOFA", sources.ios_security, "Apache-2.0", today),
            Source("endoflife.date", sources.ios_cycles, "MIT", today),
            Source("CISA KEV", sources.exploited, "CC0-1.0", today),
        ),
    )


def _require_no_less(made: Knowledge, known: Knowledge) -> None:
    """Refuse knowledge that lost half of its releases, cycles or exploited flaws: a source broke, not the world."""
    for name, system in known.systems.items():
        new = made.systems[name]
        for what, now, before in (
            ("releases", len(new.releases), len(system.releases)),
            ("cycles", len(new.cycles), len(system.cycles)),
        ):
            if now < before * _LEAST:
                raise UpdateError(f"{name}: {now} {what} where {before} are known; the data was left as it is")
    if len(made.known_exploited) < len(known.known_exploited) * _LEAST:
        raise UpdateError("exploited: less than half of what is known; the data was left as it is")


def _replace(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(target)
