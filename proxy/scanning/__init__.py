"""Scan processes: files are looked into away from the inspector, so that a slow rule delays no other flow."""
