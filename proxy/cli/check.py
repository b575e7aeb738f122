"""`seawall check`: the verdict on targets without any traffic. The work is done in `proxy.checking`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proxy.cli.options import config_option, load_or_exit

_STOPPED, _BAD = 3, 2  # exit codes


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("targets", nargs=-1, required=True, metavar="TARGET… | -")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, for scripts.")
@click.option("--group", default="default", show_default=True, help="Judge as for a device of this group.")
@click.option("--at", default="", metavar="TIME", help="Judge as at this time: `21:30`, or `2026-12-24T21:30+01:00`.")
def check(targets: tuple[str, ...], config_path: Path, as_json: bool, group: str, at: str) -> None:
    """Say the verdict on domains, URLs, addresses and file hashes, without any traffic.

    The answer is what a device gets that sends all its traffic through us and trusts our CA. With `-` targets are
    read from standard input, a line each, and answered with one JSON object a line, in order.

    Exit 0 if nothing is blocked or warned of, 3 if something is, 2 for bad input or when there is no snapshot of the
    feeds yet.
    """
    if "-" in targets and len(targets) > 1:
        raise click.UsageError("`-` reads the targets from standard input; give it alone.")
    clock = _clock_at(at)
    loaded = load_or_exit(config_path)
    from proxy.checking.checker import make_checker  # noqa: PLC0415 - a wrong configuration is told at once

    try:
        checker = make_checker(loaded, clock, group)
    except (OSError, ValueError) as error:
        click.echo(f"what is known cannot be read: {error}", err=True)
        raise click.exceptions.Exit(_BAD) from None
    try:
        code = _stream(checker) if targets == ("-",) else _answer(checker, targets, as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    raise click.exceptions.Exit(code)


def _now() -> datetime:
    return datetime.now(UTC)


def _clock_at(text: str) -> Callable[[], datetime]:
    """Return a clock that stands still at a time: of today, or with its date; without an offset, of this machine."""
    if not text:
        return _now
    today = f"{datetime.now():%Y-%m-%d}T" if "-" not in text else ""
    try:
        moment = datetime.fromisoformat(today + text.zfill(5)).astimezone(UTC)
    except ValueError:
        raise click.BadParameter(f"expected 21:30 or 2026-12-24T21:30, got {text!r:.40}", param_hint="--at") from None
    return lambda: moment


def _stream(checker: Any) -> int:
    from proxy.checking.stream import answer_lines  # noqa: PLC0415 - not for a single target
    from proxy.cli.waiting_input import waiting_input  # noqa: PLC0415 - nor this

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    with waiting_input(sys.stdin.buffer) as source:
        tally = answer_lines(checker, source, write)
    if tally.failed:
        click.echo(f"{tally.failed} of {tally.judged} targets could not be judged", err=True)
    return _BAD if tally.failed else _STOPPED if tally.stopped else 0


def _answer(checker: Any, targets: tuple[str, ...], as_json: bool) -> int:
    from proxy.checking.answer import answer, failure  # noqa: PLC0415 - a wrong configuration is told at once

    answers = []
    for target in targets:
        try:
            answers.append(answer(target, checker.verdict(target)))
        except ValueError as error:
            answers.append(failure(target, str(error)))
    if as_json:
        sys.stdout.write(json.dumps(answers, indent=2) + "\n")
    else:
        _table(answers)
    if any("error" in one for one in answers):
        return _BAD
    return _STOPPED if any(one["action"] in ("block", "warn") for one in answers) else 0


def _table(answers: list[dict[str, Any]]) -> None:
    from proxy.cli.tables import sheet, table  # noqa: PLC0415 - rich is slow to import

    keys = ("category", "source", "indicator", "reason")
    rows = [(one["target"], one["action"] or "error", *(one[key] or "-" for key in keys)) for one in answers]
    headings = ("target", "action", *keys)
    if len(rows) == 1:
        sheet(zip(headings, rows[0], strict=True), _STYLES)
    else:
        table(headings, rows, _STYLES)


_STYLES = {"block": "bold red", "warn": "yellow", "audit": "cyan", "allow": "green", "error": "bold magenta"}
