"""Keep the forms of our own pages from the site, on every host: their body is read here and goes nowhere else.

What a form means is for the addon that takes it.
"""

from __future__ import annotations

from mitmproxy import http

from addons import pages
from addons.enforcement import answer, is_ours, refuse_flow

_MAX_FORM = 16 * 1024  # bytes


def keep_form(flow: http.HTTPFlow, path: str, mark: str) -> None:
    """Keep a form for `path`; `mark` is set in the flow's metadata when its body is to be awaited."""
    if flow.error or flow.response or is_ours(flow) or flow.request.path.partition("?")[0] != path:
        return
    if flow.request.method != "POST":
        say(flow, 405, "Not taken", "This address takes only the form of a page of this gateway.")
    elif int(flow.request.headers.get("content-length", "0") or 0) not in range(1, _MAX_FORM + 1):
        say(flow, 413, "Not taken", "This form is empty or too long.")
    else:
        flow.metadata[mark] = True
        flow.request.stream = False
        refuse_flow(flow)  # stands unless the form is taken, so that nothing of it can ever go upstream


def say(flow: http.HTTPFlow, status: int, heading: str, text: str) -> None:
    """Answer a form with a short page."""
    answer(flow, pages.refusal(status, heading, text), last=True)
