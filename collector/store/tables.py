"""The tables. Alembic's migrations make them; a test holds the two to each other. No statement stands here.

Ids that others see are text and opaque; `seq` numbers give a stable order for pages. Times are `Instant`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
    text,
)

from collector.store.columns import Instant, Sequence, SeverityRank

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

# One row for each verdict event, its evidence whole in `body`; columns beside it are what we search by.
EVENTS = Table(
    "events",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("received", Instant, nullable=False, index=True),
    Column("time", Instant, nullable=False),
    Column("last_time", Instant, nullable=False),
    Column("gateway", String(128), nullable=False),
    Column("device_id", String(128), nullable=False),
    Column("alert_id", String(64)),
    Column("destination", Text, nullable=False),
    Column("measure", String(16), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Index("ix_events_alert_id_seq", "alert_id", "seq"),
    Index("ix_events_destination", "destination"),
    Index("ix_events_device_id_seq", "device_id", "seq"),
)

# Ids of repeat and device events already counted: a second delivery changes nothing.
RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("received", Instant, nullable=False, index=True),
)

# Repeats that arrived before the verdict event of their incident; applied and removed when it comes.
ORPHANS = Table(
    "orphans",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("incident", String(64), nullable=False, index=True),
    Column("time", Instant, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("received", Instant, nullable=False, index=True),
)

DEVICES = Table(
    "devices",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("name", String(256), nullable=False),
    Column("device_group", String(128), nullable=False),
    Column("identified_by", String(32), nullable=False),
    Column("gateway", String(128), nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False, index=True),
    Column("user_agent", Text, nullable=False),
    Column("user_agent_seen", Instant),
    Column("os_platform", String(32), nullable=False),
    Column("os_version", String(64), nullable=False),
    Column("os_seen", Instant),
    Column("allowed_count", BigInteger, nullable=False),
    Column("received", Instant, nullable=False, index=True),
)

# What a device has been seen with: kind `address` or `listener`.
DEVICE_TRAITS = Table(
    "device_traits",
    METADATA,
    Column("device_id", String(128), ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("value", String(64), primary_key=True),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("device_id", String(128), nullable=False),
    Column("destination", Text, nullable=False),
    Column("day", String(10), nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_event", Instant, nullable=False),
    Column("last_event", Instant, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False, index=True),
    Column("resolved", Instant),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("recommended_actions", Text, nullable=False),
    Column("category", String(64), nullable=False),
    Column("threat_category", String(64), nullable=False),
    Column("threat_name", Text, nullable=False),
    Column("severity", SeverityRank, nullable=False),
    Column("detection_source", String(64), nullable=False),
    Column("lead_time", Instant, nullable=False),
    Column("lead_event", String(64), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("classification", String(64)),
    Column("determination", String(64)),
    Column("assigned_to", String(256)),
    # What lists are filtered by stands behind what they are ordered by: an alert that is not shown is not read.
    Index(
        "ix_alerts_newest",
        "last_event",
        "seq",
        "status",
        "severity",
        "category",
        "created",
        "updated",
        "assigned_to",
        "classification",
        "determination",
    ),
    Index("ix_alerts_created_seq", "created", "seq"),
    Index("ix_alerts_device_id_open", "device_id", "status", "severity"),
    Index("ix_alerts_threat_name_last_event", "threat_name", "last_event"),
    Index("ix_alerts_total_device_id", "total", "device_id"),
)

COMMENTS = Table(
    "comments",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("alert_id", String(64), ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("comment", Text, nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("created", Instant, nullable=False),
)

# An alert is open until it is resolved. Databases use an index of some rows only for the very words of its condition.
OPEN: ColumnElement[bool] = ALERTS.c.status != literal_column("'Resolved'")
Index(
    "ix_alerts_open",
    ALERTS.c.last_event,
    ALERTS.c.seq,
    sqlite_where=text("status <> 'Resolved'"),
    postgresql_where=text("status <> 'Resolved'"),
)

# Counts by hour for charts: of each device, and under an empty `device_id` of all together. Allowed traffic is kept
# for all together alone.
ACTIVITY = Table(
    "activity",
    METADATA,
    Column("hour", Instant, primary_key=True),
    Column("device_id", String(128), primary_key=True),
    Column("measure", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Index("ix_activity_device_id_hour", "device_id", "hour"),
)

GATEWAYS = Table(
    "gateways",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("last_rejection", Text, nullable=False),
    Column("status", JSON),
    Column("status_time", Instant),
)

# Browser sessions. `id` is the SHA-256 of the cookie, so that a stolen database opens no console.
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("created", Instant, nullable=False),
    Column("expires", Instant, nullable=False, index=True),
    Column("user", String(256), nullable=False),
)
