"""Every form of a notice, fed with hostile strings: one message stays one, every field stays in its place."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.outputs.cef import to_cef
from collector.outputs.notice import Notice, plain
from collector.outputs.ocsf import to_ocsf
from collector.outputs.settings import Format, Send
from collector.outputs.syslog import framed, message
from collector.outputs.table_export import cell, to_csv
from tests.collector.conftest import NOW
from tests.support.hostile import HOSTILE

# RFC 5424, 6: the whole grammar of a header and its structured data, written anew from the standard
SYSLOG = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) - (?P<id>[!-~]{1,32}) "
    r'(?P<data>-|\[[!-~]{1,32}(?: [!-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\]) ?(?P<text>.*)',
    re.DOTALL,
)
PAIR = re.compile(r'([a-z]+)="((?:[^"\\\]]|\\["\\\]])*)"')


def alert(text: str) -> Notice:
    item = {"url": text, "incidentId": text, "reason": text, "action": "block", "ipAddress": text, "port": 443}
    names = ("id", "title", "description", "category", "machineId", "computerDnsName", "threatName", "threatCategory")
    body = dict.fromkeys(names, text) | {"severity": "High", "status": "New", "count": 3, "evidence": [item]}
    return Notice(Send.ALERTS, 7, NOW, body)


def risk(text: str) -> Notice:
    body = {"machineId": text, "before": "none", "after": "high", "reasons": [text], "set": None}
    return Notice(Send.RISK, 8, NOW, body)


def audit(text: str) -> Notice:
    return Notice(Send.AUDIT, 9, NOW, {"who": text, "what": "alert.change", "target": text, "detail": {}})


NOTICES = [alert, risk, audit]
anything = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()), max_size=80)


@given(text=anything, make=st.sampled_from(NOTICES), form=st.sampled_from([Format.TEXT, Format.CEF, Format.OCSF]))
def test_a_message_is_one_line_of_the_standard(text, make, form):
    """Whatever a field holds, the message has no control character and parses by RFC 5424's grammar."""
    written = message(make(text), form, "host").decode()
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", written)
    found = SYSLOG.fullmatch(written)
    assert found
    assert datetime.fromisoformat(found["time"]) == NOW
    assert (found["app"], found["id"]) == ("seawall", make(text).kind)
    if form is Format.TEXT:
        values = [re.sub(r'\\(["\\\]])', r"\1", value) for _, value in PAIR.findall(found["data"])]
        assert plain(text) in values or not text


@given(text=anything)
def test_frames_carry_their_length(text):
    """A reader that counts octets finds exactly the message, whatever is in it."""
    sent = message(alert(text), Format.TEXT, "host")
    count, _, rest = framed(sent).partition(b" ")
    assert int(count) == len(rest) == len(sent)


def test_severities_become_priorities():
    for severity, wanted in (("High", 106), ("Medium", 108), ("Low", 109), ("Informational", 110)):
        notice = Notice(Send.ALERTS, 1, NOW, {**alert("x").body, "severity": severity})
        assert message(notice, Format.TEXT, "h").startswith(b"<%d>1 " % wanted)
    assert message(risk("x"), Format.TEXT, "h").startswith(b"<106>1 ")
    assert message(audit("x"), Format.TEXT, "").startswith(b"<110>1 2026-11-23T12:00:00.000Z - seawall - audit ")


def parse_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Read CEF as its specification says: seven fields at unescaped pipes, then pairs at unescaped equals signs."""
    fields, rest = [], line
    for _ in range(7):
        found = re.match(r"((?:[^|\\]|\\.)*)\|", rest)
        fields.append(re.sub(r"\\(.)", r"\1", found[1]))
        rest = rest[found.end() :]
    pairs = re.findall(r"(?:^| )([A-Za-z0-9]+)=((?:[^=\\]|\\.)*?)(?= [A-Za-z0-9]+=|$)", rest)
    return fields, {key: re.sub(r"\\(.)", r"\1", value) for key, value in pairs}


@given(text=anything, make=st.sampled_from(NOTICES))
def test_cef_keeps_its_fields(text, make):
    """The header has seven fields and the severity its place, whatever the texts hold."""
    fields, pairs = parse_cef(to_cef(make(text)))
    assert fields[:3] == ["CEF:0", "Seawall", "Seawall"]
    assert fields[6].isdigit()
    assert pairs["rt"] == str(int(NOW.timestamp() * 1000))
    if make is alert:
        assert fields[5] == plain(text)
        assert pairs["cnt"] == "3"


@given(text=anything, make=st.sampled_from(NOTICES))
def test_ocsf_is_one_line_of_json(text, make):
    """A reader of JSON lines gets one object with the ids of its class, the text unharmed or marked."""
    line = to_ocsf(make(text))
    assert line.isascii()
    assert "\n" not in line
    found = json.loads(line)
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["class_uid"] // 1000 == found["category_uid"]
    if make is alert:
        assert found["finding_info"]["title"] == plain(text)
        assert found["severity_id"] == 4


@given(texts=st.lists(anything, min_size=1, max_size=4))
def test_csv_is_read_as_written_and_holds_no_formula(texts):
    """A reader of RFC 4180 finds the same cells; none begins as a formula does, even after blanks."""
    written = to_csv(["a"] * len(texts), [texts])
    _, row = csv.reader(io.StringIO(written, newline=""), strict=True)
    assert len(row) == len(texts)
    for text, found in zip(texts, row, strict=True):
        assert found.removeprefix("'") == text.replace("\x00", "\ufffd").removeprefix("'") or found == cell(text)
        assert not found.lstrip(" \u00a0\ufeff\u200b").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("number", [-5, 2.5, 0])
def test_numbers_stay_numbers(number):
    assert cell(number) == str(number)


def test_long_texts_are_cut():
    assert len(plain("x" * 1000)) == 512
    assert plain(None) == ""
