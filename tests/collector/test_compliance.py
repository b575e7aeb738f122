"""CAEP's `device-compliance-change`: made only where the threshold is crossed, signed, the same for the same row."""

from __future__ import annotations

import jwt
import pytest

from collector.compliance import EVENT, ComplianceEvents
from collector.risk import Threshold
from collector.signing import Signer
from tests.collector.conftest import NOW

SIGNER = Signer(b"k" * 32)


def _row(before, after, reasons=()):
    return {"seq": 7, "device_id": "dev-1", "time": NOW, "before": before, "after": after, "reasons": list(reasons)}


@pytest.mark.parametrize(
    ("threshold", "before", "after", "status"),
    [
        ("low", "none", "low", None),
        ("low", "low", "medium", "not-compliant"),
        ("low", "high", "none", "compliant"),
        ("low", "medium", "high", None),
        ("secured", "none", "low", "not-compliant"),
        ("medium", "low", "medium", None),
        ("medium", "medium", "high", "not-compliant"),
        ("high", "none", "high", None),
    ],
)
def test_crossing_the_threshold(threshold, before, after, status):
    told = ComplianceEvents(SIGNER, Threshold(threshold))(_row(before, after))
    assert bool(told) == bool(status)
    if told:
        key = jwt.PyJWK(SIGNER.jwks()["keys"][0])
        claims = jwt.decode(told, key, algorithms=["ES256"], options={"verify_iat": False})
        assert claims["events"][EVENT]["current_status"] == status
        assert claims["events"][EVENT]["previous_status"] != status


def test_the_event_as_receivers_read_it():
    told = ComplianceEvents(SIGNER, Threshold.LOW)(_row("none", "medium", ["Malware file blocked (medium)"]))
    assert jwt.get_unverified_header(told) == {"alg": "ES256", "kid": SIGNER.kid, "typ": "secevent+jwt"}
    claims = jwt.decode(told, options={"verify_signature": False})
    assert claims["jti"] == f"{SIGNER.kid}-risk-7"
    assert claims["sub_id"] == {"format": "opaque", "id": "dev-1"}
    assert claims["iss"] == SIGNER.issuer
    assert claims["events"][EVENT]["event_timestamp"] == int(NOW.timestamp())
    assert claims["events"][EVENT]["reason_admin"] == {"en": "Malware file blocked (medium)"}
