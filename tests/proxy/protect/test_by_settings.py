"""The way by settings with the stand-in for macOS, and a front that answers as told; a whole gateway: beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proxy import endpoints
from proxy.config.model import Config
from proxy.firewall.plan import PlanError
from proxy.protect import by_settings
from proxy.protect.by_settings import BySettings
from proxy.protect.network_setup import NetworkSetup
from proxy.protect.remembered import Memory
from proxy.protect.way import ProtectError, State
from tests.support.mac_settings import MacSettings, a_service

OURS = [True, "127.0.0.1", 8080, False]
THEIRS = [True, "proxy.example", 3128, False]


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MacSettings:
    made = MacSettings(tmp_path, Wi_Fi=a_service(webproxy=THEIRS), Lan=a_service())
    monkeypatch.setenv("PATH", f"{made.folder}:/usr/bin:/bin")
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What the probe asked; the gateway answers at its own port alone."""
    questions: list[tuple[str, str, int]] = []

    async def answers(scheme: str, host: str, port: int) -> bool:
        questions.append((scheme, host, port))
        return port == 8080

    monkeypatch.setattr(by_settings, "answers_as_proxy", answers)
    return questions


def _config(folder: Path, **protect: object) -> Config:
    endpoints.write(folder / "endpoints.json", {"http_proxy": "0.0.0.0:8080", "socks": "0.0.0.0:1080"})
    return Config.model_validate({"state_dir": folder, "protect": protect})


def _way(folder: Path, start: Callable[[Path, str, str], None] = lambda folder, mark, system: None) -> BySettings:
    return BySettings(NetworkSetup(), folder, start)


def _end_after_crash(folder: Path) -> bool:
    return _way(folder).end_what_a_crash_left()


def test_on_is_proven_and_off_puts_back(mac: MacSettings, asked: list[object], tmp_path: Path) -> None:
    before, started = mac.services, list[tuple[Path, str]]()
    way = _way(tmp_path, lambda folder, mark, system: started.append((folder, system)))
    assert way.look().state is State.OFF
    way.put_up(_config(tmp_path))
    assert [mac.services[name]["webproxy"] for name in ("Wi Fi", "Lan")] == [OURS, OURS]
    assert "192.168.0.0/16" in mac.services["Lan"]["bypass"]
    assert started == [(tmp_path, "networksetup")]
    assert asked[-2:] == [("http", "127.0.0.1", 8080), ("https", "127.0.0.1", 8080)]
    assert way.look().state is State.PROTECTED
    way.take_down()
    assert mac.services == before
    way.take_down()
    assert way.look().state is State.OFF


def test_closed_needs_no_keeper(mac: MacSettings, asked: list[object], tmp_path: Path) -> None:
    def start(folder: Path, mark: str, system: str) -> None:
        raise AssertionError("nobody need be alive")

    way = _way(tmp_path, start)
    way.put_up(_config(tmp_path, on_crash="closed"))
    assert not _end_after_crash(tmp_path), "the settings stay as they are"
    assert mac.services["Lan"]["webproxy"] == OURS


def test_on_once_more_remembers_what_was_first(mac: MacSettings, asked: list[object], tmp_path: Path) -> None:
    before, way = mac.services, _way(tmp_path)
    way.put_up(_config(tmp_path))
    first = Memory(tmp_path).load()
    way.put_up(_config(tmp_path))
    second = Memory(tmp_path).load()
    assert first and second and first.mark != second.mark
    assert first.before == second.before
    way.take_down()
    assert mac.services == before


def test_a_proxy_that_is_the_gateway_already_is_not_put_back(
    mac: MacSettings, asked: list[object], tmp_path: Path
) -> None:
    """The state directory was removed while the settings led here."""
    mac.tell(services={"Wi-Fi": a_service(webproxy=OURS)})
    way = _way(tmp_path)
    way.put_up(_config(tmp_path))
    way.take_down()
    assert mac.services["Wi-Fi"]["webproxy"][0] is False


def test_what_somebody_else_has_set_meanwhile_stays(mac: MacSettings, asked: list[object], tmp_path: Path) -> None:
    way = _way(tmp_path)
    way.put_up(_config(tmp_path))
    now = mac.services
    other = [True, "other.example", 1, False]
    mac.tell(services={"Wi Fi": {**now["Wi Fi"], "securewebproxy": other}})  # and one service has gone
    way.take_down()
    assert mac.services == {"Wi Fi": a_service(webproxy=THEIRS, securewebproxy=other)}


