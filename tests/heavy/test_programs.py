"""Programs that people use, through a whole gateway: curl, openssl, git, ssh, SMTP; and what it does when it must end.

Nothing is listed of these sites, so all but plain HTTP is spliced: each program meets the origin's own certificate.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest
import pytest_asyncio
from aiohttp import web

from proxy.endpoints import split
from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import echo
from tests.support.front import origin as tcp_origin
from tests.support.gateway import RunningGateway, running_gateway, wait_for
from tests.support.origin import Origin, origin

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

LARGE = int(os.environ.get("SEAWALL_LARGE_DOWNLOAD", str(64 * 1024 * 1024)))  # bytes; 1 GB on a quiet machine
BLOCKED = "https://smartscreentestratings2.net/"

type Program = Callable[..., str]


@dataclass
class Place:
    """Hold a running gateway and the site behind it."""

    gateway: RunningGateway
    site: Origin
    folder: Path

    @property
    def http(self) -> str:
        return str(self.gateway.endpoints["http_proxy"])

    @property
    def socks(self) -> str:
        return str(self.gateway.endpoints["socks"])

    @property
    def https_site(self) -> str:
        return f"https://benign.test:{self.site.https_port}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("programs")
    async with origin(folder, "benign.test") as site, running_gateway(folder) as gateway:
        yield Place(gateway, site, folder)


async def said(*command: str, given: bytes = b"", **environment: str) -> tuple[int, str]:
    """Run a program to its end and return its exit code and all that it said."""
    async with asyncio.timeout(60):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        out, _ = await process.communicate(given)
    return process.returncode or 0, out.decode(errors="replace")


async def test_curl_by_each_way(place: Place, require_program: Program) -> None:
    curl, trust = require_program("curl"), ("--cacert", str(place.site.certificate))
    plain = f"http://benign.test:{place.site.http_port}/a"
    for way in (("-x", f"http://{place.http}"), ("--socks5-hostname", place.socks), ("--socks4a", place.socks)):
        for url in (plain, f"{place.https_site}/b"):
            code, out = await said(curl, "-sS", *way, *trust, url)
            assert (code, "hello from benign.test" in out) == (0, True), (way, url, out)
    code, out = await said(curl, "-sS", "-x", f"http://{place.http}", "-p", plain)
    assert (code, "hello from" in out) == (0, True), "plain HTTP in a tunnel"
    code, out = await said(
        curl, "-sS", "-x", f"http://{place.http}", "--data-binary", "@-", plain, given=b"x" * 300_000
    )
    assert (code, len(place.site.requests[-1].body)) == (0, 300_000), out
    code, out = await said(curl, "-sS", "-x", f"http://{place.http}", plain, plain + "2", "-w", "%{num_connects}")
    assert [sign for sign in out if sign.isdigit()][-1] == "0", "the second request went over the same connection"


async def test_openssl_meets_the_sites_own_certificate(place: Place, require_program: Program) -> None:
    openssl = require_program("openssl")
    where = f"benign.test:{place.site.https_port}"
    for version in ("-tls1_2", "-tls1_3"):
        command = ("s_client", "-proxy", place.http, "-connect", where, "-servername", "benign.test", version)
        code, out = await said(openssl, *command, "-CAfile", str(place.site.certificate), "-verify_return_error")
        assert (code, "Verify return code: 0 (ok)" in out) == (0, True), out


async def test_git_clones_over_https(place: Place, require_program: Program) -> None:
    git = require_program("git")
    source, target = place.folder / "source", place.folder / "clone"
    who = ("-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "init.defaultBranch=main")
    await said(git, *who, "init", "-q", str(source))
    (source / "file").write_text("kept")
    await said(git, "-C", str(source), "add", "file")
    await said(git, *who, "-C", str(source), "commit", "-qm", "first")
    await said(git, "-C", str(source), "update-server-info")
    for path in (source / ".git").rglob("*"):
        if path.is_file():
            body = path.read_bytes()

            async def serve(request: web.Request, body: bytes = body) -> web.Response:
                return web.Response(body=body)

            place.site.answers[f"/repo.git/{path.relative_to(source / '.git')}"] = serve
    proxies = {"HTTPS_PROXY": f"http://{place.http}", "GIT_SSL_CAINFO": str(place.site.certificate)}

    async def missing(request: web.Request) -> web.Response:
        raise web.HTTPNotFound

    place.site.answers["/repo.git/objects/info/http-alternates"] = missing
    place.site.answers["/repo.git/objects/info/alternates"] = missing
    place.site.answers.setdefault("/repo.git/objects/info/packs", missing)
    code, out = await said(git, "clone", "-q", f"{place.https_site}/repo.git", str(target), **proxies)
    assert (code, (target / "file").read_text()) == (0, "kept"), out


_THROUGH = """
import os, socket, sys, threading
host, port, name, to = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])
sock = socket.create_connection((host, port))
sock.sendall(b"\\5\\1\\0"); sock.recv(2)
sock.sendall(b"\\5\\1\\0\\3" + bytes([len(name)]) + name + to.to_bytes(2, "big")); sock.recv(10)
def up():
    while data := os.read(0, 4096): sock.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := sock.recv(4096): os.write(1, data)
