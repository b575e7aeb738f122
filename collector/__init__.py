"""Receives verdict events; keeps devices, alerts and risk; serves the API and the console.

A service of its own process. May import `indicators`, never `proxy` or `addons`.
"""
