"""Make the tables of indicators, the gateways' stream, access requests, risk, groups, tags and posture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant, Sequence, SeverityRank

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table with its indexes."""
    _indicators()
    _stream()
    _requests()
    _devices()


def _indicators() -> None:
    op.create_table(
        "indicators",
        sa.Column("seq", Sequence, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("severity", SeverityRank()),
        sa.Column("recommended_actions", sa.Text(), nullable=False),
        sa.Column("educate_url", sa.Text(), nullable=False),
        sa.Column("generate_alert", sa.Boolean(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("techniques", sa.JSON(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("source_type", sa.String(16), nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("updated_by", sa.String(256), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("updated", Instant(), nullable=False),
        sa.Column("expires", Instant()),
        sa.UniqueConstraint("type", "value", name="uq_indicators_type_value"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_indicators_expires", "indicators", ["expires"])


def _stream() -> None:
    op.create_table(
        "policy_changes",
        sa.Column("seq", Sequence, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("body", sa.JSON()),
        sa.Column("time", Instant(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_policy_changes_kind_key", "policy_changes", ["kind", "key"])
    op.create_table(
        "policy_stream",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_stream"),
    )
    op.create_table(
        "enrolled_gateways",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("last_used", Instant()),
        sa.PrimaryKeyConstraint("name", name="pk_enrolled_gateways"),
    )
    op.create_index("ix_enrolled_gateways_digest", "enrolled_gateways", ["digest"])
    op.create_table(
        "policy_followers",
        sa.Column("gateway", sa.String(128), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=False),
        sa.Column("time", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name="pk_policy_followers"),
    )


def _requests() -> None:
    op.create_table(
        "access_requests",
        sa.Column("seq", Sequence, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("device_name", sa.String(256), nullable=False),
        sa.Column("gateway", sa.String(128), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("incident", sa.String(64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("decided", Instant()),
        sa.Column("decided_by", sa.String(256)),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("until", Instant()),
        sa.UniqueConstraint("id", name="uq_access_requests_id"),
    )
    op.create_index("ix_access_requests_device_id", "access_requests", ["device_id"])
    op.create_index("ix_access_requests_status_seq", "access_requests", ["status", "seq"])
    op.create_index("ix_access_requests_until", "access_requests", ["until"])


def _devices() -> None:
    op.create_table(
        "risks",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_risks"),
    )
    op.create_table(
        "risk_changes",
        sa.Column("seq", Sequence, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("time", Instant(), nullable=False),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_risk_changes_time", "risk_changes", ["time"])
    op.create_index("ix_risk_changes_device_id_seq", "risk_changes", ["device_id", "seq"])
    op.create_table(
        "device_groups",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_device_groups"),
    )
    op.create_table(
        "device_tags",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("tag", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_device_tags_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", "tag", name="pk_device_tags"),
    )
    op.create_table(
        "postures",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("issuer", sa.String(256), nullable=False),
        sa.Column("issued", Instant(), nullable=False),
        sa.Column("received", Instant(), nullable=False),
        sa.Column("compromised", sa.Boolean(), nullable=False),
        sa.Column("os_platform", sa.String(32), nullable=False),
        sa.Column("os_version", sa.String(64), nullable=False),
        sa.Column("patch_level", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_postures"),
    )
    op.create_index("ix_postures_received", "postures", ["received"])
