"""Pages for a person without an account: setting a device up, and one-time links that enrol one."""

from __future__ import annotations

from aiohttp import web

from collector.audit.log import AuditEntry, note
from collector.console.rendering import page
from collector.enrolments import OPEN_FOR, Offer
from collector.settings import Onboarding
from collector.web.doors import is_secure
from collector.web.errors import Refused
from collector.web.forms import field, form_of
from collector.web.parts import PARTS, POLICY

_GONE = "This link was used already or is too old. Ask for another one."
_APART = "This collector runs apart from a gateway. On a device behind one, open http://seawall.internal/."
_SHOWN = frozenset(("image/svg+xml", "application/x-apple-aspen-config"))  # what a browser opens itself
_PATH = "/enrol"


async def onboarding(request: web.Request) -> web.Response:
    """Show the page by which a device is set up and tests itself."""
    html, request[POLICY] = _onboarding(request).page(request.headers.get("User-Agent", ""))
    return web.Response(text=html, content_type="text/html", charset="utf-8")


async def onboarding_file(request: web.Request) -> web.Response:
    """Serve one of the page's files: the CA, its profile, the PAC file. They hold no secret."""
    made = _onboarding(request).files.get(request.match_info["name"])
    if made is None:
        raise Refused(404, "there is no such file")
    body, media = made(request.host)
    return web.Response(body=body, content_type=media)


async def offered(request: web.Request) -> web.Response:
    """Show what a link sets up. Looking does not use it up."""
    parts, code = request.app[PARTS], request.query.get("code", "")
    found = parts.enrolments.unopened(code, parts.clock())
    if found is None:
        raise Refused(404, _GONE)
    return page(request, "enrol.html", code=code, device=found.device)


async def open_offer(request: web.Request) -> web.Response:
    """Use a link up: this browser may now fetch what it holds, for some minutes."""
    parts, code = request.app[PARTS], field(await form_of(request), "code")
    now, found = parts.clock(), parts.enrolments.unopened(code, parts.clock())
    secret = parts.enrolments.open(code, now)
    if secret is None or found is None:
        raise Refused(404, _GONE)
    async with parts.database.write() as connection:
        await note(connection, AuditEntry(now, "a device's person", "enrolment.open", found.device))
    answer = web.Response(status=303, headers={"Location": f"{_PATH}/files"})
    age, safe = int(OPEN_FOR.total_seconds()), is_secure(request)
    answer.set_cookie(_cookie(request), secret, max_age=age, httponly=True, samesite="Strict", secure=safe, path=_PATH)
    return answer


async def files(request: web.Request) -> web.Response:
    """List what an opened link holds."""
    found = _opened(request)
    listed = [(name, file.purpose) for name, file in found.files.items() if file.media != "image/svg+xml"]
    codes = [name for name, file in found.files.items() if file.media == "image/svg+xml"]
    return page(request, "enrolled.html", device=found.device, files=listed, codes=codes, lines=found.lines)


async def file(request: web.Request) -> web.Response:
    """Serve one file under the type that makes its platform open it."""
    name = request.match_info["name"]
    found = _opened(request).files.get(name)
    if found is None:
        raise Refused(404, "there is no such file")
    headers = {} if found.media in _SHOWN else {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=found.body, content_type=found.media, headers=headers)


def _opened(request: web.Request) -> Offer:
    parts = request.app[PARTS]
    found = parts.enrolments.opened(request.cookies.get(_cookie(request), ""), parts.clock())
    if found is None:
        raise Refused(404, _GONE)
    return found


def _cookie(request: web.Request) -> str:
    return f"seawall_enrol_{request.url.port}"


def _onboarding(request: web.Request) -> Onboarding:
    found = request.app[PARTS].settings.onboarding
    if found is None:
        raise Refused(404, _APART)
    return found
