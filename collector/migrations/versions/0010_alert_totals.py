"""Make the tables of what pages count of alerts, and fill them from the alerts that are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from collector.store.columns import SeverityRank

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PAGE = 10_000  # alerts
_WORDS = ("day", "destination", "hidden", "threat_name", "detection_source", "threat_category")
_KINDS = {"hidden": sa.Boolean()}
_ALERTS = sa.table("alerts", sa.column("seq"), *(sa.column(name, _KINDS.get(name)) for name in _WORDS))


def upgrade() -> None:
    """Make the tables, let each alert name its row, and count."""
    op.create_table(
        "alert_totals",
        sa.Column("id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("threat_name", sa.Text(), nullable=False),
        sa.Column("detection_source", sa.String(64), nullable=False),
        sa.Column("threat_category", sa.String(64), nullable=False),
        sa.Column("alerts", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_totals")),
    )
    op.create_index(op.f("ix_alert_totals_day"), "alert_totals", ["day"])
    op.create_table(
        "open_alerts",
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("severity", SeverityRank, nullable=False, autoincrement=False),
        sa.Column("alerts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "severity", name=op.f("pk_open_alerts")),
    )
    op.add_column("alerts", sa.Column("total", sa.BigInteger(), nullable=False, server_default="0"))
    _number_alerts(op.get_bind())
    op.create_index("ix_alerts_total_device_id", "alerts", ["total", "device_id"])
    op.execute(
        "INSERT INTO alert_totals "
        "(id, day, destination, hidden, threat_name, detection_source, threat_category, alerts, count) "
        "SELECT total, day, destination, hidden, threat_name, detection_source, threat_category, count(*), sum(count) "
        "FROM alerts GROUP BY total, day, destination, hidden, threat_name, detection_source, threat_category"
    )
    op.execute(
        "INSERT INTO open_alerts (device_id, severity, alerts) "
        "SELECT device_id, severity, count(*) FROM alerts WHERE status <> 'Resolved' GROUP BY device_id, severity"
    )


def _number_alerts(connection: sa.Connection) -> None:
    """Write down for each alert which row it counts in, a page of alerts at a time."""
    last = 0
    wanted = sa.select(_ALERTS.c.seq, *(_ALERTS.c[name] for name in _WORDS)).order_by(_ALERTS.c.seq).limit(_PAGE)
    while page := connection.execute(wanted.where(_ALERTS.c.seq > last)).all():
        last = page[-1][0]
        _write(connection, [row[0] for row in page], [_number(*row[1:]) for row in page])


def _write(connection: sa.Connection, seqs: Sequence[int], totals: Sequence[int]) -> None:
    if connection.dialect.name == "sqlite":
        rows = list(zip(totals, seqs, strict=True))
        connection.exec_driver_sql("UPDATE alerts SET total = ? WHERE seq = ?", rows)
        return
    numbers = sa.ARRAY(sa.BigInteger)
    arrays = sa.func.unnest(sa.literal(seqs, numbers), sa.literal(totals, numbers))
    given = arrays.table_valued(sa.column("seq"), sa.column("total")).render_derived("given")
    alerts = sa.table("alerts", sa.column("seq"), sa.column("total"))
    connection.execute(sa.update(alerts).where(alerts.c.seq == given.c.seq).values(total=given.c.total))


def _number(*words: str | bool) -> int:
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:8]) >> 1
