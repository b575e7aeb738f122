"""`seawall collector`: run the collector as a service of its own; let gateways and programs in."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from collector.accounts.tokens import TokenError, make_token
from collector.service import CollectorService
from collector.settings import CollectorSettings
from collector.store.database import Database, StoreUnavailableError
from collector.store.enrolled import EnrolmentError, dismiss, enrol, list_enrolled
from collector.web.access import Scope
from proxy import logs
from proxy.cli.options import config_option, load_or_exit
from proxy.collector_service import settings_of
from proxy.secrets import load_or_create
from proxy.state import StateDir

_BY = "command line"
_FAILURES = (OSError, ValueError, RuntimeError)  # a database, certificate or secret that cannot be used


@click.group()
def collector() -> None:
    """Run the collector by itself, and let gateways and programs use it.

    `seawall run` starts a collector of its own. With several gateways one collector runs elsewhere:

    \b
        seawall collector run                     # where it shall live; section `collector:` says how
        seawall collector gateway add office      # there: prints a token, once
        # at each gateway, in config.yaml:  collector: {url: "https://…", token_file: office-token}
    """  # noqa: D301 - click reads the \b


@collector.command()
@config_option
@click.option("--log-level", type=click.Choice(logs.LEVELS), default="info", show_default=True)
def run(config_path: Path, log_level: str) -> None:
    """Serve API and console until Ctrl-C.

    Address, database and TLS come from the section `collector:` of the configuration; its secrets lie in the state
    directory. Exit 1 when it cannot start, such as when the port is taken; 2 when the configuration is wrong.
    """
    logs.configure(log_level)
    settings = _settings(config_path)
    try:
        asyncio.run(_serve(settings))
    except _FAILURES as error:
        raise click.ClickException(logs.clean(str(error))) from None


@collector.group()
def gateway() -> None:
    """Let gateways that run elsewhere deliver to this collector, each with a token of its own."""


@gateway.command()
@config_option
@click.argument("name")
def add(config_path: Path, name: str) -> None:
    """Let a gateway in and print its token: the only time that it is shown."""
    token = _with_database(config_path, lambda database: enrol(database, name, _BY, _now()))
    click.echo(token)
    click.echo(f"Put it into a file of {name} (chmod 600) and name that as `collector.token_file` there.", err=True)


@gateway.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(config_path: Path, as_json: bool) -> None:
    """List the gateways that were let in, and when each was last heard."""
    rows = _with_database(config_path, list_enrolled)
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], default=datetime.isoformat))
        return
    for row in rows:
        heard = f"last heard {row['last_used']:%Y-%m-%d %H:%M} UTC" if row["last_used"] else "never heard"
        click.echo(f"{row['name']}  {heard}")


@gateway.command()
@config_option
@click.argument("name")
def remove(config_path: Path, name: str) -> None:
    """End a gateway's token. Exit 1 where there is none of this name."""
    if not _with_database(config_path, lambda database: dismiss(database, name, _BY, _now())):
        raise click.ClickException(f"no gateway is called {name}")
    click.echo(f"{name} is out: its token opens nothing any more.")


@collector.command()
@config_option
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; repeat.",
)
def client(config_path: Path, name: str, scopes: tuple[str, ...]) -> None:
    """Let a program in (a script, a SIEM): print its client id and secret, once, as JSON.

    They are what a Defender client calls its application id and secret; the authority is this collector's address.
    """
    token = _with_database(config_path, lambda database: make_token(database, name, scopes, _BY, _now()))
    _, id_, secret = token.split("_", 2)
    click.echo(json.dumps({"client_id": id_, "client_secret": secret, "bearer": token}, indent=2))


def _settings(config_path: Path) -> CollectorSettings:
    loaded = load_or_exit(config_path, with_indicators=False)
    state = StateDir(loaded.config.state_dir)
    try:
        state.prepare()
        return settings_of(loaded.config, state, load_or_create(state))
    except _FAILURES as error:
        raise click.ClickException(logs.clean(str(error))) from None


async def _serve(settings: CollectorSettings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with CollectorService(settings) as service:
        click.echo(f"The collector answers at {service.url}", err=True)
        if link := await service.setup_link():
            click.echo(f"Make the first console account (once, within a day): {link}", err=True)
        await stopping.wait()


def _with_database[Result](config_path: Path, what: Callable[[Database], Awaitable[Result]]) -> Result:
    """Do something with the collector's database; whether a collector runs on it meanwhile is all the same."""

    async def work() -> Result:
        database = Database(settings.database_url)
        await database.open()
        try:
            return await what(database)
        finally:
            await database.close()

    settings = _settings(config_path)
    try:
        return asyncio.run(work())
    except (EnrolmentError, TokenError, StoreUnavailableError, *_FAILURES) as error:
        raise click.ClickException(logs.clean(str(error))) from None


def _now() -> datetime:
    return datetime.now(UTC)
