"""A child of the supervisor: `python -m proxy.worker ROLE --config FILE`.

It fetches its settings from the supervisor, builds what every role needs and hands over to the role's `serve`.
Nothing of any role is known here but where its `serve` stands.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from proxy import logs
from proxy.config.load import LoadedConfig
from proxy.config_wire import from_wire
from proxy.control import ControlClient, ControlError
from proxy.policy import LivePolicy
from proxy.priority import step_back
from proxy.reporting.hiding import Hider
from proxy.reporting.port import ManyReporter
from proxy.reporting.reporter import SpoolReporter
from proxy.roles import Role, role_named
from proxy.secrets import Secrets, load_or_create
from proxy.state import StateDir
from proxy.work import Work

HEALTH_INTERVAL = 2.0  # seconds
SIGN_OF_LIFE = 5.0  # seconds
A_LOAD = 200  # steps of work that count for a new state of policy: with many indicators it costs seconds
GRACE = 2.5  # seconds that a role has to end

log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Give a role all that it may use.

    `config` holds the ports really taken, never 0, for all listeners of the gateway (so a role knows the gateway's
    own ports from it); its `indicators` are empty, because indicators reach a worker through `policy` alone. A role
    binds its listeners, calls `ready`, serves until `stopping` is set, and then returns within two seconds.
    """

    config: LoadedConfig
    state: StateDir
    secrets: Secrets
    policy: LivePolicy
    reporter: ManyReporter
    control: ControlClient
    clock: Callable[[], datetime]
    stopping: asyncio.Event
    role: str = "inspector"
    niceness: int = 0
    work: Work = field(default_factory=Work)

    async def ready(self, bound: Mapping[str, str]) -> None:
        """Tell the supervisor that the listeners answer, and step back from now on: nobody waits for a start twice.

        Keys are `http_proxy`, `socks`, `transparent`, `dns`, `collector`; values `address:port` (IPv6 in brackets).
        """
        await self.control.call("ready", bound=dict(bound))
        step_back(self.niceness)


type Serve = Callable[[WorkerContext], Awaitable[None]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one role until the supervisor says stop or is gone; return the exit code."""
    options = _parser().parse_args(arguments)
    logs.configure(options.log_level)
    role = options.role
    factory = _uvloop() if role.uvloop else None
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(_work(role, options.serve or role.serve, options.config, options.state))
    except ControlError as error:
        log.warning("cannot work without a supervisor", reason=str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proxy.worker", description="One process of a running gateway.")
    parser.add_argument("role", type=role_named)
    parser.add_argument("--config", type=Path, required=True, help="the configuration's file")
    parser.add_argument("--state", type=Path, required=True, help="the state directory")
    parser.add_argument("--log-level", choices=logs.LEVELS, default="info")
    parser.add_argument("--serve", default="", help="module:function to run in the role's place")
    return parser


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop]:
    from proxy.event_loop import Loop  # noqa: PLC0415 - where uvloop is not wanted it is not loaded

    return Loop


async def _work(role: Role, serve: str, config: Path, state_dir: Path) -> int:
    """Build the context, then serve beside what keeps it current."""
    state = StateDir(state_dir)
    control = ControlClient(state.control_socket)
    settings = await control.call("hello", role=role.name, pid=os.getpid())
    context = _context(role, LoadedConfig(from_wire(settings["config"]), config), state, control)
    reporter = context.reporter
    assert isinstance(reporter, SpoolReporter)  # noqa: S101 - made two lines above
    _obey_signals(context.stopping)
    module, _, function = serve.partition(":")
    target: Serve = getattr(importlib.import_module(module), function)
    beside = [asyncio.create_task(reporter.run()), asyncio.create_task(_tell_health(context, reporter))]
    beside.append(asyncio.create_task(_stop_when_alone(control, context.stopping)))
    if role.follows:
        beside.append(asyncio.create_task(context.policy.follow()))
    try:
        return await _serve(target, context, beside)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside, timeout=1)
        reporter.close()
        await control.close()


def _context(role: Role, loaded: LoadedConfig, state: StateDir, control: ControlClient) -> WorkerContext:
    secrets = load_or_create(state)
    policy = LivePolicy(loaded.config, state, _now, control)
    policy.load()
    hider, privacy = Hider(secrets.privacy_key), loaded.config.privacy
    hide = hider.hide if privacy.hide_urls else None
    hashes = hider.host if privacy.keep_sightings else None
    here = (state.spool, role.name, secrets.installation_id)
    reporter = SpoolReporter(*here, _now, hide, host_hashes=hashes, group_of=policy.group_by_rules)
    stopping = asyncio.Event()
    return WorkerContext(loaded, state, secrets, policy, reporter, control, _now, stopping, role.name, role.niceness)


async def _serve(target: Serve, context: WorkerContext, beside: Sequence[asyncio.Task[None]]) -> int:
    """Serve until told to stop, or until anything here fails: then the process ends and is started anew."""
    serving = asyncio.ensure_future(target(context))
    stopping = asyncio.create_task(context.stopping.wait())
    await asyncio.wait({serving, stopping, *beside}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if context.stopping.is_set():
        await asyncio.wait({serving}, timeout=GRACE)
    broken = next((task for task in (serving, *beside) if task.done() and task.exception()), None)
    serving.cancel()
    if broken:
        log.error("the process ends", error=repr(broken.exception()), exc_info=broken.exception())
        return 1
    return 0 if context.stopping.is_set() else 1


def _obey_signals(stopping: asyncio.Event) -> None:
    """End at SIGTERM. Ctrl-C reaches the whole terminal group and is ignored here: the supervisor orders the stop."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def _stop_when_alone(control: ControlClient, stopping: asyncio.Event) -> None:
    await control.lost()
    if not stopping.is_set():
        log.warning("the supervisor is gone: stopping")
    stopping.set()
    await asyncio.Event().wait()


async def _tell_health(context: WorkerContext, reporter: SpoolReporter) -> None:
    """Tell the supervisor what failed or was lost: when that changed, and now and then as a sign of life."""
    told: dict[str, int | bool] = {}
    loop = asyncio.get_running_loop()
    due = 0.0
    while True:
        health = {
            "failures": context.policy.failures,
            "lost": reporter.losses.total,
            "short_of_room": reporter.is_short_of_room,
        }
        if health != told or loop.time() >= due:
            try:
                work = context.work.done + A_LOAD * context.policy.epoch
                await context.control.call("health", **health, work=work)
                told, due = health, loop.time() + SIGN_OF_LIFE
            except ControlError as error:
                log.debug("health could not be told", reason=str(error))
        await asyncio.sleep(HEALTH_INTERVAL)


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())
