"""Accounts by the console: a setup link, roles that hold, tokens shown once, an audit log of it all."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from ipaddress import ip_network

import aiohttp
import pytest
from argon2 import PasswordHasher

from collector.web.access import Role
from collector.web.parts import PARTS
from tests.collector.conftest import ADMIN

GOOD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(running):
    """Real argon2 with costs that a test can pay."""
    parts = running.service._app[PARTS]
    parts.people._passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return parts


@asynccontextmanager
async def person(running, quick, name: str, role: Role):
    """A browser that logged in by invitation."""
    code = await quick.people.invite(name, role, "setup", running.clock())
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        data = {"code": code, "password": GOOD, "again": GOOD}
        async with browser.post(f"{running.url}/invitation", data=data, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
        yield browser


async def csrf_of(running, browser) -> str:
    async with browser.get(f"{running.url}/account") as answer:
        return re.search(r'name="csrf" value="(\w+)"', await answer.text())[1]


async def post(running, browser, path: str, **data: str) -> tuple[int, str]:
    data["csrf"] = await csrf_of(running, browser)
    async with browser.post(running.url + path, data=data, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "") + await answer.text()


async def test_an_invitation_by_form_leads_in_and_works_once(running, quick):
    async with await running.log_in() as admin:
        status, body = await post(running, admin, "/access/invitations", name="", role="analyst")
    link = re.search(r"/invitation\?code=[\w-]+", body)[0]
    assert status == 200
    status, page, _ = await running.ask("GET", link, "")
    assert status == 200
    assert "analyst" in page
    code = link.partition("=")[2]
    wrong = {"code": code, "name": "jo", "password": GOOD, "again": "other"}
    assert (await running.ask("POST", "/invitation", "", data=wrong))[0] == 400
    right = wrong | {"again": GOOD}
    status, _, headers = await running.ask("POST", "/invitation", "", data=right, allow_redirects=False)
    assert status == 303
    assert "HttpOnly" in headers["Set-Cookie"]
    assert (await running.ask("POST", "/invitation", "", data=right))[0] == 404
    assert (await running.ask("GET", link, ""))[0] == 404


async def test_logging_in_by_password(running, quick):
    async with person(running, quick, "mira", Role.ADMIN):
        pass
    data = {"name": "Mira", "password": GOOD, "next": "/alerts?show=all"}
    status, _, headers = await running.ask("POST", "/login", "", data=data, allow_redirects=False)
    assert (status, headers["Location"]) == (303, "/alerts?show=all")
    for wrong in ({"password": "x"}, {"name": "jo"}):
        status, page, _ = await running.ask("POST", "/login", "", data=data | wrong)
        assert status == 401
        assert "Name or password is wrong" in page
    data["next"] = "//evil.example"
    _, _, headers = await running.ask("POST", "/login", "", data=data, allow_redirects=False)
    assert headers["Location"] == "/"


async def test_guessing_has_to_wait(running, quick):
    data = {"name": "mira", "password": "x"}
    for _ in range(5):
        assert (await running.ask("POST", "/login", "", data=data))[0] == 401
    status, _, headers = await running.ask("POST", "/login", "", data=data)
    assert status == 429
    assert int(headers["Retry-After"]) > 0


PAGES = {"/": Role.VIEWER, "/account": Role.VIEWER, "/access": Role.ADMIN, "/audit": Role.ADMIN}


async def test_behind_a_terminator_one_who_guesses_makes_nobody_else_wait(running, quick):
    host = f"localhost:{running.service.port}"

    async def guess(name: str, told: str, public: str = f"https://{host}") -> int:
        object.__setattr__(quick.settings, "public_url", public)
        headers = {"Host": host, "X-Forwarded-For": told}
        data = {"name": name, "password": "wrong"}
        return (await running.ask("POST", "/login", "", data=data, headers=headers))[0]

    for number in range(6):
        assert await guess(f"guess{number}", f"203.0.113.{number}, 198.51.100.7") == (401 if number < 5 else 429)
    assert await guess("mira", "198.51.100.8") == 401
    assert await guess("mira", "198.51.100.8", public="") == 401, "the header of who comes directly says nothing"
    for number in range(5):
        await guess(f"more{number}", f"192.0.2.{number}", public="")
    assert await guess("mira", "192.0.2.99", public="") == 429


async def test_who_reaches_the_port_beside_the_terminator_cannot_vary_where_he_comes_from(running, quick):
    host = f"localhost:{running.service.port}"
    object.__setattr__(quick.settings, "public_url", f"https://{host}")
    object.__setattr__(quick.settings, "trusted_proxies", (ip_network("127.0.0.3"),))

    async def guess(name: str, told: str, by: str) -> int:
        headers = {"Host": host, "X-Forwarded-For": told}
        data = {"name": name, "password": "wrong"}
        connector = aiohttp.TCPConnector(local_addr=(by, 0))
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.post(f"{running.url}/login", data=data, headers=headers) as answer,
        ):
            return answer.status

    for number in range(6):
        told = f"203.0.113.{number}"
        assert await guess(f"guess{number}", told, by="127.0.0.2") == (401 if number < 5 else 429)
    for number in range(6):
        assert await guess(f"other{number}", f"198.51.100.{number}", by="127.0.0.3") == 401


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST, Role.ADMIN])
async def test_roles_hold_on_every_page(running, quick, role):
    async with person(running, quick, "jo", role) as browser:
        for path, needed in PAGES.items():
            async with browser.get(running.url + path) as answer:
                allowed = role is Role.ADMIN or needed is Role.VIEWER
                assert answer.status == (200 if allowed else 403), path
                assert ('href="/audit"' in await answer.text()) == (role is Role.ADMIN)
        status, _ = await post(running, browser, "/access/tokens", name="x", scope="Seawall.Admin")
        assert status == (200 if role is Role.ADMIN else 403)


async def test_a_token_is_shown_once_used_and_revoked(running, quick):
    async with await running.log_in() as admin:
        status, body = await post(running, admin, "/access/tokens", name="siem", scope="Alert.Read.All", days="30")
        token = re.search(r"swt_\w[\w-]+", body)[0]
        assert status == 200
        async with admin.get(f"{running.url}/access") as answer:
            assert token not in await answer.text()
        assert (await running.ask("GET", "/api/alerts", token))[0] == 200
        id_ = token.split("_")[1]
        assert (await post(running, admin, f"/access/tokens/{id_}/revoke"))[1].startswith("/access?done=")
        assert (await running.ask("GET", "/api/alerts", token))[0] == 401
        assert (await post(running, admin, f"/access/tokens/{id_}/revoke"))[0] == 404
        for wrong in ({"name": "x"}, {"name": "", "scope": "Alert.Read.All"}):
            assert (await post(running, admin, "/access/tokens", **wrong))[0] == 400


async def test_roles_and_passwords_are_changed(running, quick):
    async with person(running, quick, "mira", Role.ADMIN) as mira, person(running, quick, "jo", Role.ADMIN) as jo:
        status, where = await post(running, mira, "/access/accounts/jo", role="viewer")
        assert (status, where) == (303, "/access?done=role")
        async with jo.get(running.url) as answer:
            assert answer.status == 401
        assert (await post(running, mira, "/access/accounts/mira", role="viewer"))[0] == 400
        for form in ({"password": "x", "again": "y"}, {"password": "short", "again": "short"}):
            assert (await post(running, mira, "/account/password", old=GOOD, **form))[0] == 400
        new = "another long password"
        status, where = await post(running, mira, "/account/password", old=GOOD, password=new, again=new)
        assert (status, where) == (303, "/login?done=password")
        async with mira.get(running.url) as answer:
            assert answer.status == 401
    assert (await running.ask("POST", "/access/invitations", ADMIN, data={"role": "king"}))[0] == 400
    assert (await running.ask("POST", "/access/invitations", ADMIN, data={"role": "viewer", "name": "a b"}))[0] == 400


async def test_the_audit_log_tells_who_changed_what(running, quick):
    async with person(running, quick, "mira", Role.ADMIN) as mira:
        for number in range(3):
            await post(running, mira, "/access/tokens", name=f"t{number}", scope="Ti.Read.All")
        async with mira.get(f"{running.url}/audit?what=token&who=mira") as answer:
            page = await answer.text()
        assert page.count("token.make") == 3
        assert "account.accept" not in page
    _, body, _ = await running.ask("GET", "/api/v1/audit?$top=2", ADMIN)
    assert [entry["what"] for entry in body["value"]] == ["token.make"] * 2
    below = body["value"][-1]["seq"]
    _, rest, _ = await running.ask("GET", f"/api/v1/audit?below={below}&who=mira", ADMIN)
    assert [entry["what"] for entry in rest["value"]] == ["token.make", "account.accept"]
    assert (await running.ask("GET", "/api/v1/audit?below=x", ADMIN))[0] == 400
    assert (await running.ask("GET", "/audit?after=x", ADMIN))[0] == 400


async def test_under_tls_the_cookie_is_bound_to_the_host(running, quick):
    """A terminator speaks TLS to the browser; we learn it from `public_url`."""
    object.__setattr__(quick.settings, "public_url", f"https://localhost:{running.service.port}")
    code = await quick.people.invite("mira", Role.ADMIN, "setup", running.clock())
    data = {"code": code, "password": GOOD, "again": GOOD}
    host = {"Host": f"localhost:{running.service.port}"}
    _, _, headers = await running.ask("POST", "/invitation", "", data=data, headers=host, allow_redirects=False)
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-seawall_{running.service.port}=")
    assert {"Secure", "Path=/", "HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
