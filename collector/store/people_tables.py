"""The tables of people and programs that use the collector, of what they changed, and of what leaves it.

Made by Alembic's migrations like those of `tables.py`. No statement stands here.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, String, Table, Text

from collector.store.columns import Instant, Sequence
from collector.store.tables import METADATA

# People who log in with a password. `password` is an argon2id hash with its parameters.
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("last_login", Instant),
)

# Links that make one account. `id` is the SHA-256 of the link's secret; `name` is empty where the guest chooses one.
INVITATIONS = Table(
    "invitations",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("expires", Instant, nullable=False, index=True),
)

# Tokens of programs. `digest` is the SHA-256 of the secret half; the secret itself is shown once and kept nowhere.
API_TOKENS = Table(
    "api_tokens",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created", Instant, nullable=False),
    Column("created_by", String(256), nullable=False),
    Column("expires", Instant),
    Column("last_used", Instant),
    Column("revoked", Instant),
)

# Who changed what. Rows are only ever added, and removed when their retention ends.
AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("time", Instant, nullable=False, index=True),
    Column("who", String(256), nullable=False),
    Column("what", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_audit_who_seq", "who", "seq"),
)

# How far each output has come, and how its deliveries go. `position` is the `seq` delivered last, by table.
OUTPUTS = Table(
    "outputs",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("position", JSON, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("last_success", Instant),
    Column("last_failure", Instant),
)

# Indicators for which the retained history was searched.
LOOK_BACKS = Table(
    "look_backs",
    METADATA,
    Column("indicator", String(64), primary_key=True),
    Column("time", Instant, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("devices", BigInteger, nullable=False),
)
