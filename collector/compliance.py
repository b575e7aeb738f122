"""Tell of a device's compliance as a CAEP event: `device-compliance-change`, in a Security Event Token (RFC 8417).

A change of risk that does not cross the threshold changes no compliance and makes no event. Pure but for the signer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import RowMapping

from collector.risk import Threshold
from collector.signing import Signer
from indicators.words import Risk

EVENT = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change"
TYPE = "secevent+jwt"


class ComplianceEvents:
    """Make the event of each change of risk (a row of `risk_changes`)."""

    def __init__(self, signer: Signer, threshold: Threshold) -> None:
        self._signer = signer
        self._threshold = threshold

    def __call__(self, row: RowMapping) -> str:
        """Return the signed token, or an empty text where compliance did not change.

        The same row gives the same `jti`, so that a receiver knows a repeated delivery.
        """
        before, after = (self._status(row[name]) for name in ("before", "after"))
        if before == after:
            return ""
        when: datetime = row["time"]
        event = {
            "previous_status": before,
            "current_status": after,
            "event_timestamp": int(when.timestamp()),
            "initiating_entity": "policy",
            "reason_admin": {"en": "; ".join(row["reasons"]) or f"risk {row['after']}"},
        }
        claims = {
            "jti": f"{self._signer.kid}-risk-{row['seq']}",
            "sub_id": {"format": "opaque", "id": row["device_id"]},
            "events": {EVENT: event},
        }
        return self._signer.sign(claims, TYPE, when)

    def _status(self, level: str) -> str:
        return "compliant" if self._threshold.admits(Risk(level)) else "not-compliant"
