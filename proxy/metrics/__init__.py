"""The gateway's numbers for Prometheus: read from its status, shown to whoever has the read token."""
