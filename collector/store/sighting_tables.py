"""The table of allowed hosts as keyed hashes, where the policy keeps them. No statement stands here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, String, Table

from collector.store.columns import Instant
from collector.store.tables import METADATA

# One row for each suffix of a host (down to its registrable domain), device and UTC day. `digest` is a keyed hash.
SIGHTINGS = Table(
    "sightings",
    METADATA,
    Column("digest", String(16), primary_key=True),
    Column("device_id", String(128), ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("received", Instant, nullable=False, index=True),
    Index("ix_sightings_device_id", "device_id"),
)
