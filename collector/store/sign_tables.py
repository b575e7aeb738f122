"""The table of signs of a jailbreak; `collector.jailbreak` says what they mean. No statement stands here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from collector.store.columns import Instant
from collector.store.tables import METADATA

JAILBREAK_SIGNS = Table(
    "jailbreak_signs",
    METADATA,
    Column("device_id", String(128), ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("store", String(128), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
)
