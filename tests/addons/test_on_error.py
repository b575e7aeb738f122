"""An error inside judging, or in a hook itself, follows `policy.on_error` at every hook: never a silent pass."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from addons import chain as chain_module
from addons.client_hello import ClientHelloGate
from addons.destination import DestinationGate
from addons.download import DownloadGate
from addons.request import RequestGate
from addons.server_certificate import ServerCertificateGate
from indicators.observation import Observation
from indicators.words import Action, Enforcement, Stage
from tests.addons.conftest import Start
from tests.support.browsing import RefusedError, fetch
from tests.support.inspecting import CLOSED, OPEN
from tests.support.origin import Origin
from tests.support.sights import indicator

# A host that is inspected (its path is listed) and whose bodies are held, so that every hook has something to do.
LISTED = indicator("mixed.test/bad", always_inspect=True)


def at(stage: Stage) -> Callable[[Observation], bool]:
    return lambda seen: seen.stage is stage


async def served(request: web.Request) -> web.Response:
    return web.Response(body=b"a file", content_type="application/zip")


async def outcome(url: str, **door: Any) -> int:
    """Return the status that a client ends with: of the answer, of CONNECT or SOCKS, or 0 for a closed connection."""
    try:
        return (await fetch(url, **door)).status
    except RefusedError as refused:
        return refused.status
    except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
        return 0


def urls(site: Origin) -> dict[str, str]:
    return {
        "plain": f"http://good.test:{site.http_port}/file",
        "tls": f"https://good.test:{site.https_port}/file",
        "inspected": f"https://mixed.test:{site.https_port}/file",
    }


JUDGING = [
    ("plain", "http", Stage.HTTP),
    ("plain", "http", Stage.DOWNLOAD),
    ("plain", "socks", Stage.CONNECTION),
    ("plain", "socks", Stage.HTTP),
    ("tls", "http", Stage.CONNECTION),
    ("tls", "http", Stage.TLS),
    ("tls", "socks", Stage.CONNECTION),
    ("tls", "socks", Stage.TLS),
    ("inspected", "http", Stage.HTTP),
    ("inspected", "http", Stage.DOWNLOAD),
    ("inspected", "http", Stage.SERVER_CERT),
    ("inspected", "socks", Stage.SERVER_CERT),
]


@pytest.mark.parametrize(("kind", "door", "stage"), JUDGING)
async def test_closed_stops_what_cannot_be_judged_and_reports_it(
    start: Start, kind: str, door: str, stage: Stage
) -> None:
    gateway, site = await start(LISTED, settings=CLOSED)
    site.answers["/file"] = served
    gateway.policy.break_at = at(stage)
    trust = gateway.ca
    assert await outcome(urls(site)[kind], trust=trust, **{door: getattr(gateway, door)}) == 403
    assert site.paths == (["/file"] if stage is Stage.DOWNLOAD else [])
    if stage in (Stage.CONNECTION, Stage.TLS) and door == "http":
        assert site.connections == (0 if stage is Stage.CONNECTION else 1)  # this port is dialled at CONNECT
    assert gateway.reports.events[0][2].failed
    assert len(site.said) == 0
    assert gateway.reports.done[0][1] in (Enforcement.PAGE, Enforcement.RESET)


@pytest.mark.parametrize(("kind", "door", "stage"), JUDGING)
async def test_open_lets_pass_what_cannot_be_judged_and_reports_it(
    start: Start, kind: str, door: str, stage: Stage
) -> None:
    gateway, site = await start(LISTED, settings=OPEN)
    site.answers["/file"] = served
    gateway.policy.break_at = at(stage)
    trust = gateway.ca if kind == "inspected" else site.certificate
    assert await outcome(urls(site)[kind], trust=trust, **{door: getattr(gateway, door)}) == 200
    assert site.paths == ["/file"]
    assert [(verdict.failed, done) for _, _, verdict, done in gateway.reports.events][:1] == [
        (True, Enforcement.PASSED)
    ]


HOOKS = [
    (DestinationGate, "http_connect", "tls", "http"),
    (DestinationGate, "seawall_destination", "tls", "socks"),
    (DestinationGate, "server_connect", "tls", "http"),
    (DestinationGate, "server_connect", "plain", "http"),
    (ClientHelloGate, "tls_clienthello", "tls", "http"),
    (ClientHelloGate, "tls_clienthello", "tls", "socks"),
    (RequestGate, "requestheaders", "plain", "http"),
    (RequestGate, "requestheaders", "inspected", "http"),
    (ServerCertificateGate, "seawall_upstream_ready", "inspected", "http"),
    (DownloadGate, "requestheaders", "plain", "http"),
    (DownloadGate, "responseheaders", "plain", "http"),
    (DownloadGate, "response", "plain", "http"),
]
WORKS = {  # what a hook of this name works with: broken, the hook raises in its midst
    "http_connect": ("_judge",),
    "seawall_destination": ("_judge",),
    "server_connect": ("_last_look",),
    "tls_clienthello": ("_judge",),
    "requestheaders": ("_judge", "_ask_for_the_whole"),
    "seawall_upstream_ready": ("_enforcer",),
    "responseheaders": ("_is_named",),
    "response": ("_judged",),
}


def break_hook(gateway: Any, kind: type, hook: str) -> None:
    addon = next(addon for addon in gateway.addons if isinstance(addon, kind))

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("broken on purpose")

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return broken

    for name in WORKS[hook]:
        setattr(addon, name, Broken() if name == "_enforcer" else broken)


@pytest.mark.parametrize(("kind", "hook", "url", "door"), HOOKS)
async def test_a_hook_that_fails_is_closed_where_policy_is(
    start: Start, kind: type, hook: str, url: str, door: str
) -> None:
    gateway, site = await start(LISTED, settings=CLOSED)
    site.answers["/file"] = served
    break_hook(gateway, kind, hook)
    trust = site.certificate if url == "tls" else gateway.ca
    assert await outcome(urls(site)[url], trust=trust, **{door: getattr(gateway, door)}) != 200
    assert site.paths == (["/file"] if hook in ("responseheaders", "response") else [])


@pytest.mark.parametrize(("kind", "hook", "url", "door"), [row for row in HOOKS if row[1] != "responseheaders"])
async def test_a_hook_that_fails_lets_pass_where_policy_is_open(
    start: Start, kind: type, hook: str, url: str, door: str
) -> None:
    gateway, site = await start(LISTED, settings=OPEN)
    site.answers["/file"] = served
    break_hook(gateway, kind, hook)
    trust = site.certificate if url == "tls" else gateway.ca
    assert await outcome(urls(site)[url], trust=trust, **{door: getattr(gateway, door)}) == 200
    assert site.paths == ["/file"]


def test_every_hook_that_decides_is_among_the_rows() -> None:
    deciding = {
        (kind, name)
        for kind in (DestinationGate, ClientHelloGate, RequestGate, ServerCertificateGate, DownloadGate)
        for name, found in vars(kind).items()
        if hasattr(found, "__wrapped__")
    }
    tested = {(kind, hook) for kind, hook, _, _ in HOOKS}
    raw = {
        (ServerCertificateGate, "tls_established_server"),  # see test_server_certificate
        (ServerCertificateGate, "tcp_start"),
        (DownloadGate, "seawall_outgrown"),  # see test_download
        (DownloadGate, "seawall_room"),
    }
    assert deciding - tested == raw
    assert chain_module.chain


async def test_a_failing_reporter_does_not_open_the_door(start: Start) -> None:
    gateway, site = await start(indicator("evil.test", Action.BLOCK))

    def fails(*_: object) -> str:
        raise OSError("disk full")

    gateway.reports.report = fails  # type: ignore[method-assign]
    assert (await fetch(f"http://evil.test:{site.http_port}/", http=gateway.http)).status == 403
    assert site.connections == 0
