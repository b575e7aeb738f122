"""Judge what is downloaded: the bodies that policy names are withheld until they have been looked into and judged.

Named are bodies that a browser would save rather than show. What pages are made of, media and streams are passed on as
they come, and so is what is longer than the limit; that is counted as not looked at.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from dataclasses import replace

from mitmproxy import connection, ctx, http
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.utils import human

from addons import holding, seams
from addons.enforcement import Enforcer, is_ours, refuse_flow
from addons.guarded import guarded
from addons.held_bytes import Holder
from addons.judging import Judging
from addons.known_files import KnownFiles
from addons.looked_into import LookedInto, file_name, look_into
from addons.named_bodies import is_file, is_named
from addons.own_hosts import EICAR
from addons.request import JUDGED
from addons.reserved_hosts import SERVED
from addons.scanning import outcome as scan_outcome
from addons.services import Services
from addons.sight import url_on
from addons.visits import Judgement, Visit, Visits
from addons.whole_file import judged_whole
from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Action, Stage, Visibility

_NO_ROOM = "seawall_found_no_room"  # in a flow's metadata: it waited for room in vain
_WHOLE_RANGE = re.compile(r"bytes 0-(\d+)/(\d+)").fullmatch

log = logging.getLogger(__name__)


class DownloadGate:
    """Judge bodies. Those that were named and pass without being looked into to their end are counted (`unseen`)."""

    name = "seawall-download"

    def __init__(self, services: Services, visits: Visits, judging: Judging, enforcer: Enforcer) -> None:
        self.on_error = services.on_error
        self._files = KnownFiles()
        self._services = services
        self._visits = visits
        self._judging = judging
        self._enforcer = enforcer

    def running(self) -> None:
        """Have mitmproxy stream what outgrows the limit while it is being collected."""
        if ctx.options.stream_large_bodies is None:
            ctx.options.update(stream_large_bodies=f"{self._services.hold_limit}")

    @guarded(refuse_flow)
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Ask for the whole of a file: a part of it has another hash, and cannot be looked into (RFC 9110, 14.2)."""
        judged = flow.metadata.get(JUDGED)
        if isinstance(judged, Judgement) and self._is_wanted(judged):
            self._ask_for_the_whole(flow.request)

    @guarded(lambda flow: seams.hang_up(flow.client_conn))
    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Decide which bodies are collected; the others are streamed."""
        if flow.response is None or flow.error or is_ours(flow):
            return
        judged = flow.metadata.get(JUDGED)
        wanted = isinstance(judged, Judgement) and self._is_wanted(judged)
        if flow.metadata.get(SERVED) or (wanted and self._is_named(flow, flow.response)):
            if self._is_too_long(flow, flow.response) or _is_part(flow.request, flow.response):
                self._pass_or_withhold(flow, flow.response, self._why(flow))
                return
            self._learn(flow.request, flow.response)
            flow.metadata[holding.HELD] = True
            flow.metadata[holding.FORGOTTEN] = self._services.streams
            flow.metadata[holding.WITHHELD] = self._services.blocks_large
            flow.response.stream = False
            self._find_room(flow, flow.response)
        elif self._services.streams:
            flow.response.stream = True

    @guarded(lambda flow: seams.hang_up(flow.client_conn))
    async def seawall_room(self, flow: http.HTTPFlow) -> None:
        """Have a body wait until others have gone; what finds no room in time is treated as one that is too long."""
        if flow.response is None:
            return
        services = self._services
        read_on = holding.stop_reading(flow.client_conn, flow.server_conn)
        try:
            found = await services.held.take(_holder(flow), self._size(flow, flow.response), services.scan.hold)
        finally:
            read_on()
        if not found:
            self._without_room(flow, flow.response)

    def error(self, flow: http.HTTPFlow) -> None:
        """Free the room of a body that never came to its end."""
        self._services.held.give_back(_holder(flow))

    def client_disconnected(self, client: connection.Client) -> None:
        """Free the room of whatever a client has left behind, and let what waits wait no longer."""
        self._services.held.gone(client.id)

    @guarded(refuse_flow)
    def response(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Judge a collected body; one that is stopped is replaced by the page before a byte of it was sent."""
        if flow.response is None or not flow.metadata.get(holding.HELD):
            return None
        return self._judge_collected(flow, flow.response)

    async def _judge_collected(self, flow: http.HTTPFlow, response: http.Response) -> None:
        try:
            if is_ours(flow):
                return
            if response.raw_content is None or response.stream:
                self._passed_unseen(flow, self._too_long())
            else:
                await self._judge_body(flow, response, response.raw_content)
        finally:
            self._services.held.give_back(_holder(flow))

    async def _judge_body(self, flow: http.HTTPFlow, response: http.Response, body: bytes) -> None:
        services = self._services
        limit = services.hold_limit * 4
        found = await look_into(response, body, file_name(flow), limit, services.scanner, services.scan)
        visit = self._visits.of(flow.client_conn)
        judged = self._judged(self._seen(flow, visit), found)
        if judged.stops:
            self._enforcer.page(flow, visit, judged)
        else:
            for why in found.left_out:
                self._passed_unseen(flow, why)
            self._enforcer.passed(visit, judged)

    @guarded(refuse_flow)
    def seawall_outgrown(self, flow: http.HTTPFlow) -> None:
        """Free the room of a body that is longer than what may be held, and answer for one that is withheld."""
        self._services.held.give_back(_holder(flow))
        if not flow.metadata.get(holding.WITHHELD):
            return
        visit = self._visits.of(flow.client_conn)
        reason = f"{self._why(flow)}, and policy.large_download is block"
        self._enforcer.page(flow, visit, Judgement(self._seen(flow, visit), Verdict(Action.BLOCK, reason, alert=True)))

    def _ask_for_the_whole(self, request: http.Request) -> None:
        if is_file(request.path) or self._files.holds(request.host, request.port, request.path):
            for name in ("range", "if-range"):
                request.headers.pop(name, None)

    def _is_wanted(self, judged: Judgement) -> bool:
        return self._services.scanner is not None or judged.verdict.needs is Visibility.BODY

    def _is_too_long(self, flow: http.HTTPFlow, response: http.Response) -> bool:
        return (expected_http_body_size(flow.request, response) or 0) > self._services.hold_limit

    def _find_room(self, flow: http.HTTPFlow, response: http.Response) -> None:
        """Take room for a body, or have it wait. Streams of HTTP/2 share a connection: none can be held back alone."""
        shared = flow.server_conn.alpn == b"h2"
        if self._services.held.take_now(_holder(flow), self._size(flow, response), beyond=shared):
            return
        if shared:
            self._without_room(flow, response)
        else:
            flow.metadata[holding.NO_ROOM] = True

    def _without_room(self, flow: http.HTTPFlow, response: http.Response) -> None:
        del flow.metadata[holding.HELD]
        flow.metadata[_NO_ROOM] = True
        self._pass_or_withhold(flow, response, self._why(flow))

    def _size(self, flow: http.HTTPFlow, response: http.Response) -> int:
        """Return the room that a body may need: its length, or for one of unknown length the most that is held."""
        size = expected_http_body_size(flow.request, response)
        return self._services.hold_limit if size is None or size < 0 else size

    def _pass_or_withhold(self, flow: http.HTTPFlow, response: http.Response, why: str) -> None:
        """Let a body that is too long start: it passes, or comes to `seawall_outgrown` before a byte is sent."""
        if self._services.blocks_large:
            flow.metadata[holding.WITHHELD] = response.stream = True
        else:
            self._passed_unseen(flow, why)
            response.stream = self._services.streams

    def _passed_unseen(self, flow: http.HTTPFlow, why: str) -> None:
        self._services.unseen(self._visits.of(flow.client_conn).device, why)
        log.info("a download passed unseen: %s", why)

    def _why(self, flow: http.HTTPFlow) -> str:
        if flow.metadata.get(_NO_ROOM):
            return "too many other downloads were being looked into"
        if flow.response is not None and _is_part(flow.request, flow.response):
            return "its client asked for a part of it"
        return f"{self._too_long()}, too long to be looked into"

    def _too_long(self) -> str:
        return f"it is longer than {human.pretty_size(self._services.hold_limit)}"

    def _is_named(self, flow: http.HTTPFlow, response: http.Response) -> bool:
        """Say whether a body is one that would be saved."""
        size = expected_http_body_size(flow.request, response)
        kind, said = (response.headers.get(name, "") for name in ("content-type", "content-disposition"))
        return size != 0 and is_named(flow.request.path, kind, said, size)

    def _learn(self, request: http.Request, response: http.Response) -> None:
        """Take note of where a whole file came from; what is read in parts from the start (films) is left in parts."""
        if response.status_code == 200:
            self._files.learn(request.host, request.port, request.path)

    def _judged(self, seen: Observation, found: LookedInto) -> Judgement:
        """Judge what is known of a file. What is told of it names the file's own hashes, not all that it contains."""
        told = replace(seen, hashes=found.hashes)
        met = scan_outcome.met(found.name, found.hashes[0], found.report, self._services.scan) if found.report else ()
        verdict = judged_whole(lambda part: self._judging.judge(part).verdict, told, found, met)
        if found.report is not None:
            verdict = scan_outcome.described(verdict, found.name, found.report)
        failure = found.failure or (found.report.failures[0] if found.report and found.report.failures else "")
        if failure and not verdict.stops:
            log.warning("a download could not be scanned: %s", failure)
            verdict = replace(self._judging.failed(), reason=f"{failure}; {self._judging.failed().reason}")
        return Judgement(told, verdict)

    def _seen(self, flow: http.HTTPFlow, visit: Visit) -> Observation:
        before = flow.metadata.get(JUDGED)
        if isinstance(before, Judgement):
            return replace(before.seen, stage=Stage.DOWNLOAD)
        return Observation(
            Stage.DOWNLOAD,
            visit.device,
            hosts=(EICAR,),
            url=url_on(flow.request, EICAR),
            port=flow.request.port,
            user_agent=flow.request.headers.get("user-agent", ""),
        )


def _holder(flow: http.HTTPFlow) -> Holder:
    return Holder(flow.client_conn.id, flow.id)


def _is_part(request: http.Request, response: http.Response) -> bool:
    """Say whether a client gets the part of a file that it asked for: it says nothing about the whole.

    What a server calls a part unasked is all that its client gets, and is taken for the file.
    """
    if response.status_code != 206 or "range" not in request.headers:
        return False
    found = _WHOLE_RANGE(response.headers.get("content-range", ""))
    return found is None or int(found[1]) + 1 != int(found[2])
