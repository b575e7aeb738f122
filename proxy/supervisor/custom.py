"""Custom indicators from YAML: watched, read anew when saved, and in force within a second; a broken edit changes none.

What else changes in `config.yaml` while the gateway runs is only reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from indicators.indicator import Indicator
from proxy.config.errors import ConfigError
from proxy.config.indicator_files import read_indicators, stamp
from proxy.config.load import LoadedConfig, load_config
from proxy.config.model import Config

_LOOK = 0.2  # seconds; a look is one stat a file, and sees every way in which editors save

log = structlog.get_logger("config")


class CustomIndicators:
    """Follow the files of custom indicators. `errors` names file, line and reason of what cannot be used."""

    def __init__(self, loaded: LoadedConfig, take: Callable[[tuple[Indicator, ...]], Awaitable[object]]) -> None:
        self.errors: tuple[str, ...] = ()
        self.pending: tuple[str, ...] = ()  # keys that need a restart
        self._loaded = loaded
        self._take = take
        self._sources = loaded.sources
        self._stamp = stamp(loaded.sources)

    async def follow(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            found = await asyncio.to_thread(stamp, self._sources)
            if found != self._stamp:
                self._stamp = found
                await self.reload()

    async def reload(self) -> None:
        """Read everything anew; keep the last good set where there is a mistake."""
        found = await asyncio.to_thread(read_indicators, self._loaded.config, self._loaded.path)
        if found.sources and set(found.sources) - set(self._sources):
            self._sources = found.sources
            self._stamp = await asyncio.to_thread(stamp, self._sources)
        errors = [str(error) for error in found.errors]
        try:
            other = await asyncio.to_thread(load_config, self._loaded.path, with_indicators=False)
            self._note_pending(_differing(self._loaded.config, other.config))
        except ConfigError as error:
            errors += [str(problem) for problem in error.problems if str(problem) not in errors]
        except OSError as error:
            errors.append(str(error))
        self.errors = tuple(errors)
        if found.errors:
            log.warning("the last good indicators stay in force", mistakes=len(errors), first=errors[0])
            return
        for mistake in errors:
            log.warning("the configuration has a mistake", reason=mistake)
        await self._take(found.indicators)
        log.info("custom indicators are in force", count=len(found.indicators))

    def _note_pending(self, keys: tuple[str, ...]) -> None:
        if keys and keys != self.pending:
            log.warning("restart to apply", keys=", ".join(keys))
        self.pending = keys


def _differing(running: Config, saved: Config) -> tuple[str, ...]:
    """Return the keys, `section.key`, whose saved value is not the running one; indicators do not count."""
    found: list[str] = []
    for name in Config.model_fields:
        if name in ("indicators", "indicator_files"):
            continue
        one, other = getattr(running, name), getattr(saved, name)
        if one != other and hasattr(type(one), "model_fields"):
            found += [f"{name}.{key}" for key in type(one).model_fields if getattr(one, key) != getattr(other, key)]
        elif one != other:
            found.append(name)
    return tuple(found)
