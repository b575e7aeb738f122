"""Outputs with real receivers: what is raised arrives, signed and framed; failures are told, and nothing is lost."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import insert, select

from collector.compliance import EVENT
from collector.outputs import dispatch, syslog_sender
from collector.outputs.addresses import AddressError, resolve
from collector.outputs.backlog import waiting
from collector.outputs.settings import Format, OutputSettings, Send
from collector.service import CollectorService
from collector.store.people_tables import OUTPUTS
from collector.store.policy_tables import RISK_CHANGES
from collector.web.parts import PARTS
from indicators.addresses import is_private_by_spelling
from indicators.words import Category, Stage
from tests.collector.conftest import ADMIN, NOW, Running
from tests.collector.outputs.test_forms import SYSLOG
from tests.support.events import verdict
from tests.support.hostile import HOSTILE

SECRET = b"0123456789abcdef"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(dispatch, "_WAITS", (0.01,) * 6)
    monkeypatch.setattr(dispatch, "_LOOK", 0.05)


@dataclass
class Receiver:
    """A webhook's other end: answers as it is told, and remembers."""

    answers: list[int] = field(default_factory=list)
    bodies: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.times.append(time.monotonic())
        self.bodies.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Retry-After": "0"} if status == 429 else {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)

    @property
    def notices(self) -> list[dict]:
        return [notice for _, body in self.bodies for notice in json.loads(body)["notices"]]


@asynccontextmanager
async def receiver(*answers: int):
    made = Receiver(list(answers))
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{any:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


@asynccontextmanager
async def collector(settings, clock, *outputs: OutputSettings):
    async with CollectorService(replace(settings, outputs=outputs), clock) as service, aiohttp.ClientSession() as http:
        running = Running(service, http, clock)
        for output in outputs:
            await until(lambda name=output.name: row_of(running, name))
        yield running


async def row_of(running, name: str):
    async with running.service._app[PARTS].database.read() as connection:
        return (await connection.execute(select(OUTPUTS).where(OUTPUTS.c.name == name))).mappings().first()


async def until(what, seconds: float = 20.0):
    async with asyncio.timeout(seconds):
        while True:
            found = what()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            await asyncio.sleep(0.01)


def webhook(url: str, **changes) -> OutputSettings:
    return replace(OutputSettings("soc", url, Format.JSON, secret=SECRET, interval=0.0), **changes)


async def test_a_webhook_is_told_once_and_signed(collector_settings, clock):
    async with receiver() as hook, collector(collector_settings, clock, webhook(hook.url)) as running:
        await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(5)))
        await until(lambda: len(hook.notices) >= 5)
        await until(lambda: delivered(running, 5))
        headers, body = hook.bodies[0]
        pairs = dict(pair.split("=") for pair in headers["X-Seawall-Signature"].split(","))
        signed = pairs["t"].encode() + b"." + body
        assert hmac.new(SECRET, signed, hashlib.sha256).hexdigest() == pairs["v1"]
        assert len(hook.notices) == 5
        assert {notice["alert"]["evidence"][0]["url"] for notice in hook.notices} == {"https://evil.example/login"}


async def delivered(running, count: int, name: str = "soc"):
    row = await row_of(running, name)
    return row if row["delivered"] == count else None


async def test_failures_are_retried_with_the_same_id_and_told(collector_settings, clock):
    async with receiver(500, 429, 503) as hook, collector(collector_settings, clock, webhook(hook.url)) as running:
        await running.deliver(verdict())
        row = await until(lambda: delivered(running, 1))
        assert row["failed"] == 3
        assert len({headers["X-Seawall-Delivery"] for headers, _ in hook.bodies}) == 1
        assert len(hook.bodies) == 4


@pytest.mark.parametrize("status", [400, 302])
async def test_what_is_refused_for_good_is_skipped_and_counted(collector_settings, clock, status):
    """A redirect is a refusal too: it is not followed, wherever it leads."""
    async with receiver(*[status] * 3) as hook, collector(collector_settings, clock, webhook(hook.url)) as running:
        await running.deliver(verdict())
        row = await until(lambda: skipped(running))
        assert (row["skipped"], row["delivered"]) == (1, 0)
        assert f"answered {status}" in row["last_error"]
        await running.deliver(verdict("next", host="next.example"))
        await until(lambda: delivered(running, 1))
        assert len(hook.bodies) == 4


async def skipped(running):
    row = await row_of(running, "soc")
    return row if row["skipped"] else None


