"""Make the table of signs of a jailbreak."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from collector.store.columns import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "jailbreak_signs",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("store", sa.String(128), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", Instant, nullable=False),
        sa.Column("last_seen", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], ondelete="CASCADE", name=op.f("fk_jailbreak_signs_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "kind", "store", name=op.f("pk_jailbreak_signs")),
    )
