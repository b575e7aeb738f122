"""The option and the first step that most subcommands share: which configuration, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from proxy.config.errors import ConfigError, Problem
from proxy.config.load import LoadedConfig, load_config

_DEFAULT = Path("config.yaml")

# The command gets `config_path: Path`.
config_option: Callable[[Callable[..., object]], Callable[..., object]] = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=_DEFAULT,
    show_default=True,
    metavar="FILE",
    help="The configuration to use.",
)


def load(path: Path, *, with_indicators: bool = True) -> LoadedConfig:
    """Read the configuration. Raises ConfigError, which tells a newcomer how to name the file."""
    if path == _DEFAULT and not path.exists():
        raise ConfigError([Problem(str(path), 0, "", "no such file here; name your configuration with --config FILE")])
    return load_config(path, with_indicators=with_indicators)


def load_or_exit(path: Path, *, with_indicators: bool = True) -> LoadedConfig:
    """Read the configuration, or print every mistake to standard error and exit 2."""
    try:
        return load(path, with_indicators=with_indicators)
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from None
