from __future__ import annotations

import stat
from pathlib import Path

import pytest

from indicators.overlay import Overlay
from proxy.published_overlay import POINTER, current_name, publish, read


def test_the_pointer_names_a_whole_generation(tmp_path: Path) -> None:
    assert current_name(tmp_path) == ""
    overlay = Overlay(7, trusted_devices=frozenset({"device"}))
    publish(tmp_path, overlay)
    assert current_name(tmp_path) == "overlay-7.json"
    assert read(tmp_path, "overlay-7.json") == overlay
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_generations_long_past_are_removed(tmp_path: Path) -> None:
    (tmp_path / "overlay-99.json").write_text("of another life")
    (tmp_path / "overlay-x.json").write_text("not ours")
    for generation in range(1, 7):
        publish(tmp_path, Overlay(generation))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {POINTER, "overlay-4.json", "overlay-5.json", "overlay-6.json", "overlay-x.json"}


@pytest.mark.parametrize("name", ["../secrets/read_token", "overlay-1.json/..", "", "overlay-.json"])
def test_only_overlays_are_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="expected the name of an overlay"):
        read(tmp_path, name)


def test_a_damaged_generation_is_named(tmp_path: Path) -> None:
    (tmp_path / "overlay-1.json").write_text('{"generation": "one"}')
    with pytest.raises(ValueError, match=r"overlay-1.json: overlay: generation"):
        read(tmp_path, "overlay-1.json")
    with pytest.raises(FileNotFoundError):
        read(tmp_path, "overlay-2.json")
