"""Judge what is downloaded by its hash: the bodies that policy names are withheld until their hash is judged.

Named are bodies that a browser would save rather than show. What pages are made of, media and streams are passed on as
they come, and so is what is longer than the limit; that is counted as not looked at.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import replace

from mitmproxy import ctx, http
from mitmproxy.net.http.http1 import expected_http_body_size
from mitmproxy.utils import human

from addons import seams
from addons.bodies import digests
from addons.enforcement import Enforcer, is_ours, refuse_flow
from addons.guarded import guarded
from addons.judging import Judging
from addons.request import JUDGED
from addons.reserved_hosts import EICAR, SERVED
from addons.services import Services
from addons.sight import url_on
from addons.visits import Judgement, Visit, Visits
from indicators.observation import Observation
from indicators.words import Stage, Visibility

_HELD = "seawall_held"  # in a flow's metadata: the body is being collected
_SMALL_TEXT = 1024 * 1024  # bytes; plain text of a known length up to this is cheap to hold
_IN_A_THREAD = 256 * 1024  # bytes; hashing more than this would hold the loop up
_PAGE_LIKE = re.compile(
    r"text/(?!plain)|image/|audio/|video/|font/|multipart/|message/|"
    r"application/(?:[\w.+-]*\+)?(?:xml|json)\b|application/(?:x-)?(?:javascript|ecmascript|font[\w-]*|www-form\S*)|"
    r"application/(?:wasm|xhtml\+xml|manifest\S*|grpc\S*|dns-message|dash\+xml|vnd\.apple\.mpegurl|x-mpegurl|"
    r"x-ndjson|jsonl|ocsp-response|pkix-crl|protobuf|x-protobuf|ohttp\S*|vnd\.ms-fontobject)\b"
).match
_WHOLE_RANGE = re.compile(r"bytes 0-(\d+)/(\d+)").fullmatch

log = logging.getLogger(__name__)


class DownloadGate:
    """Judge bodies. `unhashed` counts those that were named and too long."""

    name = "seawall-download"

    def __init__(self, services: Services, visits: Visits, judging: Judging, enforcer: Enforcer) -> None:
        self.on_error = services.on_error
        self.unhashed = 0
        self._services = services
        self._visits = visits
        self._judging = judging
        self._enforcer = enforcer

    def running(self) -> None:
        """Have mitmproxy stream what outgrows the limit while it is being collected."""
        if ctx.options.stream_large_bodies is None:
            ctx.options.update(stream_large_bodies=f"{self._services.hold_limit}")  # type: ignore[no-untyped-call]

    @guarded(lambda flow: seams.hang_up(flow.client_conn))
    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Decide which bodies are collected; the others are streamed."""
        if flow.response is None or flow.error or is_ours(flow):
            return
        judged = flow.metadata.get(JUDGED)
        wanted = isinstance(judged, Judgement) and judged.verdict.needs is Visibility.BODY
        if flow.metadata.get(SERVED) or (wanted and self._is_named(flow, flow.response)):
            flow.metadata[_HELD] = True
            flow.response.stream = False
        elif self._services.streams:
            flow.response.stream = True

    @guarded(refuse_flow)
    async def response(self, flow: http.HTTPFlow) -> None:
        """Judge a collected body; one that is stopped is replaced by the page before a byte of it was sent."""
        if flow.response is None or not flow.metadata.get(_HELD) or is_ours(flow):
            return
        body = flow.response.raw_content
        if body is None or flow.response.stream:
            self.unhashed += 1
            log.info("a download was longer than %s and was not hashed", human.pretty_size(self._services.hold_limit))
            return
        hashes = await self._hashes(body, flow.response.headers.get("content-encoding", ""))
        visit = self._visits.of(flow.client_conn)
        judged = self._judging.judge(replace(self._seen(flow, visit), hashes=hashes))
        if judged.stops:
            self._enforcer.page(flow, visit, judged)
        else:
            self._enforcer.passed(visit, judged)

    def _is_named(self, flow: http.HTTPFlow, response: http.Response) -> bool:
        size = expected_http_body_size(flow.request, response)
        if size == 0 or (size or 0) > self._services.hold_limit or not _is_whole(response):
            if size != 0:
                self.unhashed += 1
            return False
        kind = response.headers.get("content-type", "").strip().lower()
        if response.headers.get("content-disposition", "").strip().lower().startswith("attachment"):
            return True
        if kind.startswith("text/plain"):
            return size is not None and 0 < size <= _SMALL_TEXT
        return not _PAGE_LIKE(kind)

    async def _hashes(self, body: bytes, encoding: str) -> tuple[str, ...]:
        limit = self._services.hold_limit * 4
        if len(body) <= _IN_A_THREAD and not encoding:
            return digests(body, encoding, limit)
        return await asyncio.to_thread(digests, body, encoding, limit)

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


def _is_whole(response: http.Response) -> bool:
    """Say whether a response holds the whole file: the hash of a part says nothing about it."""
    if response.status_code != 206:
        return True
    found = _WHOLE_RANGE(response.headers.get("content-range", ""))
    return found is not None and int(found[1]) + 1 == int(found[2])
