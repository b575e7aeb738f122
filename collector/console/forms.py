"""Lead back to a page after a form, with a fixed word on what became of it; only to paths of ours."""

from __future__ import annotations

from aiohttp import web


def onward(path: str) -> str:
    r"""Return a path of ours to go on to; whatever could lead elsewhere becomes the overview.

    >>> onward("/alerts?show=all"), onward("//evil.example"), onward("/\\evil.example")
    ('/alerts?show=all', '/', '/')
    """
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if ours and path.isascii() else "/"


def back_to(path: str, done: str = "") -> web.Response:
    """Lead to a page after a change; `done` names one of the words in `DONE`, so that no link can bring its own."""
    mark = f"{'&' if '?' in path else '?'}done={done}" if done else ""
    return web.Response(status=303, headers={"Location": path + mark})


DONE = {
    "alert": "The alert was changed.",
    "indicator": "The indicator is kept. Gateways take it over within two seconds.",
    "indicator-gone": "The indicator ends. Gateways let go of it within two seconds.",
    "allowed": "Allowed for an hour. Gateways take it over within two seconds.",
    "approved": "The request was approved.",
    "denied": "The request was denied.",
    "pin-gone": "Cleared. A gateway forgets it within two seconds, a silent one when it is back.",
    "role": "The account was changed; its sessions have ended.",
    "password": "The password was changed; other sessions of yours have ended.",
    "token-gone": "The token opens nothing any more.",
    "device-gone": "The device and everything kept of it was deleted.",
}
