"""What `seawall devices add` and `rotate` do with new credentials: compose the files, write them, show the rest once.

The operation has been done when this begins, so whatever can be wrong with the options is found by `check` before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import click

from addons.notice import duration
from proxy import ca
from proxy.cli.console import reached
from proxy.cli.daily import Duration
from proxy.cli.options import load_or_exit
from proxy.collector_link import CollectorLink
from proxy.devices.credentials import NewCredentials
from proxy.enrolment import coverage, kit
from proxy.enrolment.folder import default_folder, put
from proxy.enrolment.kit import Enrolment, HandedFile, Signer
from proxy.enrolment.link import Offering, link_for
from proxy.enrolment.places import places_of
from proxy.enrolment.running import as_bound
from proxy.enrolment.signing import signer_from
from proxy.enrolment.tunnel import tunnel_of
from proxy.profiles.qr import as_svg, for_terminal
from proxy.profiles.wireguard import tunnel_name
from proxy.secrets import load_or_create
from proxy.state import StateDir

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_OPTIONS = (
    click.option("--out", type=_FOLDER, metavar="DIR", help="Folder for its files.  [default: enrolled-NAME]"),
    click.option("--gateway", default="", metavar="HOST", help="Name or address by which devices reach this gateway."),
    click.option("--link", is_flag=True, help="Make a link of the console that hands all out once; write no files."),
    click.option("--expires", type=Duration(), default="1h", show_default=True, help="How long the link works."),
    click.option("--keep-key", is_flag=True, help="Keep the tunnel's private key in the state directory."),
    click.option("--with-dns", is_flag=True, help="Put encrypted DNS beside the tunnel in Apple profiles."),
    click.option("--locked", is_flag=True, help="Apple: nobody but an administrator removes the profile."),
    click.option("--sign-cert", type=_FILE, metavar="FILE", help="Sign Apple profiles: certificate (PEM)."),
    click.option("--sign-key", type=_FILE, metavar="FILE", help="Sign Apple profiles: its key (PEM)."),
)


def options[Command: Callable[..., object]](command: Command) -> Command:
    """Add the options that say what is handed out, and how."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(slots=True)
class HandingOut:
    """Hold the options. As a context it turns what can go wrong into one line for a person."""

    config_path: Path
    as_json: bool
    out: Path | None = None
    gateway: str = ""
    link: bool = False
    expires: timedelta = timedelta(hours=1)
    keep_key: bool = False
    with_dns: bool = False
    locked: bool = False
    sign_cert: Path | None = None
    sign_key: Path | None = None
    replace: bool = False
    signer: Signer | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Say what was wrong and exit 1."""
        if isinstance(error, OSError | ValueError):
            raise click.ClickException(str(error)) from None

    @property
    def writes(self) -> bool:
        """Say whether files are written: a link carries them, unless a folder is named as well."""
        return self.out is not None or not self.link

    def check(self, name: str = "") -> None:
        """Read what signs, and see that the files have room. Raises ValueError or OSError before anything changes."""
        self.signer = signer_from(self.sign_cert, self.sign_key)
        if self.link:
            _collector(self.config_path)
        folder = self.out or default_folder(tunnel_name(name))
        if not self.writes:
            return
        if not self.replace and folder.exists() and any(folder.iterdir()):
            raise FileExistsError(f"{folder}: holds files already; move them away, or name another folder with --out")


def hand_out(how: HandingOut, reply: Mapping[str, Any]) -> None:
    """Write the files of a new enrolment, and show what is shown once."""
    one = _enrolment(how, reply)
    files = kit.files_of(one)
    folder = how.out or default_folder(one.short)
    paths = put(folder, files, replace=how.replace) if how.writes else []
    link = asyncio.run(link_for(_offering(one, files, how.expires), _collector(how.config_path))) if how.link else ""
    shown = {
        **reply["device"],
        **reply["given"],
        **kit.uses_of(one),
        "emulator": kit.emulator_of(one),
        "files": [str(path) for path in paths],
        "coverage": coverage.as_json(coverage.coverage_of(reply["device"]["credentials"])),
        **({"link": link} if link else {}),
        **({"conf": one.conf, "private_key": one.tunnel.private_key} if one.tunnel else {}),
    }
    if how.as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    _show(one, shown, [file.purpose for file in files])
    if link:
        _show_link(link, how.expires)


def _enrolment(how: HandingOut, reply: Mapping[str, Any]) -> Enrolment:
    loaded = load_or_exit(how.config_path, with_indicators=False).config
    state = StateDir(loaded.state_dir)
    config = as_bound(loaded, state)
    given, device = NewCredentials(**reply["given"]), reply["device"]
    return Enrolment(
        device_id=device["id"],
        name=device["name"],
        given=given,
        places=places_of(config, given.token, how.gateway),
        authority=ca.load_or_create(state, datetime.now(UTC)).encoded(),
        tunnel=tunnel_of(reply.get("tunnel"), how.gateway),
        signer=how.signer,
        with_dns=how.with_dns,
        locked=how.locked,
    )


_LABELS = (("doh", "DNS over HTTPS"), ("dot", "DNS over TLS"), ("proxy", "proxy"), ("pac", "PAC file"))


def _show(one: Enrolment, shown: Mapping[str, Any], purposes: list[str]) -> None:
    if one.tunnel:
        click.echo(kit.qr_of(one))
    click.echo(f"{one.name} ({shown['id']}), group {shown['group']}")
    click.echo("\nShown once, so set the device up now:")
    for name, label in _LABELS:
        if name in shown:
            click.echo(f"  {label:<16}{shown[name]}")
    if shown["files"]:
        click.echo("\nFiles (secrets are in them; delete them when the device is set up):")
    for path, purpose in zip(shown["files"], purposes, strict=False):
        click.echo(f"  {path}  {purpose}")
    click.echo("\nAn Android emulator, from its host:")
    for line in shown["emulator"]:
        click.echo(f"  {line}")
    click.echo(
        f"\nThen open http://seawall.internal/ on the device: it tests itself. `seawall devices show {shown['id']}`"
    )
    click.echo("says what is seen of it, and what is missed.")


def _show_link(link: str, lasts: timedelta) -> None:
    click.echo(f"\nThis link sets the device up once, within {duration(lasts)}:\n  {link}\n{for_terminal(link)}")
    if urlsplit(link).hostname in ("127.0.0.1", "::1", "localhost"):
        click.echo(
            "It opens on this computer alone: for other devices set `collector.host` and `collector.allowed_hosts`."
        )


def _offering(one: Enrolment, files: list[HandedFile], lasts: timedelta) -> Offering:
    codes = [HandedFile("qr.svg", as_svg(one.conf).encode(), "image/svg+xml", "QR code")] if one.tunnel else []
    return Offering(one.name, [*files, *codes], kit.uses_of(one), lasts)


def _collector(config_path: Path) -> CollectorLink:
    loaded = load_or_exit(config_path, with_indicators=False)
    state = StateDir(loaded.config.state_dir)
    state.prepare()
    return reached(loaded, load_or_create(state).admin_token)
