"""`seawall feeds`: list, show, update, diff, and accept what was held back. The work is done in `proxy.feeds`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from indicators.guards import Guards, explain
from proxy.cli.options import config_option, load_or_exit
from proxy.config.model import Config
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds import ledger
from proxy.feeds.compare import Change, compare
from proxy.feeds.guarding import guard_lists
from proxy.feeds.intake import Parsed, Report, parsed_files
from proxy.feeds.job import format_of, make_job
from proxy.feeds.ledger import Version
from proxy.feeds.own_addresses import own_addresses
from proxy.feeds.status import FeedState, FeedStatus, all_status, status_of
from proxy.feeds.updater import run_process
from proxy.state import StateDir

_DONE = ("unchanged", "taken", "held", "failed", "waiting")  # events that end the look at one feed
_WORTH_TELLING = ("failed", "held", "waiting")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def feeds() -> None:
    """List, update and examine feeds.

    A feed is a published list of indicators. It stands in config.yaml:

    \b
      feeds:
        - name: urlhaus
          url: https://urlhaus.abuse.ch/downloads/text_online/
          format: urls          # or none, to recognise it from the content
          category: malware
          interval: 1h

    The running gateway keeps feeds fresh by itself. A new version that is empty, lost more than half of its entries,
    doubled, or newly lists one of the most used hosts is held back, and the last good one stays in force until
    `seawall feeds accept NAME`. What it would change is shown by `seawall feeds diff NAME`.
    """  # noqa: D301 - click wants the control character itself


@feeds.command("list")
@config_option
@_json
def list_(config_path: Path, as_json: bool) -> None:
    """Show how each feed stands: fresh, stale, empty, held, failing, waiting or disabled."""
    config = load_or_exit(config_path).config
    _print(all_status(config, StateDir(config.state_dir), datetime.now(UTC)), as_json)


@feeds.command()
@click.argument("name")
@config_option
@_json
def show(name: str, config_path: Path, as_json: bool) -> None:
    """Show what became of the lines of one feed: kept, demoted by a guard, skipped and why, with samples."""
    config = load_or_exit(config_path).config
    feed = _find(config, name)
    state = StateDir(config.state_dir)
    status = status_of(feed, state, datetime.now(UTC))
    report = _report(config, state, feed)
    if as_json:
        plain = json.loads(report.to_json()) if report else {}
        plain.pop("variants", None)
        click.echo(json.dumps(status.to_json() | {"report": plain}, indent=2))
    else:
        _show(status, report)


@feeds.command()
@click.argument("names", nargs=-1)
@config_option
@_json
def update(names: tuple[str, ...], config_path: Path, as_json: bool) -> None:
    """Look for new versions of feeds, all or those named, and compile what changed.

    Works with and without a running gateway; a running one takes the result at once. A publisher that was asked a
    moment ago is not asked again before it allows that. Exit 1 when a feed failed.
    """
    config = load_or_exit(config_path).config
    for name in names:
        _find(config, name)
    chosen = names or tuple(feed.name for feed in config.feeds if feed.enabled)
    if not chosen:
        click.echo("No feeds are configured. `seawall feeds --help` shows how one is written.", err=True)
    failed = _work(config, refresh=chosen)
    _print(all_status(config, StateDir(config.state_dir), datetime.now(UTC)), as_json)
    if failed:
        raise click.exceptions.Exit(1)


@feeds.command()
@click.argument("name")
@config_option
@_json
def accept(name: str, config_path: Path, as_json: bool) -> None:
    """Take the version of a feed that was held back, and compile."""
    config = load_or_exit(config_path).config
    feed = _find(config, name)
    state = StateDir(config.state_dir)
    if not ledger.read(state, name).held:
        raise click.UsageError(f"no version of {name} is held back; `seawall feeds list` shows how feeds stand")
    failed = _work(config, accept=(name,))
    _print([status_of(feed, state, datetime.now(UTC))], as_json)
    if failed:
        raise click.exceptions.Exit(1)


@feeds.command()
@click.argument("name")
@config_option
@_json
def diff(name: str, config_path: Path, as_json: bool) -> None:
    """Show what a new version of a feed changes: how many entries come and go, and some of each.

    The version that is held back is compared with the one in force; when none is, the one in force with the one before.
    """
    config = load_or_exit(config_path).config
    feed = _find(config, name)
    state = StateDir(config.state_dir)
    known = ledger.read(state, name)
    old, new = (known.good, known.held) if known.held else (known.previous, known.good)
    if not (old and new):
        raise click.UsageError(f"there are not two versions of {name} yet; `seawall feeds update {name}` looks for one")
    try:
        change = compare(_parsed(config, state, feed, old), _parsed(config, state, feed, new))
    except FileNotFoundError:
        raise click.UsageError(f"the version of {name} before this one is no longer kept") from None
    held = known.held_why if known.held else ""
    if as_json:
        click.echo(json.dumps({"name": name, "held": held, **change.to_json()}, indent=2))
    else:
        _print_change(name, held, change)


def _find(config: Config, name: str) -> FeedConfig:
    found = next((feed for feed in config.feeds if feed.name == name), None)
    if not found:
        known = ", ".join(feed.name for feed in config.feeds) or "none are configured"
        raise click.BadParameter(f"there is no feed {name!r}; feeds are: {known}", param_hint="NAME")
    return found


def _parsed(config: Config, state: StateDir, feed: FeedConfig, version: Version) -> Parsed:
    content = ledger.content_path(state, feed.name, version.digest)
    return parsed_files(content, format_of(feed), Guards(guard_lists(config.guards)), own_addresses(config))


def _report(config: Config, state: StateDir, feed: FeedConfig) -> Report | None:
    known = ledger.read(state, feed.name)
    version = known.held or known.good
    try:
        return _parsed(config, state, feed, version).load() if version else None
    except FileNotFoundError:
        return None


def _work(config: Config, refresh: Sequence[str] = (), accept: Sequence[str] = ()) -> bool:
    """Run the feed process and show what it does on a terminal; say whether something failed."""
    state = StateDir(config.state_dir)
    state.prepare()
    events: list[dict[str, Any]] = []
    with _progress(len(refresh)) as note:
        stopped = asyncio.run(run_process(make_job(config, refresh, accept), lambda event: note(events, event)))
    if stopped:
        click.echo(f"Error: {stopped}", err=True)
    return bool(stopped) or any(event["event"] == "failed" for event in events)


type _Note = Callable[[list[dict[str, Any]], dict[str, Any]], None]


def _progress(total: int) -> AbstractContextManager[_Note]:
    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext(_note_lines)
    return _Bar(console, total)


def _note_lines(events: list[dict[str, Any]], event: dict[str, Any]) -> None:
    events.append(event)
    if event["event"] in _WORTH_TELLING:
        click.echo(_words(event), err=True)


def _words(event: dict[str, Any]) -> str:
    rest = event.get("error") or event.get("why") or ""
    return " ".join(str(part) for part in (event.get("feed", ""), event["event"], rest) if part)


class _Bar:
    def __init__(self, console: Console, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        self._bar = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._bar.add_task("feeds", total=total + 1)

    def __enter__(self) -> _Note:
        self._bar.start()
        return self._note

    def _note(self, events: list[dict[str, Any]], event: dict[str, Any]) -> None:
        events.append(event)
        self._bar.update(self._task, description=_words({"event": event["event"], "feed": event.get("feed", "")}))
        if event["event"] in (*_DONE, "published", "current"):
            self._bar.advance(self._task)
        if event["event"] in _WORTH_TELLING:
            self._bar.console.print(Text(_words(event)))

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _print(found: Sequence[FeedStatus], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.to_json() for one in found], indent=2))
        return
    table = Table(title="Feeds")
    for heading in ("feed", "state", "entries", "demoted", "checked", "format", "reason"):
        table.add_column(heading, overflow="fold")
    for one in found:
        checked = f"{one.checked:%Y-%m-%d %H:%M}" if one.checked else "never"
        row = (one.name, one.state, f"{one.entries:,}", f"{one.demoted:,}", checked, one.format, one.reason)
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)


def _show(status: FeedStatus, report: Report | None) -> None:
    lines = [f"{status.name}: {status.state}" + (f" ({status.reason})" if status.reason else ""), status.source]
    lines += [f"{word}: {text}" for word, text in _terms(status) if text]
    if report:
        lines += _counts(status, report)
    console = Console()
    for line in lines:
        console.print(Text(line))


def _counts(status: FeedStatus, report: Report) -> list[str]:
    lines = [f"format {report.format}; {report.lines:,} lines, {report.items:,} items, {report.entries:,} entries"]
    lines.append(f"in force: {status.kept:,}; demoted to audit: {status.demoted:,}; repeated: {status.repeated:,}")
    skipped = report.skipped.total()
    if status.state is not FeedState.HELD:  # then the report is of the version that is held
        lines.append(
            f"{status.kept:,} + {status.demoted:,} + {status.repeated:,} + {skipped:,} skipped = {report.items:,}"
        )
    if report.told < report.lines:
        lines.append(f"{report.lines - report.told:,} lines gave nothing: please report this as a mistake of Seawall")
    if report.rewrites:
        lines.append(f"{report.rewrites:,} ask for a redirection; a feed cannot redirect, so they count as blocks")
    for guard, count in sorted(report.guarded.items()):
        lines.append(f"guard, {count:,}: {explain(guard, 'the host')}")
    for why, count in report.skipped.most_common():
        lines.append(f"skipped, {count:,}: {why}")
        lines += [f"    line {line}: {text}" for line, text in report.samples.get(why, [])[:5]]
    return lines


def _terms(status: FeedStatus) -> tuple[tuple[str, str], ...]:
    words = {"forbidden": "not for commercial use", "paid": "commercial use is paid"}
    return (
        ("licence", status.licence),
        ("terms", status.terms),
        ("note", words.get(status.commercial_use, "")),
        ("note", status.note),
    )


def _print_change(name: str, held: str, change: Change) -> None:
    click.echo(
        f"{name}: {change.before:,} entries before, {change.after:,} after" + (f" (held: {held})" if held else "")
    )
    for sign, count, some in (("+", change.added, change.added_samples), ("-", change.removed, change.removed_samples)):
        click.echo(f"{'added' if sign == '+' else 'removed'}: {count:,}")
        for sample in some:
            click.echo(f"    {sign} {sample}")
        if count > len(some):
            click.echo(f"    {sign} … and {count - len(some):,} more")
