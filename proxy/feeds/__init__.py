"""Feeds at work: fetched, compiled in a process of their own, published, kept fresh. Parsing is `indicators.feeds`."""
