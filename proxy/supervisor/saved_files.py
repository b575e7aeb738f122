"""Custom indicators and device groups from YAML: watched, read anew when saved, and in force within a second.

A broken edit changes nothing of what it is in; what is wrong in one of the two holds the other not back. What else
changes in `config.yaml` while the gateway runs is only reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from proxy.config.errors import ConfigError
from proxy.config.indicator_files import read_indicators, stamp
from proxy.config.load import LoadedConfig, load_config
from proxy.config.model import Config
from proxy.config.sections.groups import GroupConfig
from proxy.supervisor.overlay_desk import Saved

_LOOK = 0.2  # seconds; a look is one stat a file, and sees every way in which editors save

log = structlog.get_logger("config")


_LIVE = ("indicators", "indicator_files", "groups")  # keys in force without a restart


class SavedFiles:
    """Follow `config.yaml` and the files that it names. `errors` names file, line and reason of what cannot be used."""

    def __init__(self, loaded: LoadedConfig, take: Callable[[Saved], Awaitable[object]]) -> None:
        self.errors: tuple[str, ...] = ()
        self.pending: tuple[str, ...] = ()  # keys that need a restart
        self._loaded = loaded
        self._take = take
        self._sources = loaded.sources
        self._stamp = stamp(loaded.sources)
        self._groups: Mapping[str, GroupConfig] = loaded.config.groups  # in force

    async def follow(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            found = await asyncio.to_thread(stamp, self._sources)
            if found != self._stamp:
                self._stamp = found
                await self.reload()

    async def reload(self) -> None:
        """Read everything anew; keep the last good set where there is a mistake.

        Groups name feeds and count on other keys, so they are taken only from a file that is right as a whole.
        """
        found = await asyncio.to_thread(read_indicators, self._loaded.config, self._loaded.path)
        if found.sources and set(found.sources) - set(self._sources):
            self._sources = found.sources
            self._stamp = await asyncio.to_thread(stamp, self._sources)
        errors = [str(error) for error in found.errors]
        try:
            other = await asyncio.to_thread(load_config, self._loaded.path, with_indicators=False)
            self._note_pending(_differing(self._loaded.config, other.config))
            groups: Mapping[str, GroupConfig] = other.config.groups
        except ConfigError as error:
            errors += [str(problem) for problem in error.problems if str(problem) not in errors]
            groups = self._groups
        except OSError as error:
            errors.append(str(error))
            groups = self._groups
        self.errors = tuple(errors)
        for mistake in errors:
            log.warning("the configuration has a mistake; what was in force stays there", reason=mistake)
        await self._put_in_force(Saved(None if found.errors else found.indicators, self._changed(groups)))

    def _changed(self, groups: Mapping[str, GroupConfig]) -> Mapping[str, GroupConfig] | None:
        """Return other groups than those in force. Their order is their rank, so it counts."""
        return None if [*groups.items()] == [*self._groups.items()] else groups

    async def _put_in_force(self, saved: Saved) -> None:
        if saved == Saved():
            return
        await self._take(saved)
        if saved.groups is not None:
            self._groups = saved.groups
            log.info("device groups are in force", count=len(saved.groups))
        if saved.indicators is not None:
            log.info("custom indicators are in force", count=len(saved.indicators))

    def _note_pending(self, keys: tuple[str, ...]) -> None:
        if keys and keys != self.pending:
            log.warning("restart to apply", keys=", ".join(keys))
        self.pending = keys


def _differing(running: Config, saved: Config) -> tuple[str, ...]:
    """Return the keys, `section.key`, whose saved value is not the running one; what is live does not count."""
    found: list[str] = []
    for name in Config.model_fields:
        if name in _LIVE:
            continue
        one, other = getattr(running, name), getattr(saved, name)
        if one != other and hasattr(type(one), "model_fields"):
            found += [f"{name}.{key}" for key in type(one).model_fields if getattr(one, key) != getattr(other, key)]
        elif one != other:
            found.append(name)
    return tuple(found)