"""


async def test_ssh_through_socks_hears_the_server_and_is_heard(place: Place, require_program: Program) -> None:
    ssh, heard = require_program("ssh", "openssh-client"), asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-here\r\n")
        heard.set_result(await reader.readline())
        writer.close()

    async with tcp_origin(serve) as port:
        script = place.folder / "through.py"
        script.write_text(_THROUGH)
        host, socks = split(place.socks)
        way = f"ProxyCommand={sys.executable} {script} {host} {socks} benign.test {port}"
        await said(ssh, "-F", "none", "-o", way, "-o", "BatchMode=yes", "nobody@benign.test")
    assert (await heard).startswith(b"SSH-2.0-OpenSSH")


async def test_mail_is_sent_through_socks(place: Place, require_program: Program) -> None:
    curl, lines = require_program("curl"), list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            lines.append(line)
            if line.startswith(b"DATA"):
                writer.write(b"354 go\r\n")
                lines.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 ok\r\n")
            if line.startswith(b"QUIT"):
                break
        writer.close()

    async with tcp_origin(serve) as port:
        mail = ("--mail-from", "a@benign.test", "--mail-rcpt", "b@benign.test", "-T", "-")
        code, out = await said(
            curl,
            "-sS",
            "--socks5-hostname",
            place.socks,
            f"smtp://benign.test:{port}",
            *mail,
            given=b"Subject: x\n\nhi\n",
        )
    assert code == 0, out
    assert any(b"Subject: x" in line for line in lines)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_websocket_goes_both_ways(place: Place, scheme: str) -> None:
    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data + "!")
        return socket

    place.site.answers["/chat"] = chat  # type: ignore[assignment]
    port = place.site.https_port if scheme == "wss" else place.site.http_port
    trust = ssl.create_default_context(cafile=place.site.certificate)
    async with (
        asyncio.timeout(30),
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{scheme}://benign.test:{port}/chat", proxy=f"http://{place.http}", ssl=trust if scheme == "wss" else True
        ) as chatting,
    ):
        for number in range(3):
            await chatting.send_str(str(number))
            assert await chatting.receive_str() == f"{number}!"


@pytest.mark.parametrize("spliced", [True, False])
async def test_a_large_download_by_a_slow_reader_takes_no_memory(place: Place, spliced: bool) -> None:
    """Invariant: however much a server would send, the front's memory stays where it was."""

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % LARGE)
        with contextlib.suppress(ConnectionError):
            for _ in range(LARGE // 65536):
                writer.write(bytes(65536))
                await writer.drain()
        writer.close()

    workers = {worker["role"]: worker["pid"] for worker in (await place.gateway.call("status"))["workers"]}
    front = psutil.Process(workers["front"])
    async with tcp_origin(pour) as port:
        reader, writer = await asyncio.open_connection(*split(place.http), limit=65536)
        if spliced:
            writer.write(f"CONNECT benign.test:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"\0not http\r\n\r\n")
        else:
            writer.write(f"GET http://benign.test:{port}/v HTTP/1.1\r\nHost: benign.test:{port}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        before = most = front.memory_info().rss
        left = LARGE
        while left:
            left -= len(await reader.readexactly(min(left, 65536)))
            if left % (1024 * 1024) == 0:
                await asyncio.sleep(0.001)
                most = max(most, front.memory_info().rss)
        writer.close()
    assert most - before < 16 * 1024 * 1024


async def test_each_process_that_is_killed_is_back_and_nothing_blocked_passes_meanwhile(place: Place) -> None:
    gateway = place.gateway

    async def pid_of(role: str) -> int:
        return next((w["pid"] or 0 for w in (await gateway.call("status"))["workers"] if w["role"] == role), 0)

    async def is_blocked() -> bool:
        try:
            return (await gateway.get(BLOCKED))[0] == 403
        except (aiohttp.ClientError, TimeoutError, OSError) as refused:
            assert getattr(refused, "status", 503) in (502, 503), "nothing blocked may pass"
            return False

    for role in ("resolver", "front", "inspector"):
        old = await pid_of(role)
        os.kill(old, signal.SIGKILL)

        async def is_back(role: str = role, old: int = old) -> bool:
            return await pid_of(role) not in (0, old)

        await wait_for(is_blocked, 60)
        await wait_for(is_back, 60)
    code, _ = await gateway.get(f"http://benign.test:{place.site.http_port}/after")
    assert code == 200


async def test_a_collector_that_is_killed_holds_up_nobody_and_hears_of_each_block_once(tmp_path: Path) -> None:
    """Blocks are on their way while it is killed, more come while it is gone, more when it is back."""
    blocks, incidents = 0, set[str]()
    async with running_gateway(tmp_path) as gateway, origin(tmp_path, "benign.test") as site:

        async def block(count: int) -> None:
            nonlocal blocks
            for _ in range(count):
                blocks += 1
                url = f"http://at-{blocks}.smartscreentestratings2.net/"
                status, text = await gateway.get(url, headers={"Accept": "application/json"})
                assert status == 403
                incidents.add(json.loads(text)["incident"])

        async def collector() -> tuple[int, bool]:
            workers = (await gateway.call("status"))["workers"]
            return next((w["pid"], w["ready"]) for w in workers if w["role"] == "collector")

        async def heard() -> bool:
            return sum(alert["count"] for alert in (await gateway.api("/api/alerts"))["value"]) >= blocks

        await block(20)
        for _ in range(2):
            old, _ = await collector()
            await block(5)
            os.kill(old, signal.SIGKILL)
            await block(20)
            status, _ = await gateway.get(f"http://benign.test:{site.http_port}/meanwhile")
            assert status == 200

            async def is_back(old: int = old) -> bool:
                pid, ready = await collector()
                return ready and pid != old

            await wait_for(is_back, 60)
            await block(5)
        await wait_for(heard, 60)
        await block(1)  # delivered in order: with this one, all that could be delivered twice has been
        await wait_for(heard, 60)
        alerts = (await gateway.api("/api/alerts"))["value"]
        assert sum(alert["count"] for alert in alerts) == blocks == len(incidents)
        for incident in incidents:
            assert incident in json.dumps(await gateway.api(f"/api/v1/incidents/{incident}"))


async def test_open_tunnels_are_drained_then_cut_when_the_gateway_is_told_to_end(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, tcp_origin(echo) as port:
        lines = []
        for _ in range(100):
            reader, writer = await asyncio.open_connection(*split(gateway.endpoints["http_proxy"]))
            writer.write(f"CONNECT benign.test:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            hello = real_hello("benign.test")
            writer.write(hello)
            assert await reader.readexactly(len(hello)) == hello
            lines.append((reader, writer))
        gateway.process.send_signal(signal.SIGTERM)
        first, writer = lines[0]
        writer.write(b"the last words")
        assert await first.readexactly(14) == b"the last words", "a tunnel goes on while it is drained"
        writer.write_eof()
        assert await first.read() == b""
        async with asyncio.timeout(30):
            for reader, writer in lines[1:]:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()
            assert await gateway.process.wait() == 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*split(gateway.endpoints["http_proxy"]))
