"""Ask the retained history: who met an indicator before it was known, and what would an edit have changed."""
