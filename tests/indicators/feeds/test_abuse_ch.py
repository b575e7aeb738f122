"""The exports of abuse.ch: URLhaus, ThreatFox, Feodo Tracker, MalwareBazaar and SSLBL, as CSV and JSON."""

from __future__ import annotations

import json

import pytest

from indicators.feeds.entry import Entry, Why
from indicators.feeds.formats import FORMATS
from indicators.words import Category
from tests.support.parsing import SAMPLES, brief, entries, one

SHA256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
SHA1 = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"
MD5 = "0cc175b9c0f1b6a831c399e269772661"


def entry(format_: str, text: str) -> Entry:
    found = next(iter(FORMATS[format_].parse([text])))
    assert isinstance(found, Entry)
    return found


def test_urlhaus_csv() -> None:
    assert entries("urlhaus_csv", "urlhaus_csv_online.csv") == [
        (11, "url", "github.com/synthetic-user/repo/raw/refs/heads/main/payload.exe"),
        (12, "url", "pagos-banc0.example/"),
        (13, "url", "docs.google.com/uc?export=download&id=SYNTHETIC"),
        (14, "url", 'evil.example/a,b/"q".bin?x=1'),
        (15, "url", "xn--mnchen-3ya.example/datei.apk"),
    ]


def test_urlhaus_rows_of_old_dumps_have_one_column_less() -> None:
    row = '"1","2018-01-01 00:00:00","http://evil.example/a","online","malware_download","exe","x","y"'
    assert entry("urlhaus_csv", row)[1:3] == ("url", "evil.example/a")
    assert entry("urlhaus_csv", row).category is Category.MALWARE


def test_urlhaus_json() -> None:
    assert entries("urlhaus_json", "urlhaus_json_recent.json") == [(2, "url", "xn--mnchen-3ya.example/datei.apk")]


def test_threatfox_csv_with_15_columns() -> None:
    assert entries("threatfox_csv", "threatfox_recent.csv") == [
        (10, "domain?", "app123.workers.dev"),
        (11, "sha256", "b3cc0475bb78a5026098858e9889acf666d31062d513d303314eca31d36e72f2"),
        (12, "url", "fake-setup.example/setup.exe"),
    ]


def threatfox(kind: str, value: str, confidence: str = "100", compromised: str = ', "False"') -> str:
    return (
        f'"2026-11-20 09:10:00", "1", "{value}", "{kind}", "botnet_cc", "win.x", "None", "X", "", '
        f'"{confidence}"{compromised}, "None", "None", "0", "rep4"'
    )


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (threatfox("ip:port", "8.8.1.1:443"), ("ip", "8.8.1.1")),
        (threatfox("ip:port", "[2606:4700::1]:443"), ("ip", "2606:4700::1")),
        (threatfox("domain", "evil.example", compromised=""), ("domain", "evil.example")),
        (threatfox("domain", "evil.example", "74"), ("domain?", "evil.example")),
        (threatfox("domain", "evil.example", "75"), ("domain", "evil.example")),
        (threatfox("domain", "shop.example", compromised=', "True"'), ("domain?", "shop.example")),
        (threatfox("url", "http://shop.example/", compromised=', "True"'), ("url?", "shop.example/")),
        (threatfox("url", "http://shop.example/a", compromised=', "True"'), ("url", "shop.example/a")),
        (threatfox("md5_hash", MD5), ("md5", MD5)),
        (threatfox("sha1_hash", SHA1.upper()), ("sha1", SHA1)),
        (threatfox("sha256_hash", MD5), (Why.NOT_A_HASH.value, MD5)),
        (threatfox("email", "a@b.example"), (Why.UNSUPPORTED.value, "email a@b.example")),
    ],
)
def test_threatfox_rows(row: str, found: tuple[str, str]) -> None:
    assert one("threatfox_csv", row) == found


def test_threatfox_says_how_sure_it_is_and_of_what() -> None:
    found = entry("threatfox_csv", threatfox("domain", "evil.example", "80"))
    assert (found.confidence, found.category) == (80, Category.COMMAND_AND_CONTROL)


def test_threatfox_json() -> None:
    text = (SAMPLES / "threatfox_recent.json").read_text()
    assert one("threatfox_json", text)[0] == Why.SPECIAL_ADDRESS.value
    found = entry("threatfox_json", text.replace("198.51.100.4", "8.8.1.1"))
    assert (found.value, found.confidence, found.category) == ("8.8.1.1", 75, Category.COMMAND_AND_CONTROL)
    assert one("threatfox_json", text.replace('"ip:port"', '"domain"').replace("198.51.100.4:8080", "a.example"))
    site = {"ioc": "a.example", "ioc_type": "domain", "confidence_level": 100, "is_compromised": True}
    assert one("threatfox_json", json.dumps({"data": [site]})) == ("domain?", "a.example")


def test_feodo() -> None:
    for name in ("feodo_ipblocklist.csv", "feodo_ipblocklist.json"):
        text = (SAMPLES / name).read_text().replace("203.0.113.9", "8.8.1.1")
        format_ = "feodo_" + name.rpartition(".")[2]
        found = [one for one in FORMATS[format_].parse(text.splitlines()) if isinstance(one, Entry)]
        assert [(one.value, one.category) for one in found] == [("8.8.1.1", Category.COMMAND_AND_CONTROL)]


def test_malwarebazaar_takes_the_strongest_hash_of_a_row() -> None:
    assert entries("malwarebazaar_csv", "malwarebazaar_recent.csv") == [(10, "sha256", SHA256)]
    row = (SAMPLES / "malwarebazaar_recent.csv").read_text().splitlines()[9]
    assert one("malwarebazaar_csv", row.replace(SHA256, "n/a")) == ("sha1", SHA1)
    assert one("malwarebazaar_csv", row.replace(SHA256, "n/a").replace(SHA1, "n/a")) == ("md5", MD5)


def test_lists_of_hashes() -> None:
    assert entries("hashes", "malwarebazaar_sha256.txt") == [(6, "sha256", SHA256)]
    assert brief("hashes", MD5.upper(), SHA1 + " # x", "abc", "z" * 32) == [
        (1, "md5", MD5),
        (2, "sha1", SHA1),
        (3, Why.NOT_A_HASH.value, "abc"),
        (4, Why.NOT_A_HASH.value, "z" * 32),
    ]


def test_sslbl_names_certificates_and_addresses_but_no_clients() -> None:
    assert entries("sslbl", "sslblacklist.csv") == [(10, "certificate", SHA1)]
    assert entries("sslbl", "sslbl_ja3.csv") == []
    rows = ["# Firstseen,DstIP,DstPort", "2026-11-20 08:00:00,8.8.1.1,443"]
    assert brief("sslbl", *rows)[1] == (2, "ip", "8.8.1.1")
    assert one("sslbl", "2026-11-20 08:00:00,xyz,Reason")[0] == Why.NOT_A_HASH.value
