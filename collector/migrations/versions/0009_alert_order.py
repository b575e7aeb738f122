"""Let one index tell what lists of alerts are filtered by, so that none needs to read every alert."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEWEST = [
    "last_event", "seq", "status", "severity", "category", "created", "updated",
    "assigned_to", "classification", "determination",
]  # fmt: skip


def upgrade() -> None:
    """Make the wide index in place of the narrow one."""
    op.create_index("ix_alerts_newest", "alerts", _NEWEST)
    op.create_index("ix_alerts_created_seq", "alerts", ["created", "seq"])
    op.drop_index("ix_alerts_last_event_seq", "alerts")
