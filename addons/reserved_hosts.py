"""Answer the gateway's own names: the CA and a short page, and EICAR's harmless test file.

Nothing under these names ever leaves the machine. The test file passes the download stage like any body, so that
whoever fetches it sees whether malware is blocked.
"""

from __future__ import annotations

import hashlib
import ssl

from mitmproxy import http

from addons import pages
from addons.ca_memory import CaMemory
from addons.enforcement import answer, refuse_flow
from addons.guarded import guarded
from addons.services import Services
from addons.sight import host_of, said_host
from addons.visits import Visits
from indicators.words import OnError

GATEWAY = "seawall.internal"
EICAR = "eicar.seawall.internal"
SERVED = "seawall_served"  # in a flow's metadata: a body of ours that is judged like any other
_CA_TYPES = {"/ca.pem": "pem", "/ca.crt": "pem", "/ca.cer": "der", "/ca.der": "der"}

# EICAR's test file, in two halves so that no scanner takes this source for it. Made by eicar.org for free use.
_EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*")


def is_reserved(host: str) -> bool:
    """Say whether a canonical host is one that the gateway answers itself."""
    return host in (GATEWAY, EICAR) or host.endswith("." + GATEWAY)


class ReservedHosts:
    """Serve the reserved names."""

    name = "seawall-reserved-hosts"

    def __init__(self, services: Services, visits: Visits, memory: CaMemory) -> None:
        self._services = services
        self._visits = visits
        self._memory = memory
        self.on_error = OnError.CLOSED

    @guarded(refuse_flow, always=True)
    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Answer a request for a reserved name; one for another name on a connection made for ours is refused."""
        if flow.error or flow.response:
            return
        visit = self._visits.of(flow.client_conn)
        host = _host(flow.request)
        if not is_reserved(host):
            if visit.reserved:
                answer(flow, pages.refusal(421, "Wrong connection", "This connection was made for the gateway itself."))
            return
        served = self._serve(host, flow.request.path.partition("?")[0])
        if served.status_code == 200 and flow.request.path.startswith("/ca."):
            self._memory.forget_refusals(visit.device)
        if host == EICAR and served.status_code == 200:
            flow.metadata[SERVED] = True
            flow.request.stream = False
            flow.response = served
        else:
            answer(flow, served)

    def _serve(self, host: str, path: str) -> http.Response:
        if host == EICAR:
            return _test_file(path)
        certificate = self._services.authority()
        if host == GATEWAY and path == "/":
            return pages.welcome(_fingerprint(certificate))
        if host == GATEWAY and path in _CA_TYPES:
            return _authority(certificate, _CA_TYPES[path], path.removeprefix("/"))
        return pages.refusal(404, "Nothing here", "The gateway has no page at this address.", host)


def _host(request: http.Request) -> str:
    try:
        return said_host(request) or host_of(request.host)
    except ValueError:
        return ""


def _authority(pem: bytes, form: str, name: str) -> http.Response:
    body = pem if form == "pem" else ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))
    headers = {
        **pages.HEADERS,
        "Content-Type": "application/x-x509-ca-cert",
        "Content-Disposition": f'attachment; filename="seawall-{name}"',
    }
    return http.Response.make(200, body, headers)


def _test_file(path: str) -> http.Response:
    if path not in ("/eicar.com", "/eicar.com.txt"):
        return pages.refusal(404, "Nothing here", "The test file is at /eicar.com.", EICAR)
    kind = "text/plain" if path.endswith(".txt") else "application/octet-stream"
    return http.Response.make(
        200, "".join(_EICAR).encode(), {"Content-Type": kind, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    )


def _fingerprint(pem: bytes) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))).digest().hex(":").upper()
