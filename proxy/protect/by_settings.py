"""The way by system proxy settings: remember, point at the gateway, prove, put back. The system itself: its port.

What somebody else has set meanwhile is theirs and stays. Programs that do not heed such settings go past us, and so
does DNS: this way covers less than rules in the kernel do.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from proxy import endpoints
from proxy.config.model import Config
from proxy.firewall.plan import PlanError
from proxy.protect.probe import answers_as_proxy
from proxy.protect.remembered import Memory, Remembered
from proxy.protect.running import running_endpoints
from proxy.protect.system_settings import Gate, Settings, SystemSettings, change
from proxy.protect.way import Found, OnCrash, ProtectError, found

_TRIES = 3  # probes
_SCHEMES = ("http", "https")


class BySettings:
    """Point the system's proxy settings at the gateway, and put back what was set before."""

    name = "settings"

    def __init__(
        self, settings: SystemSettings, state_dir: Path, start_keeper: Callable[[Path, str, str], None]
    ) -> None:
        self._settings = settings
        self._state_dir = state_dir
        self._start_keeper = start_keeper
        self._memory = Memory(state_dir)

    def put_up(self, config: Config) -> None:
        """Point the settings here and prove it. Raises PlanError or ProtectError; then all is as before."""
        gate = gate_of(config)
        mark = secrets.token_hex(6)
        try:
            self._begin(mark, gate, config.protect.on_crash)
            if config.protect.on_crash == "open":
                self._start_keeper(self._state_dir, mark, self._settings.name)
            asyncio.run(self._prove())
        except BaseException:
            self.take_down()
            raise

    def take_down(self) -> None:
        """Put back what was set before, as far as it is still ours."""
        if self._memory.load() is None:  # also where there is no state directory
            return
        with self._memory.turn():
            if remembered := self._memory.load():
                self._put_back(remembered)
                self._memory.forget()

    def look(self) -> Found:
        """Say how things stand: whether what programs are told leads to a gateway that answers."""
        remembered = self._memory.load()
        return found(
            applied=remembered is not None and remembered.in_force, intercepted=asyncio.run(self._is_intercepted())
        )

    def after_crash(self, on_crash: OnCrash) -> str:
        """Say what happens to traffic while the gateway is down."""
        if on_crash == "open":
            return "open: the settings from before are put back within seconds, and traffic goes out unprotected"
        return "closed: the settings stay as they are, and programs that heed them reach nothing"

    def turn(self, mark: str, *, here: bool) -> bool:
        """Point the settings here, or put them back, for the protection with this mark; false when that has ended."""
        with self._memory.turn():
            remembered = self._memory.load()
            if remembered is None or remembered.mark != mark:
                return False
            if here and not remembered.in_force:
                self._point(remembered)
            elif remembered.in_force and not here:
                self._put_back(remembered)
                self._memory.save(replace(remembered, in_force=False))
            return True

    def end_what_a_crash_left(self) -> bool:
        """Put back what an `open` protection left when its keeper died too; say whether there was one."""
        remembered = self._memory.load()
        if remembered is None or remembered.on_crash == "closed" or self._memory.is_kept():
            return False
        self.take_down()
        return True

    def _begin(self, mark: str, gate: Gate, on_crash: OnCrash) -> None:
        with self._memory.turn():
            if earlier := self._memory.load():  # its `before` is what is to come back, not its own settings
                self._put_back(earlier)
            now = self._settings.read()
            before = {name: _unless_ours(values, gate) for name, values in now.items()}
            ours = self._settings.wanted(before, gate)
            self._point(Remembered(mark, self._settings.name, on_crash, gate, before, ours, in_force=True), now)

    def _point(self, remembered: Remembered, now: Settings | None = None) -> None:
        self._memory.save(replace(remembered, in_force=True))  # first: a crash from here on can be undone
        change(self._settings, self._settings.read() if now is None else now, remembered.ours.items())

    def _put_back(self, remembered: Remembered) -> None:
        now = self._settings.read()
        still_ours = [name for name, values in remembered.ours.items() if now.get(name) == values]
        change(self._settings, now, ((name, remembered.before[name]) for name in still_ours))

    async def _prove(self) -> None:
        for _ in range(_TRIES):
            if await self._is_intercepted():
                return
        raise ProtectError(
            "the settings led here, and a probe was not intercepted; they are put back. Is the gateway running, and "
            "does no configuration profile or VPN say which proxy programs use?"
        )

    async def _is_intercepted(self) -> bool:
        """Say whether each kind of traffic, sent as programs are told to, is answered by the gateway."""
        told = self._settings.in_force()
        return all([scheme in told and await answers_as_proxy(scheme, *told[scheme]) for scheme in _SCHEMES])


def gate_of(config: Config) -> Gate:
    """Return where the running gateway's proxies are. Raises PlanError, and ProtectError where none runs."""
    if config.proxy.credentials == "required":
        raise PlanError("proxy.credentials: is `required`; the system's settings give programs no password to send")
    running = running_endpoints(config)
    host, http = endpoints.split(running["http_proxy"])
    _, socks = endpoints.split(running["socks"])
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return Gate(reached, http, socks, tuple(str(network) for network in config.protect.bypass))


def _unless_ours(values: tuple[str, ...], gate: Gate) -> tuple[str, ...]:
    """Take a proxy that is the gateway already for none: put back, it would lead nowhere one day."""
    is_ours = values[1:] in ((gate.host, str(gate.http)), (gate.host, str(gate.socks)))
    return ("off", "", "0") if is_ours else values