@pytest.mark.parametrize("why", ["keeper", "probe", "told otherwise"])
def test_what_cannot_be_proven_is_put_back(
    mac: MacSettings, asked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    before = mac.services

    def start(folder: Path, mark: str, system: str) -> None:
        if why == "keeper":
            raise ProtectError("nobody answers")

    async def never(scheme: str, host: str, port: int) -> bool:
        return False

    if why == "probe":
        monkeypatch.setattr(by_settings, "answers_as_proxy", never)
    if why == "told otherwise":  # by a configuration profile, say
        monkeypatch.setattr(NetworkSetup, "in_force", lambda self: {"http": ("127.0.0.1", 8080)})
    with pytest.raises(ProtectError, match="nobody answers" if why == "keeper" else "a probe was not intercepted"):
        _way(tmp_path, start).put_up(_config(tmp_path))
    assert mac.services == before
    assert Memory(tmp_path).load() is None


def test_where_the_system_refuses_half_way_all_is_put_back(
    mac: MacSettings, asked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = mac.services, NetworkSetup.write

    def refusing(self: NetworkSetup, name: str, values: tuple[str, ...]) -> None:
        if name == "securewebproxy Lan" and values[0] == "on":
            raise ProtectError("no")
        write(self, name, values)

    monkeypatch.setattr(NetworkSetup, "write", refusing)
    with pytest.raises(ProtectError, match="no"):
        _way(tmp_path).put_up(_config(tmp_path))
    assert mac.services == before


def test_a_keeper_puts_back_and_points_here_again(mac: MacSettings, asked: list[object], tmp_path: Path) -> None:
    before, way = mac.services, _way(tmp_path)
    way.put_up(_config(tmp_path))
    remembered = Memory(tmp_path).load()
    assert remembered
    calls = mac.calls
    assert way.turn(remembered.mark, here=True)
    assert mac.calls == calls, "nothing to change"
    assert way.turn(remembered.mark, here=False)
    assert way.turn(remembered.mark, here=False)
    assert mac.services == before
    assert way.look().applied is False
    assert way.turn(remembered.mark, here=True)
    assert mac.services["Lan"]["webproxy"] == OURS
    assert not way.turn("of another", here=False)
    way.take_down()
    assert not way.turn(remembered.mark, here=True)
    assert mac.services == before


def test_the_next_start_ends_what_a_crash_of_everything_left(
    mac: MacSettings, asked: list[object], tmp_path: Path
) -> None:
    before = mac.services
    assert not _end_after_crash(tmp_path)
    _way(tmp_path).put_up(_config(tmp_path))
    with Memory(tmp_path).keeping():
        assert not _end_after_crash(tmp_path), "its keeper lives"
    assert _end_after_crash(tmp_path)
    assert mac.services == before
    assert not _end_after_crash(tmp_path)


def test_a_crash_between_remembering_and_the_last_change_can_be_undone(
    mac: MacSettings, asked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, way = mac.services, _way(tmp_path)
    way.put_up(_config(tmp_path))
    half = mac.services
    half["Lan"] = before["Lan"]
    mac.tell(services=half)
    remembered = Memory(tmp_path).load()
    assert remembered
    Memory(tmp_path).save(replace(remembered, in_force=False))
    assert way.turn(remembered.mark, here=True)
    assert mac.services["Lan"]["webproxy"] == OURS
    way.take_down()
    assert mac.services == before


def test_programs_are_given_no_password_to_send(mac: MacSettings, tmp_path: Path) -> None:
    config = Config.model_validate({"state_dir": tmp_path, "proxy": {"credentials": "required"}})
    with pytest.raises(PlanError, match=r"proxy\.credentials"):
        _way(tmp_path).put_up(config)
    with pytest.raises(ProtectError, match="no gateway is running"):
        _way(tmp_path).put_up(Config(state_dir=tmp_path))


def test_what_a_crash_means_is_said_plainly(tmp_path: Path) -> None:
    way = _way(tmp_path)
    assert "goes out unprotected" in way.after_crash("open")
    assert "reach nothing" in way.after_crash("closed")
