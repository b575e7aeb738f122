"""Who speaks first at which port: where upstream can wait for the client's first bytes, and where it cannot."""

from __future__ import annotations

PLAIN_HTTP_PORTS = frozenset((80, 8080))
CLIENT_FIRST_PORTS = PLAIN_HTTP_PORTS | {443, 853, 8443}
"""TLS and HTTP: the client speaks first. Elsewhere upstream is dialled at once, or SSH and SMTP would wait forever."""
SERVER_FIRST_PORTS = frozenset((21, 22, 23, 25, 110, 119, 143, 587, 3306, 5900))
"""No page can be shown there."""
