"""The collector's numbers for Prometheus. Names and counts only: no device, no destination."""