async def test_an_output_that_is_away_holds_up_nothing_and_loses_nothing(collector_settings, clock):
    gone = webhook("http://127.0.0.1:9/hook")
    async with collector(collector_settings, clock, gone) as running:
        await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(250)))
        row = await until(lambda: failed(running))
        assert row["last_error"]
        database = running.service._app[PARTS].database
        assert await waiting(database, row["position"], (Send.ALERTS,)) == 250
    async with receiver() as hook, collector(collector_settings, clock, webhook(hook.url)) as running:
        await until(lambda: len(hook.notices) >= 250)
        ids = [notice["alert"]["id"] for notice in hook.notices]
        assert len(set(ids)) == 250


async def failed(running):
    row = await row_of(running, "soc")
    return row if row["failed"] else None


async def test_changes_of_risk_go_out_as_signed_events(collector_settings, clock):
    async with receiver() as hook:
        caep = webhook(hook.url, format=Format.CAEP, send=(Send.RISK,))
        async with collector(collector_settings, clock, caep) as running:
            parts = running.service._app[PARTS]
            for number, after in enumerate(("low", "high"), 1):
                change = {"device_id": "dev", "time": NOW, "before": "none", "after": after, "reasons": ["x"]}
                async with parts.database.write() as connection:
                    await connection.execute(insert(RISK_CHANGES), [change])
                parts.live.changed()
                await until(lambda number=number: delivered(running, number))
            ((headers, body),) = hook.bodies  # nothing is said where compliance did not change
            assert headers["Content-Type"] == "application/secevent+jwt"
            key = jwt.PyJWK(parts.signer.jwks()["keys"][0])
            claims = jwt.decode(body, key, algorithms=["ES256"], options={"verify_iat": False})
            assert claims["sub_id"]["id"] == "dev"


async def test_a_receiver_that_knows_the_published_keys_follows_a_device_out_of_compliance_and_back(
    collector_settings, clock
):
    async with receiver() as hook:
        caep = webhook(hook.url, format=Format.CAEP, send=(Send.RISK,))
        async with collector(collector_settings, clock, caep) as running:
            await running.deliver(verdict("m", category=Category.MALWARE, stage=Stage.DOWNLOAD))
            await until(lambda: len(hook.bodies) == 1)
            clock.advance(minutes=5)
            (alert,) = (await running.ask("GET", "/api/alerts"))[1]["value"]
            await running.ask("PATCH", f"/api/alerts/{alert['id']}", ADMIN, json={"status": "Resolved"})
            await until(lambda: len(hook.bodies) == 2)
            published = jwt.PyJWKSet.from_dict((await running.ask("GET", "/.well-known/jwks.json", ""))[1])
            statuses = []
            for _, body in hook.bodies:
                key = published[jwt.get_unverified_header(body)["kid"]]
                claims = jwt.decode(body, key, algorithms=["ES256"], options={"verify_iat": False})
                statuses.append((claims["sub_id"]["id"], claims["events"][EVENT]["current_status"]))
            assert statuses == [("dev-phone", "not-compliant"), ("dev-phone", "compliant")]


async def test_a_webhook_carries_the_hostile_corpus_as_it_is(collector_settings, clock):
    async with receiver() as hook, collector(collector_settings, clock, webhook(hook.url)) as running:
        texts = [text.replace("\0", "\ufffd") for text in HOSTILE]  # no database keeps a NUL
        await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example", title=text) for i, text in enumerate(HOSTILE)))
        await until(lambda: len(hook.notices) >= len(HOSTILE))
        assert [notice["alert"]["title"] for notice in hook.notices] == texts
        assert all(body.isascii() and b"\n" not in body for _, body in hook.bodies)


async def test_a_webhook_is_asked_no_more_often_than_its_interval(collector_settings, clock):
    slow = 0.5
    async with receiver() as hook, collector(collector_settings, clock, webhook(hook.url, interval=slow)) as running:
        for number in range(20):
            await running.deliver(verdict(f"v{number}", host=f"h{number}.example"))
        await until(lambda: len(hook.notices) == 20)
        gaps = [later - sooner for sooner, later in itertools.pairwise(hook.times)]
        assert all(gap >= slow * 0.9 for gap in gaps), "what comes meanwhile goes together"
        assert len(hook.bodies) < 20


@dataclass
class SyslogServer:
    """Read RFC 6587 frames as a server does: by their count."""

    texts: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while count := await reader.readuntil(b" "):
                self.texts.append(await reader.readexactly(int(count)))
        except asyncio.IncompleteReadError:
            writer.close()

    def connection_made(self, _) -> None: ...

    def connection_lost(self, _) -> None: ...

    def error_received(self, _) -> None: ...

    def datagram_received(self, data: bytes, _) -> None:
        self.texts.append(data)


