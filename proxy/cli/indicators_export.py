"""`seawall indicators export`: custom indicators as the tables that Defender imports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from indicators import defender
from indicators.indicator import Indicator
from indicators.reasons import place
from proxy.cli.options import config_option, load_or_exit


@click.command("export")
@click.option("--format", "format_", type=click.Choice(("defender-csv", "defender-json")), required=True)
@click.option("--output", type=click.Path(path_type=Path), help="Write to this file.  [default: standard output]")
@config_option
def export(format_: str, output: Path | None, config_path: Path) -> None:
    """Export the custom indicators of all files as Defender's CSV or JSON; `seawall indicators import` reads both.

    What Defender has no form for (networks, `exact`, single devices) is left out and named on standard error.
    """
    bodies = _bodies(load_or_exit(config_path).indicators)
    text = defender.write_csv(bodies) if format_ == "defender-csv" else defender.write_json(bodies)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}") from None
    click.echo(f"exported {len(bodies)} indicators to {output}", err=True)


def _bodies(found: Iterable[Indicator]) -> list[dict[str, Any]]:
    bodies = []
    for one in found:
        try:
            bodies.append(defender.body_of(one))
        except ValueError as why:
            click.echo(f"{place(one.origin)}: {one.action} {one.value}: left out: {why}", err=True)
    return bodies
