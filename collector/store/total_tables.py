"""The tables of what pages count of alerts; `alert_totals` keeps them. No statement stands here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, String, Table, Text

from collector.store.columns import SeverityRank
from collector.store.tables import METADATA

# For each UTC day and each set of words that alerts bear: how many alerts there are, and how often they were met.
# An alert names its row in `alerts.total`.
ALERT_TOTALS = Table(
    "alert_totals",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("day", String(10), nullable=False, index=True),
    Column("destination", Text, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("threat_name", Text, nullable=False),
    Column("detection_source", String(64), nullable=False),
    Column("threat_category", String(64), nullable=False),
    Column("alerts", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)

# How many alerts of each severity are open on a device.
OPEN_ALERTS = Table(
    "open_alerts",
    METADATA,
    Column("device_id", String(128), primary_key=True),
    Column("severity", SeverityRank, primary_key=True, autoincrement=False),
    Column("alerts", BigInteger, nullable=False),
)
