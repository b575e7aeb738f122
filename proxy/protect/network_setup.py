"""The proxy settings of macOS, by `networksetup` for each network service; `scutil --proxy` tells what programs see.

Automatic configuration (a PAC address, discovery) goes before named proxies there, so it is turned off as long.
A proxy with a password cannot be read back whole, so that there nothing is begun.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping

from proxy.protect.programs import RefusedError, run
from proxy.protect.system_settings import Gate, Settings, Values
from proxy.protect.way import ProtectError

_PROXIES = ("webproxy", "securewebproxy", "socksfirewallproxy")
_AUTOMATIC, _DISCOVERY, _BYPASS = "autoproxyurl", "proxyautodiscovery", "proxybypassdomains"
_ALWAYS = ("localhost", "*.local")
_ON, _OFF = "on", "off"
_LINE = re.compile(r"^[ \t]*([A-Za-z][A-Za-z ]*?)[ \t]*:[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class NetworkSetup:
    """Read and write the settings of every network service that is enabled."""

    name = "networksetup"

    def read(self) -> Settings:
        """Return each service's settings. Raises ProtectError where a proxy has a password."""
        found: Settings = {}
        for service in _services():
            with contextlib.suppress(RefusedError):  # one that has no proxies, as some of VPNs
                found |= _settings_of(service)
        return found

    def wanted(self, now: Mapping[str, Values], gate: Gate) -> Settings:
        """Return the same services, pointed at the gateway."""
        ports = {"webproxy": gate.http, "securewebproxy": gate.http, "socksfirewallproxy": gate.socks}
        ours: Settings = {}
        for name, values in now.items():
            kind = name.partition(" ")[0]
            if kind in ports:
                ours[name] = (_ON, gate.host, str(ports[kind]))
            elif kind == _BYPASS:
                ours[name] = tuple(dict.fromkeys((*values, *_ALWAYS, *gate.bypass)))
            else:
                ours[name] = (_OFF, *values[1:])
        return ours

    def write(self, name: str, values: Values) -> None:
        """Set one thing of one service."""
        kind, _, service = name.partition(" ")
        if kind == _BYPASS:
            _networksetup(f"-set{_BYPASS}", service, *(values or ("Empty",)))
        elif kind == _DISCOVERY:
            _networksetup(f"-set{_DISCOVERY}", service, values[0])
        elif kind == _AUTOMATIC:
            if values[1]:
                _networksetup(f"-set{_AUTOMATIC}", service, values[1])
            _networksetup("-setautoproxystate", service, values[0])
        else:
            with contextlib.nullcontext() if values[1] else contextlib.suppress(ProtectError):  # none may be refused
                _networksetup(f"-set{kind}", service, values[1], values[2])  # turns it on
            _networksetup(f"-set{kind}state", service, values[0])

    def in_force(self) -> dict[str, tuple[str, int]]:
        """Return what the primary service tells programs; nothing where that is automatic configuration."""
        said = _fields(run("scutil", "--proxy"))
        if "1" in (said.get("ProxyAutoConfigEnable"), said.get("ProxyAutoDiscoveryEnable")):
            return {}
        return {
            scheme.lower(): (said.get(f"{scheme}Proxy", ""), int(said.get(f"{scheme}Port", "0")))
            for scheme in ("HTTP", "HTTPS")
            if said.get(f"{scheme}Enable") == "1"
        }


def _services() -> list[str]:
    """Return the services that are enabled; the first line of the list explains the asterisk of the others."""
    lines = _networksetup("-listallnetworkservices").splitlines()[1:]
    return [line for line in lines if line and not line.startswith("*")]


def _settings_of(service: str) -> Settings:
    domains = _networksetup(f"-get{_BYPASS}", service)
    found: Settings = {f"{_BYPASS} {service}": () if "aren't any" in domains else tuple(domains.splitlines())}
    for kind in _PROXIES:
        found[f"{kind} {service}"] = _proxy(kind, service)
    found[f"{_AUTOMATIC} {service}"] = _automatic(service)
    said = _fields(_networksetup(f"-get{_DISCOVERY}", service))
    found[f"{_DISCOVERY} {service}"] = (said.get("Auto Proxy Discovery", _OFF).lower(),)
    return found


def _proxy(kind: str, service: str) -> Values:
    said = _fields(_networksetup(f"-get{kind}", service))
    if said.get("Authenticated Proxy Enabled", "0") != "0":
        raise ProtectError(
            f"{service}: has a proxy with a password ({said.get('Server', '')}), which could not be put back after; "
            "remove its password in the system's settings, or that proxy"
        )
    return (_state(said), said.get("Server", ""), said.get("Port", "0"))


def _automatic(service: str) -> Values:
    said = _fields(_networksetup(f"-get{_AUTOMATIC}", service))
    address = said.get("URL", "")
    return (_state(said), "" if address == "(null)" else address)


def _state(said: Mapping[str, str]) -> str:
    return _ON if said.get("Enabled") == "Yes" else _OFF


def _fields(text: str) -> dict[str, str]:
    return dict(_LINE.findall(text))


def _networksetup(*words: str) -> str:
    """Ask it. Some of its refusals exit 0, and say so in what they print."""
    said = run("networksetup", *words)
    if "** Error" in said:
        raise RefusedError(f"networksetup {words[0]}: {' '.join(said.split()):.300}")
    return said
