"""The test feed holds exactly what the product promises, and blocks by path where the host itself is clean."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from indicators import testfeed
from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.verdict import Verdict
from indicators.words import Action, Category, Stage, Visibility

NOW = datetime(2026, 5, 1, tzinfo=UTC)
# In two halves, so that no virus scanner takes this file for the test file.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*").encode()
PATHS = ("/phishingdemo.html", "/other/malware.html", "/other/exploit.html", "/download/malwaredemo/")


def judge(host: str = "", url: str | None = None, hashes: tuple[str, ...] = (), stage: Stage = Stage.HTTP) -> Verdict:
    classifier = Classifier(MemoryIndex(), [testfeed.load()], PolicySettings())
    seen = Observation(stage, Device("d", "d"), (host,) if host else (), url, hashes=hashes, reach=Visibility.URL)
    return classifier.judge(seen, NOW)


def test_it_holds_these_and_no_others() -> None:
    values = {one.value for one in testfeed.indicators()}
    hosts = ("demo.smartscreen.msft.net", "nav.smartscreen.msft.net")
    assert values == {
        "smartscreentestratings2.net",
        "smartscreentestratings.com",
        "commandcontrol.smartscreentestratings.com",
        *(host + path for host in hosts for path in PATHS),
        *(hashlib.new(name, EICAR).hexdigest() for name in ("sha256", "sha1", "md5")),
    }
    assert len(values) == len(testfeed.indicators())


def test_each_entry_says_what_it_warns_of_and_how_grave_it_is() -> None:
    for one in testfeed.indicators():
        assert one.severity, one
        assert one.category is not Category.CUSTOM, one
        assert (one.action, one.origin.custom, one.origin.source) == (Action.BLOCK, False, "test-feed")
        assert one.always_inspect == one.value.startswith(("demo.", "nav."))


@pytest.mark.parametrize(
    ("host", "category"),
    [
        ("smartscreentestratings2.net", Category.PHISHING),
        ("www.smartscreentestratings2.net", Category.PHISHING),
        ("smartscreentestratings.com", Category.MALICIOUS),
        ("malw-090-0-1.phsh-005-0-1.smartscreentestratings.com", Category.MALICIOUS),
        ("commandcontrol.smartscreentestratings.com", Category.COMMAND_AND_CONTROL),
    ],
)
def test_hosts(host: str, category: Category) -> None:
    verdict = judge(host, stage=Stage.DNS)
    assert (verdict.action, verdict.category) == (Action.BLOCK, category)


@pytest.mark.parametrize("host", ["demo.smartscreen.msft.net", "nav.smartscreen.msft.net"])
def test_demonstration_host_is_clean_but_for_its_test_paths(host: str) -> None:
    first = judge(host, stage=Stage.TLS)
    assert (first.action, first.needs, first.always_inspect) == (Action.ALLOW, Visibility.URL, True)
    assert judge(host, f"https://{host}/").is_plain_allow
    assert judge(host, f"https://{host}/other/areyousure.html").is_plain_allow
    for path in (*PATHS, "/download/malwaredemo/freevideo.exe"):
        assert judge(host, f"https://{host}{path}").action is Action.BLOCK


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_eicar_is_known_by_each_hash(name: str) -> None:
    assert len(EICAR) == 68
    verdict = judge(hashes=(hashlib.new(name, EICAR).hexdigest(),), stage=Stage.DOWNLOAD)
    assert (verdict.action, verdict.category) == (Action.BLOCK, Category.MALWARE)
