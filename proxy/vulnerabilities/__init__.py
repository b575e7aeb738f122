"""Fetch knowledge of operating system releases; what it means is the collector's to say."""
