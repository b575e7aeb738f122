from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.config.model import Config
from proxy.config_wire import from_wire, to_wire


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config.model_validate(
            {
                "state_dir": "/somewhere/else",
                "proxy": {"host": "::1", "port": 0, "transparent_port": 9},
                "dns": {
                    "hosts": {"a.test": "127.0.0.1", "b.test": ["192.0.2.1", "2001:db8::1"]},
                    "allow_clients": ["::/0"],
                },
                "feeds": [{"name": "x", "path": "/list", "interval": "6h", "category": "phishing", "enabled": False}],
                "policy": {"mode": "audit", "on_error": "open", "waiver": "90s"},
                "inspect": ["a.example"],
            }
        ),
    ],
    ids=["defaults", "all kinds of values"],
)
def test_a_worker_gets_exactly_what_the_supervisor_has(config: Config) -> None:
    assert from_wire(json.loads(json.dumps(to_wire(config)))) == config


def test_custom_indicators_stay_behind() -> None:
    config = Config(indicators=({"block": "evil.example"},), indicator_files=(Path("/x.yaml"),))
    assert "evil" not in json.dumps(to_wire(config))
    assert from_wire(to_wire(config)).indicators == ()


def test_what_is_no_configuration_is_refused() -> None:
    with pytest.raises(ValueError, match="dns"):
        from_wire({"dns": 3})
