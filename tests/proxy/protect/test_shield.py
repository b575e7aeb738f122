"""The shield with a small `nft` of our own that writes down what it is told; see `test_in_the_kernel.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.firewall.kernel import FirewallError
from proxy.protect import keeper, shield
from proxy.protect.way import Found, State
from tests.proxy.protect.test_rules import SHIELD
from tests.support.an_nft import nft, says

__all__ = ["nft"]


def _probe(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> None:
    given = list(answers)

    async def is_intercepted() -> bool:
        return given.pop(0) if given else False

    monkeypatch.setattr(shield, "is_intercepted", is_intercepted)


@pytest.mark.parametrize("answers", [(True,), (False, True)])
def test_a_shield_that_intercepts_stays(nft: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[bool, ...]) -> None:
    started: list[int] = []
    monkeypatch.setattr(keeper, "start", lambda port, mark: started.append(port))
    _probe(monkeypatch, *answers)
    shield.put_up(SHIELD)
    said = (nft.parent / "said").read_text()
    assert said.count("delete table inet seawall_protect") == 1
    assert started == [8443]


def test_one_that_does_not_is_taken_down(nft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "start", lambda port, mark: None)
    _probe(monkeypatch)
    with pytest.raises(FirewallError, match="a probe was not intercepted"):
        shield.put_up(SHIELD)
    assert (nft.parent / "said").read_text().endswith("delete table inet seawall_protect\n")


@pytest.mark.parametrize(
    ("body", "answer", "found"),
    [
        ("echo table", True, Found(State.PROTECTED, True, True)),
        ("echo table", False, Found(State.NOT_INTERCEPTED, True, False)),
        ("echo 'No such file or directory' >&2; exit 1", True, Found(State.OFF, False, False)),
        ("echo 'Operation not permitted' >&2; exit 1", True, Found(State.PROTECTED, None, True)),
        ("echo 'Operation not permitted' >&2; exit 1", False, Found(State.OFF, None, False)),
    ],
)
def test_how_things_stand(nft: Path, monkeypatch: pytest.MonkeyPatch, body: str, answer: bool, found: Found) -> None:
    says(nft, body)
    _probe(monkeypatch, answer)
    assert shield.look() == found
