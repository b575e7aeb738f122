"""Alembic's entry: run the steps on the connection that `collector.store.migrate` hands over; no other way in."""

from __future__ import annotations

from alembic import context

from collector.store import claim_tables, people_tables, policy_tables, total_tables  # noqa: F401 - their tables join METADATA
from collector.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
