"""A proxy auto-configuration file: everything by the gateway, but what is on the device's own network.

It never ends with DIRECT: a gateway that is down would then protect nobody, and nobody would notice.
"""

from __future__ import annotations

import json

MEDIA_TYPE = "application/x-ns-proxy-autoconfig"


def text_of(proxy: str, portal: str = "") -> str:
    """Return the file for a proxy at `host:port`; `portal` is a host that is reached directly (onboarding)."""
    for part in (proxy, portal):
        if any(sign in part for sign in "\r\n;\"'\\ "):
            raise ValueError(f"{part!r} cannot stand in a PAC file")
    direct = [f"if (host === {json.dumps(portal)}) return 'DIRECT';"] if portal else []
    lines = [
        "function FindProxyForURL(url, host) {",
        "  if (isPlainHostName(host) || host === '127.0.0.1' || host === '::1') return 'DIRECT';",
        *(f"  {line}" for line in direct),
        f"  return {json.dumps(f'PROXY {proxy}')};",
        "}",
        "",
    ]
    return "\n".join(lines)
