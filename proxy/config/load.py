"""From a path to a configuration that is whole and right, or to every mistake in it.

Reads `config.yaml` and the indicator files it names; opens nothing else. Relative paths are relative to the file.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from indicators.indicator import Indicator
from proxy.config import consistency, expectation
from proxy.config.consistency import named_host
from proxy.config.entries import TEXT_KEYS
from proxy.config.errors import ConfigError, KeyPath, Problem
from proxy.config.indicator_files import IndicatorSet, collect
from proxy.config.model import Config
from proxy.config.sections.collector import CollectorConfig
from proxy.config.sections.feeds import FeedConfig
from proxy.config.source_file import located, read_text, shown
from proxy.config.yaml_source import Document, parse


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """Hold a valid configuration, its paths absolute and its hosts canonical.

    `files` are those read, `path` first. `sources` are the files and folders whose change may change the custom
    indicators: `path`, and what its `indicator_files` names (see `indicator_files.stamp`).
    """

    config: Config
    path: Path
    indicators: tuple[Indicator, ...] = ()
    sources: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()


def load_config(path: Path | str, *, with_indicators: bool = True) -> LoadedConfig:
    """Read a configuration. Raises ConfigError with every mistake, each as `file:line: key: what was expected`.

    Without indicators the indicator files are not opened, and mistakes in inline indicators are not looked for.
    """
    path = located(Path(path), Path.cwd())
    document = parse(read_text(path), shown(path), TEXT_KEYS)
    config, problems = _validated(document)
    custom = collect(document, path) if with_indicators else IndicatorSet(files=(path,), sources=(path,))
    said = {(error.place, error.line, error.key) for error in custom.errors}
    problems = [problem for problem in problems if (problem.place, problem.line, problem.key) not in said]
    problems += custom.errors
    if problems:
        raise ConfigError(
            sorted(problems, key=lambda problem: (problem.place != shown(path), problem.place, problem.line))
        )
    return LoadedConfig(_settled(config, path.parent), path, custom.indicators, custom.sources, custom.files)


def _validated(document: Document) -> tuple[Config, list[Problem]]:
    """Return the configuration as far as it is right, and what is wrong with it."""
    data = document.data if isinstance(document.data, dict) else {}
    found: list[tuple[KeyPath, str]] = []
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        found = list(expectation.mistakes(error))
        config = Config.model_validate(_without(data, [path for path, _ in found]))
    found += consistency.findings(config, {path for path, _ in found})
    return config, [document.problem(path, message) for path, message in found]


def _without(data: dict[str, Any], wrong: list[KeyPath]) -> dict[str, Any]:
    """Leave out what is wrong, so that the rest can be looked at too; a list with a mistake goes as a whole."""
    kept = deepcopy(data)
    for path in wrong:
        *outer, last = takewhile(lambda step: isinstance(step, str), path)
        section: Any = kept
        for step in outer:
            section = section.get(step, {})
        section.pop(last, None)
    return kept


def _settled_collector(section: CollectorConfig, folder: Path) -> CollectorConfig:
    files = {name: located(path, folder) for name in ("token_file", "ca") if (path := getattr(section, name))}
    tls = {name: located(path, folder) for name in ("cert", "key") if (path := getattr(section.tls, name))}
    issuers = tuple(
        issuer.model_copy(update={"keys": tuple(located(key, folder) for key in issuer.keys)})
        for issuer in section.posture_issuers
    )
    changes = {**files, "tls": section.tls.model_copy(update=tls), "posture_issuers": issuers}
    return section.model_copy(update=changes)


def _settled(config: Config, folder: Path) -> Config:
    feeds = tuple(_settled_feed(feed, folder) for feed in config.feeds)
    tls = config.dns.tls
    files = {name: located(path, folder) for name in ("cert", "key") if (path := getattr(tls, name))}
    authority = config.proxy.upstream_ca
    trusted = located(authority, folder) if authority else None
    hosts = {named_host(host): addresses for host, addresses in config.dns.hosts.items()}
    outputs = tuple(
        one.model_copy(update={"trust": located(one.trust, folder)}) if one.trust else one for one in config.outputs
    )
    return config.model_copy(
        update={
            "outputs": outputs,
            "proxy": config.proxy.model_copy(update={"upstream_ca": trusted}),
            "scan": config.scan.model_copy(
                update={"rules": tuple(located(path, folder) for path in config.scan.rules)}
            ),
            "state_dir": located(config.state_dir, folder),
            "feeds": feeds,
            "indicator_files": tuple(located(file, folder) for file in config.indicator_files),
            "dns": config.dns.model_copy(update={"hosts": hosts, "tls": tls.model_copy(update=files)}),
            "inspect": tuple(map(named_host, config.inspect)),
            "never_inspect": tuple(map(named_host, config.never_inspect)),
            "corporate": config.corporate.model_copy(update={"hosts": tuple(map(named_host, config.corporate.hosts))}),
            "collector": _settled_collector(config.collector, folder),
        }
    )


def _settled_feed(feed: FeedConfig, folder: Path) -> FeedConfig:
    path = located(feed.path, folder) if feed.path else None
    key = feed.key
    if key and key.file:
        key = key.model_copy(update={"file": located(key.file, folder)})
    return feed.model_copy(update={"path": path, "key": key})
