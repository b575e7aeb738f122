"""The collector's tables and every statement that reads or writes them; SQLite and PostgreSQL alike."""
