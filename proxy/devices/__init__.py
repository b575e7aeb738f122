"""Who a device is: the one registry behind DoH and DoT tokens, proxy credentials and tunnel keys, and the weak rest.

`store.py` writes it (the supervisor alone), `published.py` reads it in every other process, `directory.py` turns what
a connection showed into a `Device`.
"""

from proxy.devices.directory import DeviceDirectory
from proxy.devices.record import DeviceRecord

__all__ = ["DeviceDirectory", "DeviceRecord"]
