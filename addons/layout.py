"""Fill the templates of our own pages. They escape every value; nothing is marked as safe but our own files.

Knows nothing of mitmproxy, so that other processes may lay out a page too.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

_FOLDER = Path(__file__).parent / "templates"


@cache
def own(name: str) -> str:
    """Return the text of a file of ours: a style sheet or a script."""
    return (_FOLDER / name).read_text("utf-8")


@cache
def source_of(name: str) -> str:
    """Return how a Content-Security-Policy names a file of ours that stands inside a page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(own(name).encode()).digest()).decode()}'"


def render(template: str, *, script: str = "", **values: object) -> str:
    """Return a page with our style sheet, and with the script of that name."""
    inside = Markup(own(script)) if script else Markup()  # noqa: S704 - our own file
    return _environment().get_template(template).render(style=Markup(own("page.css")), script=inside, **values)  # noqa: S704


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=False,
    )
