"""`metrics:` where the gateway shows its numbers to Prometheus. Nothing is read or resolved here."""

from __future__ import annotations

from pydantic import Field

from proxy.config.values import Address, Port, Section


class MetricsConfig(Section):
    """Where the gateway shows its numbers to Prometheus."""

    host: Address = Field(default="127.0.0.1", validate_default=True)  # type: ignore[assignment]
    """Address for `/metrics`."""
    port: Port | None = None
    """Port for `/metrics`; none by default. The read token is asked for."""
