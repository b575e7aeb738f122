"""What one device is handed when it is enrolled: put together here from `proxy/profiles`, and where it is put.

Secrets pass through in clear text once. No device is added and nothing is asked of the gateway here.
"""
