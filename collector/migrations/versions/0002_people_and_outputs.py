"""Make the tables of accounts, tokens, audit, outputs and look-backs, and the indexes that the console reads by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant, Sequence

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table with its indexes."""
    _people()
    _outgoing()
    op.create_index("ix_alerts_status_last_event_seq", "alerts", ["status", "last_event", "seq"])
    op.create_index("ix_alerts_threat_name_last_event", "alerts", ["threat_name", "last_event"])
    op.create_index("ix_events_destination", "events", ["destination"])


def _people() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("last_login", Instant()),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
    )
    op.create_index("ix_invitations_expires", "invitations", ["expires"])
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("created_by", sa.String(256), nullable=False),
        sa.Column("expires", Instant()),
        sa.Column("last_used", Instant()),
        sa.Column("revoked", Instant()),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", Sequence, autoincrement=True, nullable=False),
        sa.Column("time", Instant(), nullable=False),
        sa.Column("who", sa.String(256), nullable=False),
        sa.Column("what", sa.String(64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_time", "audit", ["time"])
    op.create_index("ix_audit_who_seq", "audit", ["who", "seq"])


def _outgoing() -> None:
    op.create_table(
        "outputs",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_success", Instant()),
        sa.Column("last_failure", Instant()),
        sa.PrimaryKeyConstraint("name", name="pk_outputs"),
    )
    op.create_table(
        "look_backs",
        sa.Column("indicator", sa.String(64), nullable=False),
        sa.Column("time", Instant(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("indicator", name="pk_look_backs"),
    )
