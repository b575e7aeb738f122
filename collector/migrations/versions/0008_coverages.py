"""Make the table of how well each device is covered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "coverages",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("gateway", sa.String(128), nullable=False),
        sa.Column("told", Instant, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("incident", Instant),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], ondelete="CASCADE", name=op.f("fk_coverages_device_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_coverages")),
    )
