"""Come in: by a one-time ticket, by name and password, or by an invitation that makes an account; and leave again."""

from __future__ import annotations

from aiohttp import web

from collector.accounts.passwords import alike
from collector.audit.log import AuditEntry, note
from collector.console.forms import onward
from collector.console.rendering import page
from collector.web.access import Role
from collector.web.doors import comes_from, cookie_name, is_secure
from collector.web.errors import Refused
from collector.web.forms import field, form_of
from collector.web.guards import is_foreign_visit
from collector.web.parts import CALLER, PARTS


async def enter(request: web.Request) -> web.StreamResponse:
    """Exchange the ticket for a session cookie and lead to the overview; without a ticket ask for a password.

    A browser that only looks ahead (prefetch) does not use the ticket up. When a link on another site led here, a
    redirect would be asked for without the new cookie, so a page of ours leads on instead.
    """
    parts = request.app[PARTS]
    if "ticket" not in request.query:
        return page(request, "login.html", refused=None, name="", onward=onward(request.query.get("next", "/")))
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        raise Refused(503, "this address works once: open it, do not prefetch it")
    cookie = await parts.sessions.redeem(request.query["ticket"], parts.clock())
    if cookie is None:
        raise Refused(401, "this link was used already or is too old")
    return with_cookie(request, _welcome(request, "/"), cookie)


async def check(request: web.Request) -> web.StreamResponse:
    """Take a name and password. Wrong ones say nothing of which was wrong, and after a few one has to wait."""
    parts, form = request.app[PARTS], await form_of(request)
    now, name = parts.clock(), field(form, "name")[:64]
    keys = (f"name {name.strip().lower()}", f"from {comes_from(request)}")
    if wait := parts.throttle.wait(keys, now):
        raise Refused(429, f"too many tries: wait {wait} seconds, then try again", wait)
    person = await parts.people.log_in(name, field(form, "password"), now)
    if person is None:
        parts.throttle.failed(keys, now)
        refused = Refused(401, "name or password is wrong")
        return page(request, "login.html", 401, refused=refused, name=name, onward=onward(field(form, "next")))
    parts.throttle.passed(keys)
    return await _begin(request, person.role, person.name, onward(field(form, "next")))


async def invited(request: web.Request) -> web.StreamResponse:
    """Show what an invitation makes: an account with a password that the guest chooses."""
    parts, code = request.app[PARTS], request.query.get("code", "")
    found = await parts.people.invitation(code, parts.clock())
    if found is None:
        raise Refused(404, "This link was used already or is too old. Ask for another one.")
    return page(request, "invitation.html", code=code, invitation=found, name=found["name"], wrong="")


async def accept(request: web.Request) -> web.StreamResponse:
    """Make the account that an invitation promises, and log in."""
    parts, form = request.app[PARTS], await form_of(request)
    code, name, password = (field(form, key) for key in ("code", "name", "password"))
    found = await parts.people.invitation(code, parts.clock())
    if found is None:
        raise Refused(404, "This link was used already or is too old. Ask for another one.")
    try:
        alike(password, field(form, "again"))
        person = await parts.people.accept(code, name, password, parts.clock())
    except ValueError as error:
        return page(request, "invitation.html", 400, code=code, invitation=found, name=name, wrong=str(error))
    return await _begin(request, person.role, person.name, "/")


async def leave(request: web.Request) -> web.StreamResponse:
    """End the session and forget its cookie."""
    parts, caller = request.app[PARTS], request[CALLER]
    await parts.sessions.end(caller.session)
    async with parts.database.write() as connection:
        await note(connection, AuditEntry(parts.clock(), caller.name, "session.end"))
    answer = web.Response(status=303, headers={"Location": "/"})
    answer.del_cookie(cookie_name(request), secure=is_secure(request))
    return answer


async def _begin(request: web.Request, role: Role, name: str, to: str) -> web.StreamResponse:
    parts = request.app[PARTS]
    cookie = await parts.sessions.begin(role, name, parts.clock())
    return with_cookie(request, _welcome(request, to), cookie)


def _welcome(request: web.Request, to: str) -> web.Response:
    if is_foreign_visit(request):
        return page(request, "welcome.html", onward=to)
    return web.Response(status=303, headers={"Location": to})


def with_cookie(request: web.Request, answer: web.Response, cookie: str) -> web.Response:
    """Add a session's cookie to an answer."""
    answer.set_cookie(
        cookie_name(request),
        cookie,
        max_age=int(request.app[PARTS].settings.session_life.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=is_secure(request),
    )
    return answer
