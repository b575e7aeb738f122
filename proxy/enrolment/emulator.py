"""The commands that put an Android emulator behind the gateway, as text; docs/emulator.md explains them."""

from __future__ import annotations

from proxy.emulator import CA_ON_DEVICE, HOST_FROM_EMULATOR
from proxy.enrolment.places import Places


def commands(places: Places, conf: str, authority: str) -> list[str]:
    """Return lines for a shell: the proxy, the CA, and where there are such, the tunnel and Private DNS.

    An emulator's global proxy takes no password: its device is known by the tunnel, or by address.
    """
    settings = "adb shell settings put global"
    lines = [
        f"{settings} http_proxy {HOST_FROM_EMULATOR}:{places.proxy_port}",
        f"adb push {authority} {CA_ON_DEVICE}",
    ]
    if conf:
        lines += [
            f"{settings} http_proxy :0   # with the tunnel no proxy is needed",
            f"adb push {conf} /sdcard/Download/",
            "adb shell appops set com.wireguard.android ACTIVATE_VPN allow",
        ]
    if places.dot:
        lines += [f"{settings} private_dns_mode hostname", f"{settings} private_dns_specifier {places.dot}"]
    return lines
