"""Stand in for `networksetup` and `scutil` of macOS: two programs that keep the settings of each service in one file.

They print and take what Apple's do, as far as is publicly known; nothing here was compared with a Mac.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_PROGRAM = """#!@PYTHON@
import json, os, sys
PATH = "@PATH@"
KEYS = {"webproxy": "HTTP", "securewebproxy": "HTTPS", "socksfirewallproxy": "SOCKS"}

def proxy(one):
    enabled, server, port, password = one
    return (f"Enabled: {'Yes' if enabled else 'No'}\\nServer: {server}\\nPort: {port}\\n"
            f"Authenticated Proxy Enabled: {int(password)}")

def scutil(state):
    service = next(one for one in state["services"].values() if one["enabled"])
    print("<dictionary> {")
    print("  ExceptionsList : <array> {")
    for number, domain in enumerate(service["bypass"]):
        print(f"    {number} : {domain}")
    print("  }\\n  FTPPassive : 1")
    for kind, key in KEYS.items():
        enabled, server, port, _ = service[kind]
        print(f"  {key}Enable : {int(enabled)}")
        if enabled:
            print(f"  {key}Port : {port}\\n  {key}Proxy : {server}")
    print(f"  ProxyAutoConfigEnable : {int(service['auto'][0])}")
    print(f"  ProxyAutoDiscoveryEnable : {int(service['discovery'])}")
    print("}")

def networksetup(state, what, service="", *words):
    if what == "-listallnetworkservices":
        print("An asterisk (*) denotes that a network service is disabled.")
        for name, one in state["services"].items():
            print(name if one["enabled"] else f"*{name}")
        return
    if service not in state["services"]:
        print(f"{service} is not a recognized network service.\\n** Error: The parameters were not valid.")
        sys.exit(4)
    one = state["services"][service]
    if one.get("has_no_proxies"):
        print("** Error: Unable to find item in network database.")
        sys.exit(7)
    if what.startswith("-set") and state.get("refuses"):
        print("** Error: Command requires admin privileges.")
        sys.exit(14)
    verb, kind = what[1:4], what[4:]
    if kind in KEYS and verb == "get":
        print(proxy(one[kind]))
    elif kind in KEYS and not words[0] and state.get("wants_a_server"):
        print("** Error: The parameters were not valid.")
        sys.exit(4)
    elif kind in KEYS:
        one[kind] = [True, words[0], int(words[1]), False]
    elif kind.removesuffix("state") in KEYS:
        one[kind.removesuffix("state")][0] = words[0] == "on"
    elif kind == "proxybypassdomains" and verb == "get":
        print("\\n".join(one["bypass"]) or f"There aren't any bypass domains set on {service}.")
    elif kind == "proxybypassdomains":
        one["bypass"] = [] if words == ("Empty",) else list(words)
    elif kind == "autoproxyurl" and verb == "get":
        print(f"URL: {one['auto'][1] or '(null)'}\\nEnabled: {'Yes' if one['auto'][0] else 'No'}")
    elif kind == "autoproxyurl":
        one["auto"] = [True, words[0]]
    elif kind == "autoproxystate":
        one["auto"][0] = words[0] == "on"
    elif kind == "proxyautodiscovery" and verb == "get":
        print(f"Auto Proxy Discovery: {'On' if one['discovery'] else 'Off'}")
    elif kind == "proxyautodiscovery":
        one["discovery"] = words[0] == "on"
    else:
        print("** Error: The parameters were not valid.")
        sys.exit(4)
    state["calls"] += verb == "set"
    with open(PATH + ".draft", "w") as file:
        json.dump(state, file)
    os.replace(PATH + ".draft", PATH)

with open(PATH) as file:
    state = json.load(file)
if os.path.basename(sys.argv[0]) == "scutil":
    assert sys.argv[1:] == ["--proxy"]
    scutil(state)
else:
    networksetup(state, *sys.argv[1:])
"""


def a_service(**other: Any) -> dict[str, Any]:
    """Return a service with nothing set but the bypass domains that a new one has."""
    none = [False, "", 0, False]
    return {
        "enabled": True,
        "webproxy": none,
        "securewebproxy": none,
        "socksfirewallproxy": none,
        "bypass": ["*.local", "169.254/16"],
        "auto": [False, ""],
        "discovery": False,
        **other,
    }


class MacSettings:
    """Stand in for both programs in a folder that goes on PATH; the first enabled service is the primary one."""

    def __init__(self, folder: Path, **services: dict[str, Any]) -> None:
        self.folder = folder / "mac"
        self._path = self.folder / "settings.json"
        self.folder.mkdir()
        for name in ("networksetup", "scutil"):
            program = self.folder / name
            program.write_text(_PROGRAM.replace("@PYTHON@", sys.executable).replace("@PATH@", str(self._path)))
            program.chmod(0o755)
        self.tell(services={name.replace("_", " "): one for name, one in services.items()}, calls=0)

    def tell(self, **change: Any) -> None:
        """Change what the programs keep, as a person at the system's settings would."""
        kept = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._path.write_text(json.dumps({**kept, **change}))

    @property
    def services(self) -> dict[str, Any]:
        """Return each service as it is now."""
        services: dict[str, Any] = json.loads(self._path.read_text())["services"]
        return services

    @property
    def calls(self) -> int:
        """Return how many changes were made."""
        calls: int = json.loads(self._path.read_text())["calls"]
        return calls
