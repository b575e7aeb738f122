"""Families are guessed; versions only from agents that tell them truthfully."""

from __future__ import annotations

import pytest

from collector.platforms import guess


@pytest.mark.parametrize(
    ("agent", "name", "version"),
    [
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/131", "Android", "15"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/131", "Android", ""),
        ("Dalvik/2.1.0 (Linux; U; Android 14; sdk)", "Android", "14"),
        ("okhttp Android", "Android", ""),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X)", "iOS", "18.1.1"),
        ("Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X)", "iOS", "17.4"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) Version/26.0 Mobile/1 Safari/6", "iOS", "26.0"),
        ("App/1 (iPhone)", "iOS", ""),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)", "ChromeOS", ""),
        ("Mozilla/5.0 (Windows NT 10.0; Win64)", "Windows", ""),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "macOS", ""),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 12.3)", "macOS", "12.3"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Linux", ""),
    ],
)
def test_guesses(agent, name, version):
    found = guess(agent)
    assert found is not None
    assert (found.name, found.version) == (name, version)


@pytest.mark.parametrize("agent", ["", "curl/8.5.0", "python-requests/2", "\x00" * 4096, "A" * 4096])
def test_says_nothing_rather_than_wrong(agent):
    assert guess(agent) is None
