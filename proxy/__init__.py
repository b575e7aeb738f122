"""The running gateway and its composition root: configuration, DNS interceptor, inspectors, feeds, reporting, CLI.

May import every other room; nothing imports this one.
"""
