from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config.load import load_config
from proxy.supervisor import saved_files as module
from proxy.supervisor.overlay_desk import Saved
from proxy.supervisor.saved_files import SavedFiles
from tests.support.gateway import wait_for

CONFIG = "indicator_files: [more.yaml]\nindicators:\n  - block: one.test\n"


class Scene:
    """Files on disk, a follower, and the sets it handed on."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self.more = folder / "more.yaml"
        self.config.write_text(CONFIG)
        self.more.write_text("- block: two.test\n")
        self.taken: list[set[str]] = []
        self.groups: list[list[str]] = []
        self.saved = SavedFiles(load_config(self.config), self.take)

    async def take(self, saved: Saved) -> None:
        if saved.indicators is not None:
            self.taken.append({one.value for one in saved.indicators})
        if saved.groups is not None:
            self.groups.append(list(saved.groups))


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(module, "_LOOK", 0.01)
    return Scene(tmp_path)


def rename_over(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


@pytest.mark.parametrize("save", [lambda path, text: path.write_text(text), rename_over], ids=["in place", "renamed"])
async def test_a_saved_file_is_in_force_soon(scene: Scene, save: Callable[[Path, str], None]) -> None:
    following = asyncio.create_task(scene.saved.follow())
    save(scene.more, "- block: three.test\n- block: four.test\n")
    await wait_for(lambda: {"one.test", "three.test", "four.test"} in scene.taken, 20)
    save(scene.config, CONFIG.replace("one", "uno"))
    await wait_for(lambda: scene.taken[-1] == {"uno.test", "three.test", "four.test"}, 20)
    following.cancel()


async def test_a_broken_edit_changes_nothing_and_is_told(scene: Scene) -> None:
    scene.more.write_text("- block: three.test\n- blok: typo.test\n")
    await scene.saved.reload()
    assert scene.taken == []
    (error,) = scene.saved.errors
    assert "more.yaml:2" in error
    assert "blok" in error
    scene.more.write_text("- block: three.test\n")
    await scene.saved.reload()
    assert scene.saved.errors == ()
    assert scene.taken == [{"one.test", "three.test"}]


async def test_a_file_newly_named_is_followed_too(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "third.yaml").write_text("- block: three.test\n")
    scene.config.write_text(CONFIG.replace("[more.yaml]", "[more.yaml, third.yaml]"))
    following = asyncio.create_task(scene.saved.follow())
    await wait_for(lambda: scene.taken and "three.test" in scene.taken[-1], 20)
    (tmp_path / "third.yaml").write_text("- block: third.test\n")
    await wait_for(lambda: "third.test" in scene.taken[-1], 20)
    following.cancel()


async def test_other_settings_wait_for_a_restart(scene: Scene) -> None:
    scene.config.write_text(CONFIG + "startup: wait\ndns: {port: 5054}\n")
    await scene.saved.reload()
    assert scene.saved.pending == ("dns.port", "startup")
    assert scene.taken == [{"one.test", "two.test"}]
    scene.config.write_text(CONFIG)
    await scene.saved.reload()
    assert scene.saved.pending == ()


async def test_a_mistake_elsewhere_does_not_hold_indicators_back(scene: Scene) -> None:
    scene.config.write_text(CONFIG.replace("one", "uno") + "dns: {prot: 1}\n")
    await scene.saved.reload()
    assert scene.taken == [{"uno.test", "two.test"}]
    assert "dns.prot" in scene.saved.errors[0]


async def test_a_configuration_that_went_away(scene: Scene) -> None:
    scene.config.unlink()
    await scene.saved.reload()
    assert scene.taken == []
    assert "config.yaml" in scene.saved.errors[0]


async def test_groups_are_taken_when_they_change_and_in_their_order(scene: Scene) -> None:
    await scene.saved.reload()
    assert scene.groups == []
    both = ["groups:\n  kids: {mode: audit}\n  guests: {}\n", "groups:\n  guests: {}\n  kids: {mode: audit}\n"]
    for text in (*both, both[1], ""):
        scene.config.write_text(CONFIG + text)
        await scene.saved.reload()
    assert scene.groups == [["kids", "guests"], ["guests", "kids"], []]
    assert scene.saved.pending == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups:\n  kids: {mode: strict}\n", ":5: groups.kids.mode: "),
        ("groups:\n  kids: {feeds: {none: off}}\n", ":5: groups.kids.feeds.none: "),
        ("groups:\n  kids: {}\ndns: {prot: 1}\n", ":6: dns.prot: "),
        ("groups:\n  kids: {\n", ":6: "),
    ],
)
async def test_a_broken_edit_keeps_the_groups_and_names_file_line_and_key(scene: Scene, text: str, said: str) -> None:
    scene.config.write_text(CONFIG + text)
    await scene.saved.reload()
    assert scene.groups == []
    assert any(f"config.yaml{said}" in error for error in scene.saved.errors), scene.saved.errors


async def test_a_mistake_among_indicators_does_not_hold_groups_back(scene: Scene) -> None:
    scene.config.write_text(CONFIG + "groups: {kids: {}}\n")
    scene.more.write_text("- blok: typo.test\n")
    await scene.saved.reload()
    assert (scene.taken, scene.groups, len(scene.saved.errors)) == ([], [["kids"]], 1)