@asynccontextmanager
async def syslog_server(scheme: str, context: ssl.SSLContext | None = None):
    made = SyslogServer()
    if scheme == "udp":
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", 0))
        yield made, f"udp://127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        transport.close()
        return
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    host = "localhost" if context else "127.0.0.1"
    yield made, f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
@pytest.mark.parametrize("form", [Format.TEXT, Format.CEF, Format.OCSF])
async def test_syslog_carries_the_hostile_corpus(collector_settings, clock, scheme, form):
    async with syslog_server(scheme) as (server, url):
        output = OutputSettings("siem", url, form)
        async with collector(collector_settings, clock, output) as running:
            await running.deliver(
                *(verdict(f"v{i}", host=f"h{i}.example", title=text, url=text) for i, text in enumerate(HOSTILE))
            )
            await until(lambda: len(server.texts) >= len(HOSTILE))
        assert len(server.texts) == len(HOSTILE)
        for text in server.texts:
            found = SYSLOG.fullmatch(text.decode())
            assert found
            if form is Format.OCSF:
                assert json.loads(found["text"])["class_uid"] == 2004


async def test_syslog_over_tls_knows_its_server(collector_settings, clock, tmp_path):
    key, certificate = _self_signed("localhost")
    chain, trust = tmp_path / "chain.pem", tmp_path / "trust.pem"
    chain.write_bytes(key + certificate)
    trust.write_bytes(certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    async with syslog_server("tls", context) as (server, url):
        known = OutputSettings("siem", url, Format.TEXT, trust=str(trust))
        stranger = OutputSettings("soc", url, Format.TEXT)
        async with collector(collector_settings, clock, known, stranger) as running:
            await running.deliver(verdict())
            await until(lambda: server.texts)
            row = await until(lambda: failed(running))
            assert "certificate" in row["last_error"].lower()
        assert len(server.texts) == 1


def _self_signed(name: str) -> tuple[bytes, bytes]:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
    made = made.not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = made.sign(key, hashes.SHA256())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return plain, signed.public_bytes(Encoding.PEM)


async def test_a_syslog_server_that_comes_back_is_found_again(collector_settings, clock):
    first, second = SyslogServer(), SyslogServer()
    server = await asyncio.start_server(first.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    output = OutputSettings("soc", f"tcp://127.0.0.1:{port}", Format.TEXT)
    async with collector(collector_settings, clock, output) as running:
        await running.deliver(verdict("one"))
        await until(lambda: first.texts)
        server.close()
        for writer in first.writers:
            writer.close()
        await running.deliver(verdict("two", host="two.example", url="https://two.example/"))
        await until(lambda: failed(running))
        assert len(first.texts) == 1
        again = await asyncio.start_server(second.serve, "127.0.0.1", port)
        await until(lambda: second.texts)
        assert b"two.example" in second.texts[0]
        row = await until(lambda: delivered(running, 2))
        assert row["last_error"] == ""
    again.close()


async def test_every_address_of_a_syslog_server_is_tried(collector_settings, clock, monkeypatch):
    async def several(host: str, port: int, *, private: bool) -> list[str]:
        return ["127.0.0.2", *await resolve(host, port, private=private)]  # nobody listens there

    monkeypatch.setattr(syslog_sender, "resolve", several)
    async with (
        syslog_server("tcp") as (server, url),
        collector(collector_settings, clock, OutputSettings("soc", url, Format.TEXT)) as running,
    ):
        await running.deliver(verdict())
        await until(lambda: server.texts)
        assert (await row_of(running, "soc"))["failed"] == 0


async def test_a_public_name_may_not_lead_inside():
    assert is_private_by_spelling("localhost")
    assert is_private_by_spelling("::1")
    with pytest.raises(AddressError, match="no public address"):
        await resolve("127.0.0.1", 1, private=False)
    assert await resolve("127.0.0.1", 1, private=True) == ["127.0.0.1"]


async def test_audit_entries_are_told_to_who_asked_for_them(collector_settings, clock):
    async with receiver() as hook:
        output = webhook(hook.url, send=(Send.ALERTS, Send.AUDIT))
        async with collector(collector_settings, clock, output) as running, await running.log_in():
            await until(lambda: hook.bodies)
        assert [notice["audit"]["what"] for notice in hook.notices] == ["session.begin"]
