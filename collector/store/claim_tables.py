"""The table of what clients said of a device's operating system; `collector.vulnerabilities.claims` explains a row."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, SmallInteger, String, Table

from collector.store.columns import Instant
from collector.store.tables import METADATA

CLAIMS = Table(
    "claims",
    METADATA,
    Column("device_id", String(128), ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("source", String(32), primary_key=True),
    Column("platform", String(32), primary_key=True),
    Column("version", String(64), primary_key=True),
    Column("places", SmallInteger, nullable=False),
    Column("confidence", SmallInteger, nullable=False),
    Column("model", String(64), nullable=False),
    Column("built", Date),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
)
