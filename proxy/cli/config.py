"""`seawall config`: check the configuration, print its JSON Schema. The work is done in `proxy.config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from proxy.cli.options import config_option, load
from proxy.config.errors import ConfigError
from proxy.config.load import LoadedConfig


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """Check the configuration; print its JSON Schema."""


@config.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def check(config_path: Path, as_json: bool) -> None:
    """Read the configuration and every indicator file, and start nothing.

    Exit 0 with a summary, or 2 with every mistake: file, line, key and what was expected.
    """
    try:
        found = _summary(load(config_path))
    except ConfigError as error:
        if as_json:
            problems = [problem.as_json() for problem in error.problems]
            click.echo(json.dumps({"ok": False, "config": str(config_path), "problems": problems}, indent=2))
        else:
            click.echo(str(error), err=True)
        raise click.exceptions.Exit(2) from None
    click.echo(json.dumps({"ok": True, "config": str(config_path), **found}, indent=2) if as_json else _line(found))


def _summary(loaded: LoadedConfig) -> dict[str, Any]:
    feeds = loaded.config.feeds
    return {
        "indicators": len(loaded.indicators),
        "files": len(loaded.files) - 1,
        "feeds": sum(feed.enabled for feed in feeds),
        "disabled_feeds": sum(not feed.enabled for feed in feeds),
        "test_feed": loaded.config.test_feed,
        "problems": [],
    }


def _line(found: dict[str, Any]) -> str:
    return (
        f"ok: {_count(found['indicators'], 'indicator')}, {_count(found['files'], 'indicator file')}, "
        f"{_count(found['feeds'], 'feed')} on, {found['disabled_feeds']} off, "
        f"test feed {'on' if found['test_feed'] else 'off'}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@config.command()
def schema() -> None:
    """Print the JSON Schema of config.yaml, for editors (the committed copy is config.schema.json)."""
    from proxy.config.schema import text  # noqa: PLC0415 - only this command needs it

    click.echo(text(), nl=False)
