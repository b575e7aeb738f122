"""What a form sends is read, or refused with what is wrong about it; never a failure, on either database."""

from __future__ import annotations

_FORM = "application/x-www-form-urlencoded"
_BAD = (
    (b"grant_type=client_credentials&client_id=x%00y&client_secret=%00&name=x%00y&password=%00&code=%00", _FORM),
    (b"name=\xff\xfe&password=x", _FORM),
    (b"name=a&password=b", f"{_FORM}; charset=nothing"),
    (b"name=a&password=b", f"{_FORM}; charset=utf-16"),
    (b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\na', "multipart/form-data; boundary=x"),
    (b"name=a", "multipart/form-data"),
    (b"{}", "application/json"),
)


async def test_a_form_that_is_none_is_refused(on_either):
    for path in ("/login", "/invitation", "/enrol", "/t/oauth2/v2.0/token"):
        for body, kind in _BAD:
            status, said, _ = await on_either.ask("POST", path, "", data=body, headers={"Content-Type": kind})
            assert 400 <= status < 500, (path, body, said)
            on_either.clock.advance(hours=1)  # who guesses has to wait


async def test_a_token_is_refused_in_the_form_of_its_protocol(running):
    status, said, _ = await running.ask(
        "POST", "/t/oauth2/v2.0/token", "", data=b"a=\xff", headers={"Content-Type": _FORM}
    )
    assert (status, said["error"]) == (400, "invalid_request")


async def test_what_a_page_sends_is_read_the_same_way(running):
    browser = await running.log_in()
    for path in ("/alerts/x", "/logout", "/account/password"):
        async with browser.post(running.url + path, data=b"csrf=\xff", headers={"Content-Type": _FORM}) as answer:
            assert answer.status == 400
            assert "form: cannot be read" in await answer.text()
    await browser.close()
