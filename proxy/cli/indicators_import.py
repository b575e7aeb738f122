"""`seawall indicators import`: Defender's indicator tables into custom YAML, all rows or none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from indicators import defender
from indicators.indicator import Indicator
from proxy.cli.indicator_edits import edited, json_option, target_of
from proxy.cli.options import config_option, load_or_exit
from proxy.config import edit
from proxy.config.source_file import shown

_FORMATS = ("auto", "defender-csv", "defender-json")


@dataclass(frozen=True, slots=True)
class Result:
    """Say what became of one row; `entry` is what to write, nothing where there is nothing to do."""

    row: int
    value: str
    reason: str = ""
    failed: bool = False
    entry: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it in the words of Defender's import."""
        return {"row": self.row, "indicator": self.value, "isFailed": self.failed, "failureReason": self.reason or None}


@click.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="auto", show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--keep-going", is_flag=True, help="Import the good rows though others are refused.")
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="Where to write them.  [default: the configuration]"
)
@config_option
@json_option
def import_(source: Path, format_: str, file: Path | None, config_path: Path, as_json: bool, **flags: bool) -> None:
    """Import a table of indicators that Defender exported, or that was made for its import: CSV or JSON.

    Columns and rules are Defender's: a row that it would refuse, such as BlockAndRemediate on a network indicator, is
    refused with its number. One bad row, and nothing is written, unless --keep-going is given. The file that is written
    keeps its comments, order and quoting.

    Exit 0 if every row was taken or stood there already, 1 if a row was refused, 2 if the file cannot be read.
    """
    loaded = load_or_exit(config_path)
    target = target_of(loaded, file)
    results = _judged(_rows(source, format_), loaded.indicators)
    failed = [one for one in results if one.failed]
    new = [one.entry for one in results if one.entry and not one.failed]
    written = not flags["dry_run"] and bool(new) and (flags["keep_going"] or not failed)
    if written:
        if not target.exists():  # a first file in a folder of indicators
            edited(target.touch)
        edited(lambda: edit.add_all(target, new))
    _say(results, len(new), shown(target) if written else "", as_json)
    if failed:
        raise click.exceptions.Exit(1)


def _rows(source: Path, format_: str) -> Sequence[defender.Given]:
    try:
        text = source.read_text("utf-8-sig")
        as_json = defender.is_json(text) if format_ == "auto" else format_ == "defender-json"
        return list(defender.read_json(text) if as_json else defender.read_csv(text))
    except (OSError, ValueError) as error:
        click.echo(f"{source}: {getattr(error, 'strerror', None) or error}", err=True)
        raise click.exceptions.Exit(2) from None


def _judged(rows: Iterable[defender.Given], known: Iterable[Indicator]) -> list[Result]:
    from collector.indicator_form import IndicatorFormError, read_submission  # noqa: PLC0415 - slow to import

    now = datetime.now(UTC)
    standing = {_key(one): "stands there already" for one in known}
    results = []
    for number, body in rows:
        value = str(body.get("indicatorValue", ""))
        try:
            found = read_submission(body.get("", body), now)
        except IndicatorFormError as error:
            results.append(Result(number, value, str(error), failed=True))
            continue
        twice = standing.setdefault(_key(found.indicator), "")
        results.append(Result(number, value, twice, entry=None if twice else found.entry))
        standing[_key(found.indicator)] = twice or f"repeats row {number}"
    return results


def _key(one: Indicator) -> tuple[object, ...]:
    return one.type, one.value, one.action, one.device_groups, one.exact


def _say(results: Sequence[Result], new: int, target: str, as_json: bool) -> None:
    if as_json:
        document = {"value": [one.as_json() for one in results], "imported": new if target else 0, "file": target}
        click.echo(json.dumps(document, indent=2))
        return
    for one in results:
        if one.reason:
            click.echo(f"row {one.row}: {one.value or '(no value)'}: {one.reason}", err=one.failed)
    refused = sum(one.failed for one in results)
    done = f"imported {new} indicators into {target}" if target else f"nothing written; {new} indicators could be"
    click.echo(f"{done}; {refused} of {len(results)} rows refused")
