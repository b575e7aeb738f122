"""Outputs of config.yaml become the collector's settings; each webhook has a key of its own that stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.outputs.settings import Format, Send
from proxy.collector_outputs import outputs_of
from proxy.config.model import Config
from proxy.state import StateDir

OUTPUTS = [
    {"name": "soc", "webhook": "https://hooks.example/x"},
    {"name": "siem", "syslog": "tls://siem.example:6514", "format": "ocsf", "send": ["audit"], "trust": "/ca.pem"},
]


def test_each_output_is_taken_over(tmp_path: Path):
    state = StateDir(tmp_path / "state")
    state.prepare()
    config = Config.model_validate({"outputs": OUTPUTS})
    soc, siem = outputs_of(config, state)
    assert (soc.format, soc.send, soc.is_webhook) == (Format.JSON, (Send.ALERTS, Send.RISK), True)
    assert (siem.format, siem.send, siem.trust, siem.secret) == (Format.OCSF, (Send.AUDIT,), "/ca.pem", b"")
    key = state.secrets / "output_soc"
    assert soc.secret == key.read_text().strip().encode()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert soc.secret.decode() not in repr(soc)
    assert outputs_of(config, state)[0].secret == soc.secret


@pytest.mark.parametrize("address", ["siem.example:514", "https://x", "udp://a b", "tcp://user@host", "tls://x/y"])
def test_syslog_addresses_that_are_refused(address: str):
    with pytest.raises(ValidationError, match="expected an address such as"):
        Config.model_validate({"outputs": [{"name": "a", "syslog": address}]})
