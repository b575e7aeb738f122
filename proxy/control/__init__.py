"""The control socket: workers and the command line speak to the supervisor, a JSON object a line.

A request is `{"op": ..., "id": ..., fields}`; its reply `{"id": ..., "ok": true, fields}` or
`{"id": ..., "ok": false, "error": text}`. Requests of one connection may be answered in another order.
"""

from proxy.control.client import ControlClient
from proxy.control.protocol import ControlError

__all__ = ["ControlClient", "ControlError"]
