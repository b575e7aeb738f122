"""The table of how well each device is covered, as its gateway last told. No statement stands here."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table

from collector.store.columns import Instant
from collector.store.tables import METADATA

# `incident` is when the device was last found to be protected no more; nothing where it is protected, or never was.
COVERAGES = Table(
    "coverages",
    METADATA,
    Column("device_id", String(128), ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("gateway", String(128), nullable=False),
    Column("told", Instant, nullable=False),
    Column("score", Integer, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("incident", Instant),
    Column("body", JSON, nullable=False),
)
