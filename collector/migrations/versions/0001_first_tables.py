"""Make the first tables: events, alerts, devices, activity, gateways, sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant, Sequence, SeverityRank

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table with its indexes."""
    op.create_table(
        "activity",
        sa.Column("hour", Instant(), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "device_id", "measure", name=op.f("pk_activity")),
    )
    op.create_table(
        "alerts",
        sa.Column("seq", Sequence, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_event", Instant(), nullable=False),
        sa.Column("last_event", Instant(), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("updated", Instant(), nullable=False),
        sa.Column("resolved", Instant(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("recommended_actions", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("threat_category", sa.String(length=64), nullable=False),
        sa.Column("threat_name", sa.Text(), nullable=False),
        sa.Column("severity", SeverityRank(), nullable=False),
        sa.Column("detection_source", sa.String(length=64), nullable=False),
        sa.Column("lead_time", Instant(), nullable=False),
        sa.Column("lead_event", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("classification", sa.String(length=64), nullable=True),
        sa.Column("determination", sa.String(length=64), nullable=True),
        sa.Column("assigned_to", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_alerts")),
        sa.UniqueConstraint("id", name=op.f("uq_alerts_id")),
    )
    op.create_index("ix_alerts_device_id_status", "alerts", ["device_id", "status"], unique=False)
    op.create_index("ix_alerts_last_event_seq", "alerts", ["last_event", "seq"], unique=False)
    op.create_index(op.f("ix_alerts_updated"), "alerts", ["updated"], unique=False)
    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("device_group", sa.String(length=128), nullable=False),
        sa.Column("identified_by", sa.String(length=32), nullable=False),
        sa.Column("gateway", sa.String(length=128), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("user_agent_seen", Instant(), nullable=True),
        sa.Column("os_platform", sa.String(length=32), nullable=False),
        sa.Column("os_version", sa.String(length=64), nullable=False),
        sa.Column("os_seen", Instant(), nullable=True),
        sa.Column("allowed_count", sa.BigInteger(), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_last_seen"), "devices", ["last_seen"], unique=False)
    op.create_index(op.f("ix_devices_received"), "devices", ["received"], unique=False)
    op.create_table(
        "events",
        sa.Column("seq", Sequence, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.Column("time", Instant(), nullable=False),
        sa.Column("last_time", Instant(), nullable=False),
        sa.Column("gateway", sa.String(length=128), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=True),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index("ix_events_alert_id_seq", "events", ["alert_id", "seq"], unique=False)
    op.create_index("ix_events_device_id_seq", "events", ["device_id", "seq"], unique=False)
    op.create_index(op.f("ix_events_received"), "events", ["received"], unique=False)
    op.create_table(
        "gateways",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("last_rejection", sa.Text(), nullable=False),
        sa.Column("status", sa.JSON(), nullable=True),
        sa.Column("status_time", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gateways")),
    )
    op.create_table(
        "orphans",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("time", Instant(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orphans")),
    )
    op.create_index(op.f("ix_orphans_incident"), "orphans", ["incident"], unique=False)
    op.create_index(op.f("ix_orphans_received"), "orphans", ["received"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_received"), "receipts", ["received"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.Column("user", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires"), "sessions", ["expires"], unique=False)
    op.create_table(
        "comments",
        sa.Column("seq", Sequence, autoincrement=True, nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=256), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name=op.f("fk_comments_alert_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_comments")),
    )
    op.create_index(op.f("ix_comments_alert_id"), "comments", ["alert_id"], unique=False)
    op.create_table(
        "device_traits",
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_device_traits_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "kind", "value", name=op.f("pk_device_traits")),
    )
