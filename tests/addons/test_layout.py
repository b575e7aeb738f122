from __future__ import annotations

from addons import layout


def test_values_are_escaped_and_our_files_are_not() -> None:
    html = layout.render("refusal.html", heading="<b>", text="&", host="")
    assert "&lt;b&gt;" in html and "&amp;" in html
    assert layout.own("page.css") in html
