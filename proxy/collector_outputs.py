"""Turn `outputs:` of config.yaml into the collector's settings; each webhook gets a signing key of its own."""

from __future__ import annotations

from collector.outputs.settings import Format, OutputSettings, Send
from proxy.config.model import Config
from proxy.config.sections.outputs import OutputConfig
from proxy.secrets import output_key
from proxy.state import StateDir


def outputs_of(config: Config, state: StateDir) -> tuple[OutputSettings, ...]:
    """Return every output. Raises PermissionError or ValueError where a signing key cannot be used."""
    return tuple(_of(one, state) for one in config.outputs)


def _of(one: OutputConfig, state: StateDir) -> OutputSettings:
    return OutputSettings(
        name=one.name,
        url=one.webhook or one.syslog or "",
        format=Format(one.format or ("json" if one.webhook else "text")),
        send=tuple(Send(word) for word in one.send),
        secret=output_key(state, one.name) if one.webhook else b"",
        trust=str(one.trust) if one.trust else "",
    )
