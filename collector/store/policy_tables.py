"""The tables of what gateways are told and of what follows from alerts: indicators, stream, requests, risk, posture.

Made by Alembic's migrations like those of `tables.py`. No statement stands here.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from collector.store.columns import Instant, Sequence, SeverityRank
from collector.store.tables import METADATA

# Custom indicators set over the API. `value` is canonical, `shown` is what was submitted; one row for each value.
INDICATORS = Table(
    "indicators",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("type", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("shown", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("severity", SeverityRank),
    Column("recommended_actions", Text, nullable=False),
    Column("educate_url", Text, nullable=False),
    Column("generate_alert", Boolean, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("category", String(64), nullable=False),
    Column("techniques", JSON, nullable=False),
    Column("application", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("source_type", String(16), nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("updated_by", String(256), nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("expires", Instant, index=True),
    UniqueConstraint("type", "value", name="uq_indicators_type_value"),
    sqlite_autoincrement=True,
)

# What gateways are told, in order: the latest of each kind and key. A body of nothing takes back what was said.
POLICY_CHANGES = Table(
    "policy_changes",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(128), nullable=False),
    Column("body", JSON(none_as_null=True)),
    Column("time", Instant, nullable=False),
    Index("ix_policy_changes_kind_key", "kind", "key"),
    sqlite_autoincrement=True,
)

# One row: which stream this is, and up to which number things taken back have been forgotten.
POLICY_STREAM = Table(
    "policy_stream",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("floor", BigInteger, nullable=False),
)

# Gateways that run elsewhere. `digest` is the SHA-256 of their token; `acknowledged` is what they have in force.
ENROLLED = Table(
    "enrolled_gateways",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("created", Instant, nullable=False),
    Column("last_used", Instant),
)
FOLLOWERS = Table(
    "policy_followers",
    METADATA,
    Column("gateway", String(128), primary_key=True),
    Column("acknowledged", BigInteger, nullable=False),
    Column("time", Instant, nullable=False),
)

# What people ask to be let through to.
ACCESS_REQUESTS = Table(
    "access_requests",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("device_id", String(128), nullable=False, index=True),
    Column("device_name", String(256), nullable=False),
    Column("gateway", String(128), nullable=False),
    Column("host", Text, nullable=False),
    Column("incident", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created", Instant, nullable=False),
    Column("decided", Instant),
    Column("decided_by", String(256)),
    Column("decision_note", Text, nullable=False),
    Column("until", Instant, index=True),
    Index("ix_access_requests_status_seq", "status", "seq"),
)

# Each device's risk of the moment (none has no row), and every change of it.
RISKS = Table(
    "risks",
    METADATA,
    Column("device_id", String(128), primary_key=True),
    Column("level", String(16), nullable=False),
    Column("since", Instant, nullable=False),
)
RISK_CHANGES = Table(
    "risk_changes",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("device_id", String(128), nullable=False),
    Column("time", Instant, nullable=False, index=True),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("reasons", JSON, nullable=False),
    Index("ix_risk_changes_device_id_seq", "device_id", "seq"),
    sqlite_autoincrement=True,
)

# What an administrator says of a device, and what an attestation service last said.
DEVICE_GROUPS = Table(
    "device_groups",
    METADATA,
    Column("device_id", String(128), primary_key=True),
    Column("name", String(128), nullable=False),
)
DEVICE_TAGS = Table(
    "device_tags",
    METADATA,
    Column("device_id", String(128), ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(200), primary_key=True),
)
POSTURES = Table(
    "postures",
    METADATA,
    Column("device_id", String(128), primary_key=True),
    Column("issuer", String(256), nullable=False),
    Column("issued", Instant, nullable=False),
    Column("received", Instant, nullable=False, index=True),
    Column("compromised", Boolean, nullable=False),
    Column("os_platform", String(32), nullable=False),
    Column("os_version", String(64), nullable=False),
    Column("patch_level", String(64), nullable=False),
)
