"""The files that the onboarding page offers beside the CA: a PAC file and an Apple profile, made for who asks.

Composed here because neither the inspector's addons nor the collector may know `proxy/profiles`. Nothing secret is in
them: credentials and tunnels are handed out by `seawall devices add` and its links alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from addons.onboarding import CA_FILES, Making, encoded, fingerprint_of, page_of
from collector.settings import Onboarding
from indicators.hosts import canonical_host, is_address
from proxy import endpoints
from proxy.config.sections.proxy import ProxyConfig
from proxy.enrolment.places import PAC_PATH, reachable
from proxy.profiles import apple, pac
from proxy.profiles.apple import AppleProfile
from proxy.state import StateDir

PROFILE_PATH = "/ca.mobileconfig"
WPAD_PATH = "/wpad.dat"


def handed_out(
    config: ProxyConfig, installation: str, authority: Callable[[], bytes], *, at_proxy: bool = True
) -> Mapping[str, Making]:
    """Return what makes each file, by path. `at_proxy` says that a client which names a port means the proxy's own."""

    def pac_file(asked_of: str) -> tuple[bytes, str]:
        return pac.text_of(proxy_for(asked_of, config, at_proxy=at_proxy)).encode(), pac.MEDIA_TYPE

    def profile(asked_of: str) -> tuple[bytes, str]:
        wanted = AppleProfile(f"gateway-{installation}", "this gateway", authority())
        return apple.profile_of(wanted), apple.MEDIA_TYPE

    return {PAC_PATH: pac_file, WPAD_PATH: pac_file, PROFILE_PATH: profile}


def for_console(config: ProxyConfig, state: StateDir, installation: str) -> Onboarding:
    """Return what the console beside a gateway lets a device set itself up with; the CA is read at each request."""
    pem = state.ca_certificate.read_bytes
    beside = handed_out(config, installation, pem, at_proxy=False)
    files: dict[str, Making] = {path.removeprefix("/"): made for path, made in beside.items()}
    files |= {path.removeprefix("/"): _ca_file(pem, form, media) for path, (form, media) in CA_FILES.items()}
    return Onboarding(page=lambda agent: _page(agent, pem()), files=files)


def _ca_file(pem: Callable[[], bytes], form: str, media: str) -> Making:
    return lambda asked_of: (encoded(pem(), form), media)


def _page(agent: str, pem: bytes) -> tuple[str, str]:
    made = page_of(agent, fingerprint_of(pem), base="/onboarding/")
    return made.html, made.policy


def proxy_for(asked_of: str, config: ProxyConfig, *, at_proxy: bool) -> str:
    """Return the proxy as whoever asked reaches it: by the address that it asked at, since that one works.

    A name is not taken over: a PAC file is kept, and the names of a network change. Nor is what is no address.
    """
    host, port = _parts(asked_of)
    if not is_address(host):
        return endpoints.spell(reachable(str(config.host)), config.port)
    return endpoints.spell(host, port if port and at_proxy else config.port)


def _parts(asked_of: str) -> tuple[str, int]:
    """Return host and port of a Host header; an empty host for what is none, 0 for no port."""
    name, bracket, rest = asked_of.rpartition("]")
    host, _, port = rest.partition(":")
    try:
        found = canonical_host(name + bracket + host)
    except ValueError:
        return "", 0
    return found, int(port) if port.isdecimal() and 0 < int(port) < 65536 else 0
