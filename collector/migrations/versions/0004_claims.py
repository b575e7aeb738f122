"""Make the table of what clients said of a device's operating system."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "claims",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("places", sa.SmallInteger(), nullable=False),
        sa.Column("confidence", sa.SmallInteger(), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("built", sa.Date()),
        sa.Column("first_seen", Instant, nullable=False),
        sa.Column("last_seen", Instant, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], ondelete="CASCADE", name=op.f("fk_claims_device_id")),
        sa.PrimaryKeyConstraint("device_id", "source", "platform", "version", name=op.f("pk_claims")),
    )
