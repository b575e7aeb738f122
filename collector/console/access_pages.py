"""Pages of who may come in: accounts, invitations and API tokens for administrators, passwords for everybody."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from collector.accounts.passwords import alike
from collector.accounts.people import AccountError
from collector.accounts.tokens import TokenError, list_tokens, make_token, revoke_token
from collector.console.forms import back_to
from collector.console.rendering import page
from collector.web.access import PEOPLE, Role, Scope
from collector.web.errors import Refused
from collector.web.forms import field, fields, form_of
from collector.web.parts import CALLER, PARTS

_LIVES = {"30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365), "": None}


async def listed(request: web.Request) -> web.Response:
    """List accounts and tokens."""
    return await _page(request)


async def _page(request: web.Request, status: int = 200, **shown: str) -> web.Response:
    parts = request.app[PARTS]
    values = {"invitation": "", "token": "", "wrong": ""} | shown
    people, tokens = await parts.people.listed(), await list_tokens(parts.database)
    return page(
        request, "access.html", status, people=people, tokens=tokens, roles=PEOPLE, scopes=list(Scope), **values
    )


async def invite(request: web.Request) -> web.Response:
    """Make an invitation and show its link, once."""
    parts, form = request.app[PARTS], await form_of(request)
    role = field(form, "role")
    if role not in PEOPLE:
        raise Refused(400, f"role: expected one of {', '.join(PEOPLE)}")
    try:
        code = await parts.people.invite(field(form, "name"), Role(role), request[CALLER].name, parts.clock())
    except AccountError as error:
        return await _page(request, 400, wrong=str(error))
    return await _page(request, invitation=f"{base_url(request)}/invitation?code={code}")


async def change_role(request: web.Request) -> web.Response:
    """Give an account another role, or disable it."""
    parts, form = request.app[PARTS], await form_of(request)
    try:
        await parts.people.change_role(
            request.match_info["name"], field(form, "role"), request[CALLER].name, parts.clock()
        )
    except AccountError as error:
        return await _page(request, 400, wrong=str(error))
    return back_to("/access", "role")


async def add_token(request: web.Request) -> web.Response:
    """Make an API token and show it, once."""
    parts, form = request.app[PARTS], await form_of(request)
    life = _LIVES.get(field(form, "days"), timedelta(days=30))
    try:
        token = await make_token(
            parts.database, field(form, "name"), fields(form, "scope"), request[CALLER].name, parts.clock(), life
        )
    except TokenError as error:
        return await _page(request, 400, wrong=str(error))
    return await _page(request, token=token)


async def end_token(request: web.Request) -> web.Response:
    """Revoke a token."""
    parts = request.app[PARTS]
    if not await revoke_token(parts.database, request.match_info["id"], request[CALLER].name, parts.clock()):
        raise Refused(404, "No token in use has this id.")
    return back_to("/access", "token-gone")


async def own(request: web.Request) -> web.Response:
    """Show who is logged in, and a form for another password."""
    return page(request, "account.html", wrong="")


async def change_password(request: web.Request) -> web.Response:
    """Change one's own password; this browser logs in again."""
    parts, form, caller = request.app[PARTS], await form_of(request), request[CALLER]
    try:
        alike(field(form, "password"), field(form, "again"))
        await parts.people.change_password(caller.name, field(form, "old"), field(form, "password"), parts.clock())
    except ValueError as error:
        return page(request, "account.html", 400, wrong=str(error))
    return back_to("/login", "password")


def base_url(request: web.Request) -> str:
    """Return where people reach this console."""
    return request.app[PARTS].settings.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
