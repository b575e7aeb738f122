"""WireGuard without root: mitmproxy's own stack, one listener with its port and keys for each device.

The listener is the identity: inside such a tunnel a device may write any sender's address, so none is believed.
"""
