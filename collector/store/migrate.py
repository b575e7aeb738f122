"""Bring a database's tables to this version by Alembic. The steps themselves stand in `collector/migrations`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Run the missing steps inside the caller's transaction.

    Raises RuntimeError when the database was made by a newer Seawall, whose tables this one does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise RuntimeError(f"collector database: made by a newer Seawall (step {current}); update Seawall to open it")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
