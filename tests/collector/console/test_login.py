"""A ticket becomes a session; the session's cookie and CSRF token hold what they promise."""

from __future__ import annotations

import re

from tests.collector.conftest import ADMIN


async def test_a_ticket_opens_the_console_once(running):
    _, body, _ = await running.ask("POST", "/api/v1/tickets", ADMIN)
    assert body["url"].startswith(f"{running.url}/login?ticket=")
    path = body["url"].removeprefix(running.url)
    status, _, headers = await running.ask("GET", path, "", allow_redirects=False)
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"seawall_{running.service.port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    status, page, _ = await running.ask("GET", path, "")
    assert status == 401
    assert "seawall console" in page


async def test_looking_ahead_does_not_use_the_ticket_up(running):
    _, body, _ = await running.ask("POST", "/api/v1/tickets", ADMIN)
    path = body["url"].removeprefix(running.url)
    assert (await running.ask("GET", path, "", headers={"Sec-Purpose": "prefetch;prerender"}))[0] == 503
    assert (await running.ask("GET", path, "", allow_redirects=False))[0] == 303


async def test_a_link_from_another_site_is_led_on_by_a_page(running):
    """A redirect would be asked for without the new Strict cookie."""
    _, body, _ = await running.ask("POST", "/api/v1/tickets", ADMIN)
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    status, page, headers = await running.ask("GET", body["url"].removeprefix(running.url), "", headers=visit)
    assert status == 200
    assert "data-continue" in page
    assert "Set-Cookie" in headers


async def test_changes_need_the_csrf_token_and_leaving_ends_the_session(running):
    async with await running.log_in() as browser:
        async with browser.get(running.url) as answer:
            csrf = re.search(r'name="csrf" value="(\w+)"', await answer.text())
        assert csrf
        for wrong in ({}, {"data": {"csrf": "x"}}, {"json": {"csrf": csrf[1]}}, {"headers": {"X-CSRF-Token": "x"}}):
            async with browser.post(f"{running.url}/logout", **wrong) as answer:
                assert answer.status == 403
        async with browser.post(f"{running.url}/logout", data={"csrf": csrf[1]}, allow_redirects=False) as answer:
            assert answer.status == 303
        async with browser.get(running.url) as answer:
            assert answer.status == 401


async def test_a_session_may_use_the_header_instead(running):
    async with await running.log_in() as browser:
        async with browser.get(running.url) as answer:
            csrf = re.search(r'name="csrf" value="(\w+)"', await answer.text())
        assert csrf
        headers = {"X-CSRF-Token": csrf[1]}
        async with browser.post(f"{running.url}/api/v1/tickets", headers=headers) as answer:
            assert answer.status == 201


async def test_sessions_end_with_their_time(running):
    async with await running.log_in() as browser:
        running.clock.advance(days=8)
        async with browser.get(running.url) as answer:
            assert answer.status == 401
