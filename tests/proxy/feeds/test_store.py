"""Snapshots on disk: whole or refused, the last good one kept, old ones removed, whenever the publisher dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from indicators.indicator import Indicator, Origin
from indicators.snapshot.layout import SnapshotError, unpack
from indicators.words import Action, IndicatorType
from proxy.feeds import store
from proxy.state import StateDir
from tests.support.snapshots import compile_indicators


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / "state")
    found.prepare()
    return found


def snapshot(host: str) -> bytes:
    one = Indicator(host, IndicatorType.DOMAIN, Action.BLOCK, Origin("feed", False, "feed", 1))
    return compile_indicators([one]).content


def blocks(state: StateDir, host: str) -> bool:
    found = store.open_current(state)
    return found is not None and bool(found.on_host(host))


def rewrite(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)


def test_nothing_is_open_before_the_first_publication(state: StateDir) -> None:
    assert store.open_current(state) is None
    assert store.named(state) == ()


def test_the_last_published_is_in_force_and_one_before_it_is_kept(state: StateDir) -> None:
    paths = [store.publish(state, snapshot(f"{n}.example")) for n in range(4)]
    assert blocks(state, "3.example")
    assert store.named(state) == (paths[3].name, paths[2].name)
    assert {path.name for path in state.snapshots.iterdir()} == {"current", paths[3].name, paths[2].name}
    assert paths[3].stat().st_mode & 0o777 == 0o400


def test_publishing_the_same_again_changes_nothing(state: StateDir) -> None:
    first, second = (store.publish(state, snapshot(name)) for name in ("a.example", "b.example"))
    assert store.publish(state, snapshot("b.example")) == second
    assert store.named(state) == (second.name, first.name)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign", "writable", "gone", "folder"])
def test_a_damaged_or_foreign_file_is_refused_and_the_one_before_kept(
    state: StateDir, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.publish(state, snapshot("old.example"))
    path = store.publish(state, snapshot("new.example"))
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "writable":
        path.chmod(0o666)
    else:
        flipped = content[:300] + bytes([content[300] ^ 1]) + content[301:]
        rewrite(path, {"cut": content[:-64], "flip": flipped, "empty": b"", "foreign": b"x" * 500}[damage])
    assert blocks(state, "old.example")
    assert not blocks(state, "new.example")
    assert (damage == "gone") is ("refused" not in caplog.text)


def test_a_flipped_byte_of_content_is_found_wherever_it_is(state: StateDir) -> None:
    """The head has a checksum of its own and finds its own damage; this is about what lies behind it."""
    path = store.publish(state, snapshot("a.example"))
    content = path.read_bytes()
    begin = len(content) - sum(len(section) for section in unpack(content).values())
    assert begin < len(content) - 64
    for at in range(begin, len(content), 7):
        rewrite(path, content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        unpack(path.read_bytes())  # its head is in order
        with pytest.raises(SnapshotError, match="checksum is wrong; `seawall feeds update` makes another"):
            store.open_snapshot(path, whole=True)
    assert store.open_current(state, whole=True) is None


def test_readers_look_at_the_head_alone(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish(state, snapshot("a.example"))
    monkeypatch.setattr(store, "verify", lambda _: pytest.fail("a reader went through every byte"))
    assert blocks(state, "a.example")


def test_what_the_disk_spoiled_is_not_pointed_at(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish(state, snapshot("old.example"))
    write = store.write_whole

    def spoiling(path: Path, content: bytes, mode: int = 0o600) -> None:
        write(path, content[:-70] + b"?" + content[-69:] if mode == 0o400 else content, mode)

    monkeypatch.setattr(store, "write_whole", spoiling)
    with pytest.raises(SnapshotError, match="checksum is wrong"):
        store.publish(state, snapshot("new.example"))
    assert blocks(state, "old.example")
    assert not blocks(state, "new.example")


def test_with_both_damaged_there_is_none(state: StateDir) -> None:
    rewrite(store.publish(state, snapshot("a.example")), b"junk")
    assert store.open_current(state) is None


def test_a_file_of_another_user_is_refused(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.publish(state, snapshot("a.example"))
    monkeypatch.setattr(store.os, "getuid", lambda: 12345)
    with pytest.raises(SnapshotError, match="not a file of ours"):
        store.open_snapshot(path)


@pytest.mark.parametrize("text", ["", "junk\n", "../../etc/passwd\n", "a" * 300, "\xff"])
def test_a_pointer_that_names_no_snapshot_is_nothing(state: StateDir, text: str) -> None:
    store.pointer(state).write_text(text)
    assert store.open_current(state) is None


def test_a_mapped_snapshot_outlives_its_file(state: StateDir) -> None:
    path = store.publish(state, snapshot("a.example"))
    opened = store.open_current(state)
    path.unlink()
    assert opened is not None
    assert opened.on_host("www.a.example")


PUBLISHER = """
    import sys
    from pathlib import Path
    from proxy.feeds import store
    from proxy.state import StateDir
    from tests.proxy.feeds.test_store import snapshot
    state = StateDir(Path(sys.argv[1]))
    contents = [snapshot(f"{n}.example") for n in range(5)]
    print("ready", flush=True)
    while True:
        for content in contents:
            store.publish(state, content)
"""


def test_whenever_the_publisher_is_killed_the_pointer_names_a_whole_snapshot(state: StateDir) -> None:
    store.publish(state, snapshot("first.example"))
    for delay in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PUBLISHER), str(state.root)], stdout=subprocess.PIPE
        )
        assert child.stdout
        child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.005 + delay * 0.003)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        current = store.named(state)
        assert current
        store.open_snapshot(state.snapshots / current[0])
