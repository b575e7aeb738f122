"""The command line: one `seawall` with subcommands, each in a file of its own and imported only when it is called.

A command does its work through the other rooms; nothing is decided here. Exit codes: 0 done, 1 failed, 2 bad input,
3 something was blocked or warned (`check`).
"""

from __future__ import annotations

import importlib

import click

# name -> (module, attribute, what `seawall --help` says)
_COMMANDS = {
    "run": ("proxy.cli.run", "run", "Start the gateway."),
    "check": (
        "proxy.cli.check",
        "check",
        "Say the verdict on domains, URLs, addresses and hashes, without any traffic.",
    ),
    "pilot": ("proxy.cli.pilot", "pilot", "Try the running gateway for real: device, phishing, malware, alerts."),
    "console": ("proxy.cli.console", "console", "Open the console in a browser, logged in."),
    "tail": ("proxy.cli.tail", "tail", "Show what is blocked as it happens."),
    "collector": ("proxy.cli.collector", "collector", "Run the collector by itself; let gateways and programs in."),
    "status": ("proxy.cli.status", "status", "Show what the running gateway is doing."),
    "config": ("proxy.cli.config", "config", "Check the configuration; print its JSON Schema."),
    "indicators": ("proxy.cli.indicators", "indicators", "List, add, remove and check custom indicators."),
    "feeds": ("proxy.cli.feeds", "feeds", "List, update and examine feeds."),
    "devices": ("proxy.cli.devices", "devices", "Enrol devices: profiles, tokens and passwords to be known by."),
    "vulnerabilities": (
        "proxy.cli.vulnerabilities",
        "vulnerabilities",
        "Say which devices run releases with known vulnerabilities.",
    ),
    "report": ("proxy.cli.report", "report", "Report what was decrypted and why, and what never is."),
    "pins": ("proxy.cli.pins", "pins", "Show and forget apps that refuse our certificate."),
    "allow": ("proxy.cli.daily", "allow", "Let a host through for a while."),
    "pause": ("proxy.cli.daily", "pause", "Stop blocking for a few minutes."),
    "resume": ("proxy.cli.daily", "resume", "End a pause early."),
    "ca": ("proxy.cli.ca", "ca", "Show, export, rotate or uninstall the certificate authority."),
    "service": ("proxy.cli.service", "service", "Run the gateway as a hardened systemd service (Linux)."),
    "protect": ("proxy.cli.protect", "protect", "Route this computer's own traffic through the gateway."),
    "firewall": ("proxy.cli.firewall", "firewall", "Route the traffic of devices behind this machine in here (Linux)."),
    "emulator": ("proxy.cli.emulator", "emulator", "Attach an Android emulator over adb, and detach it."),
}


class LazyGroup(click.Group):
    """Import a subcommand when it is named, so that `seawall check` does not pay for mitmproxy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or nothing for a name we do not have."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, _, help_text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="seawall")
def main() -> None:
    """Seawall: a local web protection gateway.

    Start it with `seawall run`, point an emulator or phone at it, and see what it blocks with `seawall console`.
    """
