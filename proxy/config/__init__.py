"""The one file a user edits: its typed model, how it is read, and what is said when it is wrong."""
