"""Make the table of allowed hosts as keyed hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its indexes."""
    op.create_table(
        "sightings",
        sa.Column("digest", sa.String(16), nullable=False),
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", Instant, nullable=False),
        sa.Column("last_seen", Instant, nullable=False),
        sa.Column("received", Instant, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], ondelete="CASCADE", name=op.f("fk_sightings_device_id")),
        sa.PrimaryKeyConstraint("digest", "device_id", "day", name=op.f("pk_sightings")),
    )
    op.create_index("ix_sightings_device_id", "sightings", ["device_id"])
    op.create_index(op.f("ix_sightings_received"), "sightings", ["received"])
