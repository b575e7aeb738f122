"""Answer the gateway's own names: the onboarding page with its files and checks, and EICAR's test files.

Nothing under these names ever leaves the machine. The test files pass the download stage like any body, so that
whoever fetches them sees whether malware is blocked.
"""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy import http

from addons import harmless, notice, pages, seams
from addons.ca_memory import CaMemory
from addons.enforcement import answer, refuse_flow
from addons.guarded import guarded
from addons.onboarding import CA_FILES, encoded, fingerprint_of, page_of
from addons.own_hosts import EICAR, GATEWAY, is_reserved
from addons.self_test import SelfTest
from addons.services import Services
from addons.sight import asked_host, host_of
from addons.visits import Visits
from indicators.observation import Device
from indicators.words import OnError

_MAX_WORD = 64  # characters
PROBE = "/.seawall/probe/"
"""Where a computer asks whether its traffic comes here; the word behind it is said again."""
SERVED = "seawall_served"  # in a flow's metadata: a body of ours that is judged like any other

_TEST_FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "/eicar.com": ("application/octet-stream", lambda: harmless.EICAR),
    "/eicar.com.txt": ("text/plain", lambda: harmless.EICAR),
    "/eicar.zip": ("application/zip", harmless.zipped),
    "/eicar.apk": ("application/vnd.android.package-archive", harmless.package),
}


class ReservedHosts:
    """Serve the reserved names."""

    name = "seawall-reserved-hosts"

    def __init__(self, services: Services, visits: Visits, memory: CaMemory, checks: SelfTest) -> None:
        self._services = services
        self._visits = visits
        self._memory = memory
        self._checks = checks
        self.on_error = OnError.CLOSED

    @guarded(refuse_flow, always=True)
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Answer a request for a reserved name; one for another name on a connection made for ours is refused."""
        if flow.error or flow.response:
            return
        visit = self._visits.of(flow.client_conn)
        host = _host(flow.request)
        if not is_reserved(host):
            if visit.reserved:
                answer(flow, pages.refusal(421, "Wrong connection", "This connection was made for the gateway itself."))
            return
        served = self._serve(host, flow, visit.device)
        if served.status_code == 200 and flow.request.path.startswith("/ca."):
            self._memory.forget_refusals(visit.device)
        if host == EICAR and served.status_code == 200:
            flow.metadata[SERVED] = True
            flow.request.stream = False
            flow.response = served
        else:
            # One that came to the proxy's own port was written anew by the front: the next one would not be.
            answer(flow, served, last=_asked_of(flow.request) != host)

    def _serve(self, host: str, flow: http.HTTPFlow, device: Device) -> http.Response:
        path = flow.request.path.partition("?")[0]
        if host == EICAR:
            return _test_file(path)
        if host == GATEWAY:
            return self._of_gateway(path, flow.request, device)
        checked = self._checks.answer(host, device, encrypted=flow.client_conn.tls_established)
        return checked or _nothing(host)

    def _of_gateway(self, path: str, request: http.Request, device: Device) -> http.Response:
        certificate = self._services.authority()
        if path.startswith(PROBE):
            return _proof(path.removeprefix(PROBE))
        if path == "/":
            agent = request.headers.get("user-agent", "")
            page = page_of(agent, fingerprint_of(certificate), notice.plain(device.name))
            headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": page.policy}
            return http.Response.make(200, page.html.encode(), {**pages.HEADERS, **headers})
        if path in CA_FILES:
            return _authority(certificate, *CA_FILES[path], path.removeprefix("/"))
        if path in self._services.handed_out:
            body, media = self._services.handed_out[path](request.headers.get("host", ""))
            return http.Response.make(200, body, {**pages.HEADERS, "Content-Type": media})
        return _nothing(GATEWAY)


def _nothing(host: str) -> http.Response:
    return pages.refusal(404, "Nothing here", "The gateway has no page at this address.", host)


def _asked_of(request: http.Request) -> str:
    """Return the host that the client asked, by its Host header: another than ours at the proxy's own port."""
    return _named(request.headers.get("host", request.authority))


def _proof(word: str) -> http.Response:
    said = word if word.isalnum() and len(word) <= _MAX_WORD else ""
    return http.Response.make(200, said.encode(), {**pages.HEADERS, "Content-Type": "text/plain"})


def _host(request: http.Request) -> str:
    """Return the host that a request is for: that of a target in absolute form where it is ours, else what it says."""
    target = _named(seams.target_of(request))
    return target if is_reserved(target) else asked_host(request)


def _named(authority: str) -> str:
    """Return the canonical name in `host:port`; empty for an address in brackets and for what is no name."""
    return host_of(authority.rpartition("]")[2].partition(":")[0])


def _authority(pem: bytes, form: str, media: str, name: str) -> http.Response:
    headers = {
        **pages.HEADERS,
        "Content-Type": media,
        "Content-Disposition": f'attachment; filename="seawall-{name}"',
    }
    return http.Response.make(200, encoded(pem, form), headers)


def _test_file(path: str) -> http.Response:
    if path not in _TEST_FILES:
        return pages.refusal(404, "Nothing here", f"The test files are at {', '.join(_TEST_FILES)}.", EICAR)
    kind, made = _TEST_FILES[path]
    return http.Response.make(
        200, made(), {"Content-Type": kind, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    )
