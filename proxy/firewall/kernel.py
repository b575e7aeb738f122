"""Run `nft`, `ip` and `wg`: a transaction is in force whole or not at all, and a right that is missing is named."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence

_LIMIT = 20.0  # seconds; the programs answer within milliseconds
_SBIN = "/usr/sbin:/sbin:/usr/bin:/bin"


class FirewallError(RuntimeError):
    """Say why the kernel's rules could not be changed or read."""


def run_transaction(text: str) -> None:
    """Put a transaction in force. Raises FirewallError; then nothing of it is."""
    _run([_program("nft"), "-f", "-"], text)


def table_rules(table: str) -> str:
    """Return a table's rules as the kernel has them, empty when there is no such table. Raises FirewallError."""
    try:
        return _run([_program("nft"), "list", "table", "inet", table])
    except FirewallError as error:
        if "No such file or directory" in str(error):
            return ""
        raise


def run_with_input(command: Sequence[str], text: str = "") -> str:
    """Run one program of the system on a text and return what it printed. Raises FirewallError."""
    program, *arguments = command
    return _run([_program(program), *arguments], text)


def run_commands(commands: Iterable[Sequence[str]]) -> None:
    """Run commands of `ip` one after another. Raises FirewallError at the first that fails."""
    for program, *arguments in commands:
        _run([_program(program), *arguments])


def try_commands(commands: Iterable[Sequence[str]]) -> None:
    """Run commands that may find nothing to do. Raises FirewallError only when the program or the right is missing."""
    for command in commands:
        try:
            run_commands([command])
        except FirewallError as error:
            if isinstance(error, MissingRightError):
                raise


class MissingRightError(FirewallError):
    """Say that this user may not change the firewall."""


def _program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path=_SBIN)
    if path is None:
        package = {"nft": "nftables", "ip": "iproute2", "wg": "wireguard-tools"}.get(name, name)
        raise FirewallError(f"`{name}` is not installed (Debian package {package}); rules need Linux with nftables")
    return path


def _run(command: Sequence[str], text: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, with arguments of our own
            command, input=text, capture_output=True, text=True, timeout=_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise FirewallError(f"{command[0]} did not answer within {_LIMIT:.0f} s") from None
    if done.returncode == 0:
        return done.stdout
    said = " ".join(done.stderr.split()) or f"exit {done.returncode}"
    if "Operation not permitted" in said or "must be root" in said:
        raise MissingRightError("this needs CAP_NET_ADMIN: run it as root, for example with sudo")
    raise FirewallError(f"{command[0]}: {said:.500}")
