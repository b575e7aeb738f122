"""Lay out block, warn and refusal pages: self-contained HTML, or JSON for programs, with their headers.

What a page says is chosen in `notice.py`; `layout.py` fills the templates, which escape every value.
"""

from __future__ import annotations

import json

from mitmproxy import http

from addons import layout
from addons.notice import Notice, plain

# No `form-action`: it would also hold for where the site sends a person after *continue*, such as another host.
POLICY = f"default-src 'none'; style-src {layout.source_of('page.css')}; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The form's Origin must name this page; `no-referrer` would make it `null`.
    "Referrer-Policy": "same-origin",
    # Over TLS a browser then tells its system's release with the requests that follow.
    "Accept-CH": "Sec-CH-UA-Platform-Version, Sec-CH-UA-Model",
}
_JSON_FIELDS = (
    "action category label explanation reason host url incident indicator source since title description "
    "recommended_actions educate_url"
).split()


def respond(notice: Notice, request: http.Request) -> http.Response:
    """Return the answer to a request that is stopped: 403, as a page or as JSON, whichever the client prefers."""
    if prefers_json(request.headers.get("accept", "")):
        return _response(403, as_json(notice), "application/json")
    return _response(403, layout.render("notice.html", notice=notice), "text/html; charset=utf-8")


def refusal(status: int, heading: str, text: str, host: str = "") -> http.Response:
    """Return a short page for what is no verdict: a name without an address, a form that is too old."""
    body = layout.render("refusal.html", heading=heading, text=plain(text), host=plain(host))
    return _response(status, body, "text/html; charset=utf-8")


def short(notice: Notice) -> http.Response:
    """Return a plain 403 to CONNECT. Browsers show their own error page; the text is for people with other tools."""
    lines = (
        f"Blocked by Seawall: {notice.host}",
        f"Category: {notice.label}",
        f"Incident: {notice.incident}",
        "",
    )
    text = "\n".join(line.replace("\n", " ") for line in lines)
    return _response(403, text, "text/plain; charset=utf-8")


def as_json(notice: Notice) -> str:
    """Return what the page says as a JSON object."""
    return json.dumps({"blocked_by": "seawall", **{name: getattr(notice, name) for name in _JSON_FIELDS}})


def prefers_json(accept: str) -> bool:
    """Say whether an Accept header wants JSON more than HTML; nothing said means HTML (RFC 9110, 12.5.1)."""
    weights = {"application/json": 0.0, "text/html": 0.0}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in weights:
            weights[name] = max(weights[name], _quality(parameters))
    return weights["application/json"] > weights["text/html"]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _response(status: int, body: str, content_type: str) -> http.Response:
    return http.Response.make(status, body.encode("utf-8", "replace"), {**HEADERS, "Content-Type": content_type})
