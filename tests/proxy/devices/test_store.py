"""The registry: what its writer keeps, what a reader sees of it and when, and that no secret is stored."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.config.sections.wireguard import WireguardConfig
from proxy.devices import DeviceDirectory, published, store
from proxy.devices.credentials import NewCredentials, token_of
from proxy.devices.published import PublishedRegistry
from proxy.devices.record import DeviceRecord, described, from_json, to_json
from proxy.devices.seats import Seats
from proxy.devices.store import DeviceStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = bytes(range(32))
PEER = "c2Vhd2FsbA" * 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "devices.json"


@pytest.fixture
def devices(path: Path) -> DeviceStore:
    return DeviceStore(path, KEY, lambda: NOW)


@pytest.fixture
def directory(path: Path) -> DeviceDirectory:
    """A directory as another process has it."""
    return DeviceDirectory("installation", PublishedRegistry(path), KEY)


def test_what_a_device_shows_makes_it_known(devices: DeviceStore, directory: DeviceDirectory) -> None:
    assert not directory.has_devices
    record, given = devices.add("Anna's phone", "children")
    devices.give_peer_key("anna's PHONE", PEER)
    expected = Device(record.id, "Anna's phone", "children", IdentifiedBy.TOKEN, "192.0.2.1", "doh")
    assert directory.by_token(given.token, "::ffff:192.0.2.1", "doh") == expected
    assert directory.by_token(given.token.upper(), "192.0.2.1", "doh") == expected
    by_credentials = directory.by_credentials(given.user, given.password, "192.0.2.1", "http")
    assert by_credentials is not None
    assert (by_credentials.id, by_credentials.identified_by) == (record.id, IdentifiedBy.CREDENTIAL)
    by_key = directory.by_peer_key(PEER, "10.7.0.2", "wireguard")
    assert by_key is not None
    assert (by_key.id, by_key.identified_by, by_key.address) == (record.id, IdentifiedBy.WIREGUARD, "10.7.0.2")
    assert directory.has_devices


@pytest.mark.parametrize(
    ("show", "why"),
    [
        (lambda d, g: d.by_token(g.token[:-1] + ("a" if g.token[-1] != "a" else "b"), "", ""), "one letter is wrong"),
        (lambda d, g: d.by_token("", "", ""), "no token"),
        (lambda d, g: d.by_token(g.password, "", ""), "a password is no token"),
        (lambda d, g: d.by_token(g.token + "a" * 1000, "", ""), "too long"),
        (lambda d, g: d.by_token("ä" * 26, "", ""), "not of the alphabet"),
        (lambda d, g: d.by_credentials(g.user, g.token, "", ""), "a token is no password"),
        (lambda d, g: d.by_credentials(g.user, "", "", ""), "no password"),
        (lambda d, g: d.by_credentials("device-00000000", g.password, "", ""), "another user"),
        (lambda d, g: d.by_peer_key("", "", ""), "no key"),
        (lambda d, g: d.by_peer_key(PEER, "", ""), "nobody's key"),
        (lambda d, g: DeviceDirectory("i").by_token(g.token, "", ""), "no registry"),
        (lambda d, g: DeviceDirectory("i").by_credentials(g.user, g.password, "", ""), "no registry"),
        (lambda d, g: DeviceDirectory("i").by_peer_key(PEER, "", ""), "no registry"),
    ],
    ids=range(13),
)
def test_what_is_not_known_is_no_device(
    devices: DeviceStore,
    directory: DeviceDirectory,
    show: Callable[[DeviceDirectory, NewCredentials], Device | None],
    why: str,
) -> None:
    _, given = devices.add("phone")
    assert show(directory, given) is None, why


def test_a_change_is_seen_by_the_next_look(devices: DeviceStore, directory: DeviceDirectory) -> None:
    def found(given: NewCredentials) -> str | None:
        device = directory.by_token(given.token, "", "doh")
        return device and f"{device.name}/{device.group}"

    first, old = devices.add("phone")
    devices.add("tablet")
    assert found(old) == "phone/default"
    assert devices.rename("phone", " new  phone ").id == first.id
    assert found(old) == "new phone/default"
    devices.move("new phone", "children")
    assert found(old) == "new phone/children"
    _, new = devices.rotate("new phone")
    assert (found(old), found(new)) == (None, "new phone/children")
    assert directory.by_credentials(old.user, old.password, "", "") is None
    assert devices.revoke(first.id).id == first.id
    assert found(new) is None
    assert [one.name for one in devices.records()] == ["tablet"]


def test_no_secret_is_stored_and_the_file_is_private(devices: DeviceStore, path: Path) -> None:
    record, given = devices.add("phone")
    text = path.read_text()
    assert given.token not in text
    assert given.password not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    shown = described(record)
    assert shown["credentials"] == ["token", "proxy"]
    assert not {record.token, record.password} & {str(value) for value in shown.values()}


def test_another_installation_knows_nobody(devices: DeviceStore, path: Path) -> None:
    _, given = devices.add("phone")
    other = DeviceDirectory("installation", PublishedRegistry(path), bytes(32))
    assert other.by_token(given.token, "", "") is None


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda d: d.add("PHONE"), "another device is called"),
        (lambda d: d.add("  "), "1 to 64 printable characters"),
        (lambda d: d.add("a" * 65), "1 to 64 printable characters"),
        (lambda d: d.add("a\x1b[2J"), "1 to 64 printable characters"),
        (lambda d: d.add("other", "Children!"), "a group's name is written with"),
        (lambda d: d.rename("tablet", "Phone"), "another device is called"),
        (lambda d: d.move("phone", ""), "a group's name is written with"),
        (lambda d: d.revoke("nobody"), "no device is called 'nobody'"),
        (lambda d: d.rotate("nobody"), "no device is called 'nobody'"),
        (lambda d: d.give_peer_key("tablet", PEER), "another device has this key"),
    ],
    ids=range(10),
)
def test_a_change_that_cannot_be_changes_nothing(
    devices: DeviceStore, path: Path, act: Callable[[DeviceStore], object], reason: str
) -> None:
    devices.add("phone")
    devices.add("tablet")
    devices.give_peer_key("phone", PEER)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=reason):
        act(devices)
    assert path.read_bytes() == before


def test_there_is_an_end_to_devices(devices: DeviceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_DEVICES", 1)
    devices.add("phone")
    with pytest.raises(ValueError, match="revoke some"):
        devices.add("tablet")


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        '{"version": 1}',
        '{"version": 2, "devices": []}',
        '{"version": 1, "devices": [{}]}',
        '{"version": 1, "devices": [7]}',
        '{"version": 1, "devices": [{"id": "a", "name": "b", "created": "yesterday"}]}',
    ],
)
def test_a_damaged_file_leaves_the_last_good_registry(
    devices: DeviceStore, directory: DeviceDirectory, path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, given = devices.add("phone")
    assert directory.by_token(given.token, "", "")
    draft = path.with_suffix(".new")
    draft.write_text(damage)
    draft.replace(path)
    assert directory.by_token(given.token, "", "")
    assert str(path) in caplog.text
    with pytest.raises(ValueError, match=r"devices\.json: is"):
        devices.records()


def test_a_folder_that_cannot_be_looked_into_changes_nothing(
    devices: DeviceStore, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    devices.add("phone")
    registry = PublishedRegistry(path)
    assert len(registry.current().records) == 1

    def refuse(_: object) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(published.os, "stat", refuse)
        assert len(registry.current().records) == 1
    assert "Permission denied" in caplog.text


def test_a_registry_that_is_gone_knows_nobody(devices: DeviceStore, directory: DeviceDirectory, path: Path) -> None:
    _, given = devices.add("phone")
    assert directory.by_token(given.token, "", "")
    path.unlink()
    assert directory.by_token(given.token, "", "") is None


def test_a_record_comes_back_from_json() -> None:
    record = DeviceRecord("1", "phone", NOW, "children", "t", "u", "p", PEER)
    assert from_json({**to_json(record), "of a later version": 1}) == record
    assert record.credentials == ("token", "proxy", "wireguard")


def test_a_token_is_one_dns_label_of_128_bits(devices: DeviceStore) -> None:
    tokens = {devices.add(f"phone {number}")[1].token for number in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {26}
    assert all(token_of(token.upper()) == token for token in tokens)


def test_an_address_inside_the_tunnel_is_its_device_until_the_key_is_taken_away(
    path: Path, directory: DeviceDirectory
) -> None:
    devices = DeviceStore(path, KEY, lambda: NOW, Seats.of(WireguardConfig()))
    assert directory.by_peer_address("10.87.0.2", "wireguard") is None
    record, _ = devices.add("phone", peer_key=PEER)
    assert record.addresses == ("10.87.0.2", "fd87:5ea:11::2")
    for spelling in ("10.87.0.2", "::ffff:10.87.0.2", "fd87:05ea:11:0::2"):
        found = directory.by_peer_address(spelling, "wireguard")
        assert found is not None
        assert (found.id, found.identified_by) == (record.id, IdentifiedBy.WIREGUARD)
    assert directory.by_peer_address("10.87.0.3", "wireguard") is None
    assert from_json(to_json(record)) == record
    taken = devices.give_peer_key("phone", "")
    assert (taken.addresses, taken.tunnel_port) == ((), 0)
    assert directory.by_peer_address("10.87.0.2", "wireguard") is None
    assert devices.give_peer_key("phone", PEER).addresses == record.addresses
    assert DeviceDirectory("i").by_peer_address("10.87.0.2", "wireguard") is None


def test_a_loan_ends_by_itself_and_leaves_the_devices_own(devices: DeviceStore, path: Path) -> None:
    record, own = devices.add("phone")
    now = [NOW]
    directory = DeviceDirectory("installation", PublishedRegistry(path), KEY, lambda: now[0])
    _, first = devices.lend("phone", timedelta(minutes=10))
    _, lent = devices.lend(record.id, timedelta(minutes=10))

    def knows(given: NewCredentials) -> tuple[bool, bool]:
        by_token = directory.by_token(given.token, "", "")
        by_user = directory.by_credentials(given.user, given.password, "", "")
        assert {one.id for one in (by_token, by_user) if one} <= {record.id}
        return bool(by_token), bool(by_user)

    assert (knows(own), knows(lent), knows(first)) == ((True, True), (True, True), (False, False))
    crossed = directory.by_credentials(own.user, lent.password, "", "")
    assert crossed is None, "a lent password opens nothing under the device's own user"
    now[0] += timedelta(minutes=10)
    assert (knows(own), knows(lent)) == ((True, True), (False, False))
    assert devices.take_back("phone") == record
    now[0] = NOW
    assert (knows(own), knows(lent)) == ((True, True), (False, False))
    assert lent.token not in path.read_text()
