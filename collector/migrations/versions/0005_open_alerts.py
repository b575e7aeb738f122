"""Index open alerts and each device's hours, and keep the hours of all devices together, so that pages stay quick."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TOTALS = """
INSERT INTO activity (hour, device_id, measure, count)
SELECT hour, '', measure, sum(count) FROM activity WHERE device_id <> '' GROUP BY hour, measure
"""


def upgrade() -> None:
    """Replace indexes, and sum the hours up."""
    is_open = sa.text("status <> 'Resolved'")
    op.create_index("ix_alerts_open", "alerts", ["last_event", "seq"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("ix_alerts_device_id_open", "alerts", ["device_id", "status", "severity"])
    op.drop_index("ix_alerts_device_id_status", "alerts")
    op.drop_index("ix_alerts_status_last_event_seq", "alerts")
    op.create_index("ix_activity_device_id_hour", "activity", ["device_id", "hour"])
    op.execute(_TOTALS)
