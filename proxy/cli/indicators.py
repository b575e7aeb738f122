"""`seawall indicators`: list, add, remove and lint custom indicators. The work is done in `proxy.config`.

Import and export are in files of their own, which add themselves to the group here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from indicators.indicator import Indicator, Origin
from indicators.observables import read_observable
from indicators.reasons import place
from indicators.rules import RuleError, parse_indicator
from indicators.words import Action, Category, IndicatorType, Severity
from proxy.cli.dry_run import test
from proxy.cli.indicator_edits import edited, json_option, target_of
from proxy.cli.indicator_rows import HEADINGS, fields, row
from proxy.cli.indicators_export import export
from proxy.cli.indicators_import import import_
from proxy.cli.options import config_option, load_or_exit
from proxy.config import edit
from proxy.config.entries import Entry
from proxy.config.source_file import shown


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def indicators() -> None:
    """List, add, remove and check custom indicators.

    They stand in config.yaml and in the files and folders that its `indicator_files` names; docs/indicators.md explains
    every field. A running gateway follows a saved file within a second.
    """


@indicators.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """List the custom indicators of all files."""
    found = load_or_exit(config_path).indicators
    if as_json:
        click.echo(json.dumps([fields(one) for one in found], indent=2))
        return
    from proxy.cli.tables import table  # noqa: PLC0415 - rich is slow to import

    table(HEADINGS, map(row, found))


@indicators.command()
@click.argument("value")
@click.option("--action", type=click.Choice([str(action) for action in reversed(Action)]), required=True)
@click.option("--type", type=click.Choice([str(kind) for kind in IndicatorType]), help="Guessed from VALUE if absent.")
@click.option("--title", help="The alert's title.")
@click.option("--description", help="What the block page and the alert say.")
@click.option("--category", type=click.Choice([str(word) for word in Category]))
@click.option("--severity", type=click.Choice([str(word) for word in Severity]))
@click.option("--expiration", help="A date (to its end) or time, such as 2030-12-31.")
@click.option("--recommended-actions", help="What the alert advises.")
@click.option("--educate-url", help="A page to read, linked from the block page.")
@click.option("--device-group", "device_groups", multiple=True, help="Only for this group; may be repeated.")
@click.option("--no-alert", is_flag=True, help="Do not raise an alert.")
@click.option("--exact", is_flag=True, help="Do not cover subdomains, or what lies below a URL.")
@click.option("--always-inspect", is_flag=True, help="Decrypt the host for devices that trust the CA.")
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="Where to write it.  [default: the configuration]"
)
@config_option
def add(value: str, action: str, file: Path | None, config_path: Path, **options: Any) -> None:
    """Add an indicator: a domain, URL, address, network, file hash or certificate thumbprint.

    The file keeps its comments, order and quoting.
    """
    loaded = load_or_exit(config_path)
    target = target_of(loaded, file)
    entry: dict[Any, object] = {action: value, **_fields(options)}
    try:
        (made,) = parse_indicator(entry, Origin("custom", custom=True, place=shown(target)))
    except RuleError as error:
        raise click.UsageError(error.reason if error.key == action else str(error)) from None
    _check_new(made, loaded.indicators)
    if not target.exists():  # a first file in a folder of indicators
        edited(target.touch)
    line = edited(lambda: edit.add(target, entry))
    click.echo(f"{shown(target)}:{line}: {action} {made.value}")


@indicators.command()
@click.argument("value")
@click.option(
    "--action", type=click.Choice([str(action) for action in reversed(Action)]), help="Only with this action."
)
@click.option("--file", "file", type=click.Path(path_type=Path), help="Only from this file.  [default: from all files]")
@config_option
def remove(value: str, action: str | None, file: Path | None, config_path: Path) -> None:
    """Remove every indicator with this value; the files keep their comments, order and quoting."""
    loaded = load_or_exit(config_path)
    try:
        meant = read_observable(value).value
    except ValueError as error:
        raise click.UsageError(str(error)) from None

    def is_meant(entry: Entry) -> bool:
        found = entry.indicators("")
        return any(one.value == meant and action in (None, one.action) for one in found)

    files = [target_of(loaded, file)] if file else loaded.files
    places = [f"{shown(path)}:{line}" for path in files for line in edited(partial(edit.remove, path, is_meant))]
    if not places:
        raise click.ClickException(f"there is no indicator {meant} to remove; `seawall indicators list` shows all")
    click.echo(f"removed {meant} from {', '.join(places)}")


@indicators.command("lint")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@config_option
@json_option
def lint_(files: tuple[Path, ...], config_path: Path, as_json: bool) -> None:
    """Say what is suspicious: duplicates, contradictions, what is shadowed, expired, covers too much or is no pattern.

    Without FILES all custom indicators of the configuration are looked at; with FILES, these indicator files alone.
    Exit 0 if there is nothing to change (notes do not count), 1 with warnings, 2 if a file is broken.
    """
    from proxy.config.lint import Level, lint  # noqa: PLC0415 - the public suffix list is slow to read
    from proxy.config.model import Config  # noqa: PLC0415

    if files:
        given, config = _read_alone(files), Config()
    else:
        loaded = load_or_exit(config_path)
        given, config = loaded.indicators, loaded.config
    found = lint(given, config, datetime.now(UTC))
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], indent=2))
    else:
        click.echo("\n".join(map(str, found)) or f"nothing to say about {len(given)} indicators")
    if any(one.level is Level.WARNING for one in found):
        raise click.exceptions.Exit(1)


def _read_alone(files: Iterable[Path]) -> tuple[Indicator, ...]:
    from proxy.config.indicator_files import read_alone  # noqa: PLC0415

    found = read_alone([file.absolute() for file in files])
    if found.errors:
        click.echo("\n".join(map(str, found.errors)), err=True)
        raise click.exceptions.Exit(2)
    return found.indicators


def _fields(options: dict[str, Any]) -> dict[str, object]:
    given: dict[str, object] = {name: value for name, value in options.items() if value}
    if given.pop("no_alert", False):
        given["generate_alert"] = False
    if "device_groups" in given:
        given["device_groups"] = list(options["device_groups"])
    return given


def _check_new(made: Indicator, known: Iterable[Indicator]) -> None:
    """Refuse what stands there already; say what outranks the new one or is outranked."""
    for one in known:
        if (one.type, one.value, one.device_groups, one.exact) != (
            made.type,
            made.value,
            made.device_groups,
            made.exact,
        ):
            continue
        if one.action is made.action:
            raise click.ClickException(f"{place(one.origin)}: {one.action} {one.value} stands there already")
        winner = min(one, made, key=lambda each: each.action.strength)
        if Action.AUDIT not in (one.action, made.action):
            click.echo(f"note: {place(one.origin)} says {one.action} {one.value}; {winner.action} wins", err=True)


indicators.add_command(test)
indicators.add_command(import_)
indicators.add_command(export)
