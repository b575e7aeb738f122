"""Write the systemd unit as text, from the configuration. Pure; nothing is installed or started here.

The unit runs the gateway as `user:` from the start, so that it never is root, and closes all that it does not use. Only
what the configuration needs is opened again: low ports, TPROXY.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proxy.config.model import Config
from proxy.privileges import low_ports

NAME = "seawall.service"


class UnitError(ValueError):
    """Say what a unit cannot be made from."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Hold where things stand: the interpreter, the folder of the program, the configuration."""

    python: Path
    program: Path
    config: Path


def unit(config: Config, paths: Paths) -> str:
    """Return the unit file. Raises UnitError without `user:`, or for a path that a unit cannot name."""
    if config.user in ("", "root"):
        raise UnitError("user: set the user that the service is to run as, such as `user: seawall`")
    for path in (paths.python, paths.program, paths.config, config.state_dir):
        if any(letter in str(path) for letter in "\n\"'\\") or not path.is_absolute():
            raise UnitError(f"{path}: a unit needs absolute paths without quotes")
    return _TEMPLATE.format(
        user=config.user,
        python=_quoted(paths.python),
        program=_escaped(paths.program),
        config=_quoted(paths.config),
        state=_escaped(config.state_dir),
        capabilities=" ".join(_capabilities(config)),
    )


def _capabilities(config: Config) -> list[str]:
    found = ["CAP_NET_BIND_SERVICE"] if low_ports(config) else []
    return [*found, "CAP_NET_ADMIN"] if config.proxy.tproxy_port is not None else found


def _escaped(path: Path) -> str:
    """Double `%`, which begins a specifier (systemd.unit(5))."""
    return str(path).replace("%", "%%")


def _quoted(path: Path) -> str:
    return f'"{_escaped(path)}"'.replace("$", "$$")  # `$` begins a variable in a command line (systemd.service(5))


_TEMPLATE = """\
# Written by `seawall service install`. Changes belong in a drop-in: systemctl edit seawall
[Unit]
Description=Seawall web protection gateway
Documentation=man:systemd.exec(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User={user}
WorkingDirectory={program}
ExecStart={python} -m proxy.cli run --config {config}
Restart=always
RestartSec=2
TimeoutStopSec=20
LimitNOFILE=65536
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
ProtectSystem=strict
ReadWritePaths={state}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""
