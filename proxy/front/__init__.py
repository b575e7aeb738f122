"""The connection front: takes explicit traffic, judges it, and splices what needs no closer look."""
