"""Answer the checks by which the onboarding page tests a device, and remember what was seen of each for its page.

The page makes a word up and asks for it in three ways. A request shows that our DNS (or the proxy) found its name; a
ClientHello, that connections pass here, even if the handshake then fails; a request over TLS, that the CA is trusted.
"""

from __future__ import annotations

import json
from collections import OrderedDict

from mitmproxy import http, tls

from addons.own_hosts import CHECKS
from addons.services import Services
from addons.sight import host_of
from indicators.observation import Device, Observation
from indicators.testfeed import PHISHING_TEST
from indicators.words import Stage, Visibility

_KINDS = frozenset(("dns", "sni", "url"))
_REMEMBERED = 1024  # words
_HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    # The page may stand on the console or at the proxy's own port; there is nothing here but what its word met.
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",  # each check is a connection of its own
}


def word_of(host: str) -> tuple[str, str]:
    """Return word and kind of a check's host; empty ones for what is none.

    >>> word_of("0f1e.sni.check.seawall.internal")
    ('0f1e', 'sni')
    """
    word, _, kind = host.removesuffix("." + CHECKS).partition(".")
    known = host.endswith("." + CHECKS) and word.isalnum() and kind in _KINDS
    return (word, kind) if known else ("", "")


class SelfTest:
    """Watch ClientHellos for checks, and answer the checks' requests."""

    name = "seawall-self-test"

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: OrderedDict[str, set[str]] = OrderedDict()

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Note that a check's connection passed here; a hook, which decides nothing."""
        word, kind = word_of(host_of(data.client_hello.sni or ""))
        if kind == "sni":
            self._note(word, kind)

    def answer(self, host: str, device: Device, *, encrypted: bool) -> http.Response | None:
        """Answer a check's request; nothing for a host that is no check. `encrypted` says that it came under our CA."""
        word, kind = word_of(host)
        if not word:
            return None
        if kind == "dns" or encrypted:
            self._note(word, kind)
        found = {"seen": sorted(self._seen.get(word, ())), "blocking": self._blocks(device)}
        return http.Response.make(200, json.dumps(found).encode(), _HEADERS)

    def _note(self, word: str, kind: str) -> None:
        self._seen.setdefault(word, set()).add(kind)
        self._seen.move_to_end(word)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _blocks(self, device: Device) -> bool:
        """Say whether a request of this device for the test feed's phishing page would be stopped now."""
        asked = Observation(
            Stage.HTTP, device, (PHISHING_TEST,), f"https://{PHISHING_TEST}/", port=443, reach=Visibility.URL
        )
        return self._services.policy.judge(asked).stops
